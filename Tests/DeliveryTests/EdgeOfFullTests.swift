import Files
import Glibc
import Ledger
import Planning
import Postgres
import Settings
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// Copies of two at once onto real file systems that are nearly full: space is never met to be gone in the middle of one,
/// and the floor is never crossed.
@Suite(.serialized, .enabled(if: geteuid() == 0 && PrivateMounts.isPossible, "only root may mount"))
struct EdgeOfFullTests {
    enum Kind: String, CaseIterable, Sendable {
        case ext4, xfs, btrfs
        var make: String { self == .ext4 ? "mkfs.ext4 -q -m 0" : self == .xfs ? "mkfs.xfs -q" : "mkfs.btrfs -q" }
        var isPossible: Bool { access("/usr/sbin/mkfs.\(rawValue)", X_OK) == 0 }
    }

    @Test(.timeLimit(.minutes(3)))
    func `32 copies at once from two workers at the edge of full ext4`() async throws {
        try await fill(.ext4, rounds: 1)
    }

    @Test(
        .timeLimit(.minutes(15)),
        .enabled(if: getenv("TAKEUP_LONG_TESTS") != nil, "the long proof, with TAKEUP_LONG_TESTS=1"),
        arguments: Kind.allCases)
    func `the same again and again on each file system`(kind: Kind) async throws {
        try #require(kind.isPossible, "mkfs.\(kind.rawValue) is wanted")
        try await fill(kind, rounds: 5)
    }

    private func fill(_ kind: Kind, rounds: Int) async throws {
        for round in 0..<rounds {
            try await DeliverySite.with { site in
                let mounts = try PrivateMounts()
                #expect(await mounts.isReady())
                let place = try site.scratch.directory("disk").displayText
                try mounts.run(
                    """
                    truncate -s 400M \(place).img; \(kind.make) \(place).img; mount -o loop \(place).img \(place)
                    chmod 777 \(place)
                    """)
                let disk = FilePath(mounts.seen(place))
                let settings = try site.volumes([("disk", "watermark = \"90%\"")], at: ["disk": disk])
                try await run(site, settings, disk, "\(kind), round \(round)")
            }
        }
    }

    private func run(
        _ site: DeliverySite, _ settings: ReplaySettings, _ disk: FilePath, _ name: String
    ) async throws {
        let largest = 12 << 20
        // Until little room is left, and 32 that want it.
        let before = try FileSystemFacts.look(at: disk)
        var left = before.availableBytes - Int64(Double(before.usedBytes + before.availableBytes) * 0.1)
        var recordings: [SourceRecording] = []
        var id: Int64 = 0
        func record(_ size: Int) async throws {
            id += 1
            let content = [UInt8](repeating: UInt8(truncatingIfNeeded: id), count: size)
            recordings.append(try await site.record(id, content: content))
        }
        while left > 90 << 20 {
            try await record(largest)
            left -= Int64(largest)
        }
        // Said beforehand, so that the floor is one number whatever is under way.
        let rules = LevelRules(largestFile: Int64(largest))
        let narrators = [MemoryNarrator(), MemoryNarrator()]
        let workers = [
            try await site.worker("one", settings: settings, threads: 16, rules: rules, narrator: narrators[0]),
            try await site.worker("other", settings: settings, threads: 16, rules: rules, narrator: narrators[1]),
        ]
        try await deliverAll(recordings, by: [workers[0]], lanes: 2)
        recordings = []
        for _ in 0..<32 { try await record(Int.random(in: (1 << 20)...largest)) }
        let lowest = Mutex(Int64.max)
        let watch = Task {
            while !Task.isCancelled {
                if let facts = try? FileSystemFacts.look(at: disk) {
                    // For a moment btrfs says nothing at all where it is about to make room for what it notes of files.
                    if facts.availableBytes > 0 { lowest.withLock { $0 = min($0, facts.availableBytes) } }
                }
                try? await Task.sleep(for: .microseconds(500))
            }
        }
        let outcomes = try await deliverAll(recordings, by: workers, lanes: 16)
        watch.cancel()
        await watch.value
        let committed = outcomes.count { $0.replica != nil }
        let waiting = outcomes.count { if case .noRoom = $0 { true } else { false } }
        let floor = max(Int64(Double(before.usedBytes + before.availableBytes) * 0.02), 2 * Int64(largest))
        let least = lowest.withLock { $0 }
        let enospc = narrators.flatMap(\.entries).count { $0.event == .copyEnospc }
        print(
            "bar: \(name): \(committed) committed, \(waiting) wait, \(enospc) ran out of space, lowest \(least >> 10) KiB,"
                + " floor \(floor >> 10) KiB")
        #expect(enospc == 0)
        #expect(committed + waiting == outcomes.count, "\(outcomes.filter { $0.replica == nil })")
        #expect(committed > 0 && waiting > 0, "it was not at the edge")
        #expect(least >= floor)
    }

    @discardableResult
    private func deliverAll(
        _ recordings: [SourceRecording], by workers: [Worker], lanes: Int
    ) async throws -> [DeliveryOutcome] {
        var consignments: [(Worker, Consignment)] = []
        for (place, worker) in workers.enumerated() {
            let share = recordings.enumerated().filter { $0.offset % workers.count == place }.count
            for consignment in try await worker.claim(all: recordings, limit: share) {
                consignments.append((worker, consignment))
            }
        }
        let count = lanes * workers.count
        let shares = (0..<count).map { lane in
            consignments.enumerated().filter { $0.offset % count == lane }.map(\.element)
        }
        return await withTaskGroup(of: [DeliveryOutcome].self) { group in
            for share in shares {
                group.addTask {
                    var outcomes: [DeliveryOutcome] = []
                    for (worker, consignment) in share {
                        outcomes += await worker.deliverer.deliver([consignment])
                    }
                    return outcomes
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }
}
