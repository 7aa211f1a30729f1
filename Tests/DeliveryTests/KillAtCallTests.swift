import Copying
import Files
import Glibc
import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

/// Processes that die at each call about files, on the ways that large files take: past the cache, and read back while the
/// rest is written, alone and in a group with small ones.
@Suite(.serialized) struct KillAtCallTests {
    enum Way: CaseIterable, Sendable, CustomTestStringConvertible {
        case pastCache, readBehind, mixedGroup

        /// Bytes of each file, where files of 4 KiB are large already.
        var sizes: [Int] {
            switch self {
            case .pastCache: [10_000]
            case .readBehind: [12_288]
            case .mixedGroup: [12_288, 10_000, 3000, 3000]
            }
        }

        /// The same where they are as large as they are for users.
        var realSizes: [Int] {
            switch self {
            case .pastCache: [(1 << 20) + 5000]
            case .readBehind: [(64 << 20) + 5000]
            case .mixedGroup: [(64 << 20) + 5000, 1 << 20] + [Int](repeating: 40_000, count: 7)
            }
        }

        var testDescription: String { "\(self)" }
    }

    private static let small = CopySettings(groupDurabilityFrom: 4, largeFrom: 4096, readBackStep: 4096)

    @Test(.timeLimit(.minutes(3)), arguments: Way.allCases)
    func `whoever dies at whatever call, no wrong bytes have a name, no row lacks its file, nothing is left`(
        way: Way
    ) async throws {
        try await DeliverySite.with { site in
            var died = 0
            let other = try await site.worker("other", copying: KillAtCallTests.small)
            while try await die(at: died + 1, sizes: way.sizes, KillAtCallTests.small, site, other) { died += 1 }
            print("bar: \(way): died at each of \(died) calls about files: 0 wrong, 0 rows without a file, 0 left")
            #expect(died > 25)
        }
    }

    @Test(
        .timeLimit(.minutes(30)),
        .enabled(if: getenv("TAKEUP_LONG_TESTS") != nil, "the long proof, with TAKEUP_LONG_TESTS=1"),
        arguments: Way.allCases)
    func `the same with files as large as they are for users`(way: Way) async throws {
        var (moment, isOver) = (1, false)
        while !isOver {
            // A site for each, since its disk is full otherwise.
            try await DeliverySite.with { site in
                let other = try await site.worker("other")
                isOver = try await !die(at: moment, sizes: way.realSizes, CopySettings(), site, other)
            }
            // Each at the beginning, and later those of every kind.
            moment += moment < 40 ? 1 : 7
        }
        print("bar: \(way) at full size: died at calls up to \(moment)")
        #expect(moment > 25)
    }

    /// Whether it died.
    private func die(
        at moment: Int, sizes: [Int], _ settings: CopySettings, _ site: DeliverySite, _ other: Worker
    ) async throws -> Bool {
        let first = Int64(moment) * 100
        var contents: [Int64: [UInt8]] = [:]
        var recordings: [SourceRecording] = []
        for (place, size) in sizes.enumerated() {
            let id = first + Int64(place)
            let bytes = [UInt8](repeating: UInt8(id % 250 + 1), count: size)
            recordings.append(try await site.record(id, content: bytes))
            contents[id] = bytes
        }
        let proxy = try DroppingProxy(to: site.base.cluster)
        let mortal = Mortal(moment: moment, proxy: proxy)
        let dying = try await site.worker(
            "mortal-\(moment)", calls: mortal.calls, connection: proxy.settings(for: site.base), copying: settings)
        _ = await dying.deliverer.deliver(try await dying.claim(all: recordings, limit: sizes.count))
        try await expectNothingWrong(contents, "after the death", moment, site)
        try await site.expireAll()
        let again = try await other.claim(all: recordings, limit: sizes.count)
        if !again.isEmpty {
            let outcomes = await other.deliverer.deliver(again)
            #expect(outcomes.allSatisfy { $0.replica != nil }, "call \(moment): \(outcomes)")
        }
        try await site.expireAll()
        try await other.sweep()
        try await expectNothingWrong(contents, "in the end", moment, site)
        let (named, files) = (try await site.named(), try site.files())
        #expect(named == files, "call \(moment)")
        // A name that the dead one had taken is left to the sweep, and the copy has one beside it.
        let arrived = named.compactMap { recording(of: $0) }.filter { contents[$0] != nil }.sorted()
        #expect(arrived == contents.keys.sorted(), "call \(moment)")
        proxy.stop()
        return mortal.isDead
    }

    /// Whose file it is by its name, also by one beside the first; hidden ones are nobody's.
    private func recording(of path: FilePath) -> Int64? {
        Int64(String(decoding: path.lastComponent.prefix { (48...57).contains($0) }, as: UTF8.self))
    }

    /// What has a name of its own holds what was recorded, and so does what a row stands for.
    private func expectNothingWrong(
        _ contents: [Int64: [UInt8]], _ when: String, _ moment: Int, _ site: DeliverySite
    ) async throws {
        for path in try site.files() {
            guard let expected = contents[recording(of: path) ?? 0] else { continue }
            let found = try site.scratch.read(FilePath("volume").appending(path.bytes))
            #expect(found == expected, "wrong bytes have a name \(when), call \(moment)")
        }
        for path in try await site.named() {
            guard let expected = contents[recording(of: path) ?? 0] else { continue }
            let found = try site.scratch.read(FilePath("volume").appending(path.bytes))
            #expect(found == expected, "a row has no whole file \(when), call \(moment)")
        }
    }
}
