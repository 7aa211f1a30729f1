import Copying
import Files
import Ledger
import Settings
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

@Suite(.serialized) struct VolumeRosterTests {
    @Test(.timeLimit(.minutes(2)))
    func `a watermark is raised once and cleared once, whoever looks and however use swings`() async throws {
        try await DeliverySite.with { site in
            let settings = try Settings.load(
                bytes: Array(
                    """
                    [replay]
                    name = "replay1"
                    database = "host=replay.example dbname=callrec"
                    [[replay.volumes]]
                    name = "a"
                    path = "\(site.scratch.path.appending("volume").displayText)"
                    watermark = "85%"
                    [[sources]]
                    name = "rec_a"
                    database = "host=recorder.example dbname=callrec"
                    mount_path = "/mnt/a"
                    mounts = ["/mnt/a/calls"]
                    """.utf8), named: FilePath("takeup.toml"), environment: .ofProcess()
            ).replay
            let available = Mutex<Int64>(500)
            let time = Mutex<Duration>(.zero)
            let files = FaultyFiles(claim: { facts in
                facts.totalBytes = 1_000_000
                facts.availableBytes = available.withLock { $0 } * 1000
                facts.freeBytes = facts.availableBytes
            })
            func roster(_ narrator: MemoryNarrator) throws -> VolumeRoster {
                VolumeRoster(
                    replay: settings, copying: CopySettings(), concurrency: .fixed(1), patience: .seconds(60),
                    ownership: try Ownership(settings.ownership), calls: files, database: site.database,
                    problems: ProblemBook(database: site.database, narrator: narrator), narrator: narrator,
                    clock: { time.withLock { $0 } })
            }
            let narrators = [MemoryNarrator(), MemoryNarrator()]
            let rosters = try narrators.map(roster)
            // At 85 % it is raised below 150, and cleared from 200 on, when that has lasted a minute.
            for share: Int64 in [500, 130, 170, 130, 170, 500, 500] {
                available.withLock { $0 = share }
                for roster in rosters { try await roster.sample() }
                time.withLock { $0 += .seconds(70) }
            }
            let told = narrators.flatMap(\.entries)
            #expect(told.map(\.event) == [.watermarkRaised, .watermarkCleared])
            #expect(told.allSatisfy { $0.missingFacts.isEmpty && $0.undeclaredFacts.isEmpty })
            let incidents = Set(told.compactMap { $0.facts.first { $0.name == .incident }?.value })
            #expect(incidents.count == 1)
        }
    }

    @Test(.timeLimit(.minutes(2))) func `a process that stops says nothing of volumes that it did not come to`()
        async throws
    {
        try await DeliverySite.with { site in
            let settings = try Settings.load(
                bytes: Array(
                    """
                    [replay]
                    name = "replay1"
                    database = "host=replay.example dbname=callrec"
                    [[replay.volumes]]
                    name = "a"
                    path = "\(site.scratch.path.appending("volume").displayText)"
                    watermark = "90%"
                    [[sources]]
                    name = "rec_a"
                    database = "host=recorder.example dbname=callrec"
                    mount_path = "/mnt/a"
                    mounts = ["/mnt/a/calls"]
                    """.utf8), named: FilePath("takeup.toml"), environment: .ofProcess()
            ).replay
            let narrator = MemoryNarrator()
            let roster = VolumeRoster(
                replay: settings, copying: CopySettings(), concurrency: .fixed(1), patience: .seconds(60),
                ownership: try Ownership(settings.ownership), database: site.database,
                problems: ProblemBook(database: site.database, narrator: narrator), narrator: narrator)
            #expect(try await roster.sample().allSatisfy { $0.condition == nil })
            let stopping = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await roster.sample()
            }
            await #expect(throws: CancellationError.self) { try await stopping.value }
            #expect(narrator.entries.isEmpty)
            #expect(try await roster.current().allSatisfy { $0.condition == nil })
        }
    }
}
