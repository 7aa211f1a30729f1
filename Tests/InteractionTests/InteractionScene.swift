import HTTP
import Planning
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Interaction

/// The play site, calm, and clients that wait a moment only.
struct InteractionScene {
    let site: PlaySite
    let waits = Waits()

    init() async throws {
        site = try PlaySite.shared.get()
        try await site.calm()
    }

    /// What was waited for, instead of waiting.
    final class Waits: Sendable {
        private let all = Mutex<[Duration]>([])
        func add(_ wait: Duration) { all.withLock { $0.append(wait) } }
        var list: [Duration] { all.withLock { $0 } }
    }

    var client: HTTPClient { HTTPClient(logins: site.logins, authorities: site.authorities) }

    func asking(_ client: HTTPClient? = nil, attempts: Int = 4) -> Asking {
        Asking(client: client ?? self.client, attempts: attempts) { [waits] in waits.add($0) }
    }

    func rws(_ asking: Asking? = nil, dialect: SiteDialect = SiteDialect()) -> RWS {
        RWS(
            base: site.address("rws"), contactCenter: site.contactCenter, asking: asking ?? self.asking(),
            dialect: dialect)
    }

    var rcs: RCS { RCS(base: site.address("rcs"), asking: asking()) }
    var webDAV: WebDAV { WebDAV(asking: asking()) }

    /// The error that it ends with; the test fails where it does not.
    func error<Value>(_ body: () async throws -> Value) async -> SiteError? {
        do {
            _ = try await body()
            Issue.record("it went well")
            return nil
        } catch {
            return error as? SiteError
        }
    }

    /// Pairs of clear calls, one for each test that changes something.
    func pair(_ number: Int) -> PlaySite.Pair { site.pairs.filter { !$0.late }[number] }

    func result(_ pair: PlaySite.Pair) -> SiteResult {
        SiteResult(
            call: pair.call, region: site.region,
            pair: SourcePair(sound: pair.media[0], screens: Array(pair.media[1...])),
            start: Instant(microseconds: 1_790_000_000_000_000), length: .milliseconds(5250),
            byteCount: 3,
            storage: site.address("dav").appending("recordings", "screen"), agent: "agent@tenant.example")
    }
}
