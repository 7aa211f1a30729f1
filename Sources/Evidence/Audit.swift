internal import Catalogs
package import Delivery
internal import Ledger
internal import Planning
internal import Postgres
package import Settings
package import Vocabulary

/// Compares what is marked at the sources with what is held here, and what is held with the volumes; page by page, so
/// that memory does not grow with what there is.
package struct Audit: Sendable {
    /// What to look at, and what to do about it.
    package struct Request: Sendable {
        /// Nil: all that are enabled.
        package var source: SourceSettings?
        /// Recordings that ended before this are left out, by the recorder's clock.
        package var since: WallTime?
        /// Takes marks back from what is not held, and adopts what stands.
        package var repairs: Bool
        /// Reads every held copy whole.
        package var isDeep: Bool
        package init(source: SourceSettings? = nil, since: WallTime? = nil, repairs: Bool, isDeep: Bool) {
            self.source = source
            self.since = since
            self.repairs = repairs
            self.isDeep = isDeep
        }
    }

    let settings: Settings
    let base: ReplayBase
    let request: Request
    let environment: SettingsEnvironment
    /// Each finding as it is met.
    let tell: @Sendable (AuditFinding) -> Void
    /// What is being looked at, and how many of it are done.
    let advance: @Sendable (_ what: String, _ done: Int) -> Void
    let bringers: Bringers

    static let page = 500

    package init(
        settings: Settings, base: ReplayBase, request: Request, environment: SettingsEnvironment,
        tell: @escaping @Sendable (AuditFinding) -> Void,
        advance: @escaping @Sendable (_ what: String, _ done: Int) -> Void
    ) {
        self.settings = settings
        self.base = base
        self.request = request
        self.environment = environment
        self.tell = tell
        self.advance = advance
        bringers = Bringers(settings: settings, environment: environment)
    }

    package func run() async throws -> AuditSummary {
        var result = AuditResult(tell: tell)
        let samples = try await base.roster.sample()
        // First, so that a copy that is gone shows among what is lacking at its source.
        if request.source == nil { try await CopiesAudit(audit: self, samples: samples).run(&result) }
        let sources = request.source.map { [$0] } ?? settings.sources.filter(\.isEnabled)
        for source in sources {
            do {
                try await SourceAudit(audit: self, source: source, samples: samples).run(&result)
            } catch let error as PostgresError where error.doing.contains("source \(source.name)") {
                result.tell(.sourceUnseen, nil, "Source \(source.name) could not be looked at: \(error).", .blocks)
            }
        }
        let isWhole = request.source == nil && request.since == nil
        let blockers = result.blockers
        let (resumed, stopped) = try await base.replay.database.transaction { session -> (Bool, String?) in
            let reason = try Marking.check(in: session)
            guard isWhole, blockers == 0 else { return (false, reason) }
            // Also where nobody has seen yet that the ledger is behind its marks: what was given before is settled.
            try Marking.resume(in: session)
            return (reason != nil, nil)
        }
        result.summary.resumed = resumed
        result.summary.markingStopped = stopped
        return result.summary
    }
}

/// Counts and tells what an audit meets.
struct AuditResult: Sendable {
    var summary = AuditSummary()
    /// What has to be gone before marks may be given again.
    private(set) var blockers = 0
    private let tell: @Sendable (AuditFinding) -> Void

    init(tell: @escaping @Sendable (AuditFinding) -> Void) { self.tell = tell }

    mutating func tell(
        _ kind: AuditFinding.Kind, _ recording: RecordingReference?, _ text: String, _ weight: AuditFinding.Weight
    ) {
        switch weight {
        case .seenTo: summary.seenTo += 1
        case .stays: summary.findings[kind.rawValue, default: 0] += 1
        case .blocks:
            blockers += 1
            summary.findings[kind.rawValue, default: 0] += 1
        }
        tell(AuditFinding(kind, recording, text, weight))
    }
}
