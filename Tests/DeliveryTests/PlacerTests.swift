import Copying
import Files
import Ledger
import Planning
import Postgres
import Settings
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

@Suite struct PlacerTests {
    @Test(.timeLimit(.minutes(2)))
    func `two processes that place at once never promise more than the watermark, nor than the floor, leaves`()
        async throws
    {
        try await DeliverySite.with { site in
            let (files, size) = (60, Int64(10 << 20) - 4096)
            let footprint = Int64(10 << 20)
            for id in 1...Int64(files) { try await site.record(id) }
            // Under 99 % there is room for 40 files, above it for no more than the floor leaves: none.
            let total: Int64 = 100 << 30
            let room = total / 100 + 40 * footprint
            let worker = try await site.worker("registers")
            let looked = try #require(try await worker.roster.sample().first)
            let proof = try #require(looked.proof)
            // Its space was read before the first decision, and never again: what others promised and wrote since counts.
            let standing = try await site.database.perform { session in
                try session.answer(Accounts.standing(of: [proof.id]))[proof.id]?.standing
            }
            let sample = VolumeSample(
                settings: looked.settings,
                proof: VolumeSample.Proof(
                    id: proof.id, device: proof.device,
                    facts: FileSystemFacts(
                        kind: proof.facts.kind, totalBytes: total, freeBytes: room, availableBytes: room)),
                condition: nil, reason: nil, promised: standing)
            let placer = Placer(replay: site.settings.replay, lease: .seconds(60))
            let outcomes = try await withThrowingTaskGroup(of: [Placer.Outcome].self) { group in
                for name in ["one", "other"] {
                    group.addTask {
                        let database = site.base.connect(connections: 1)
                        var outcomes: [Placer.Outcome] = []
                        for _ in 0..<files {
                            let claimed = try await database.perform { session in
                                try Transfers.claim(
                                    mount: DeliverySite.MountRole.calls.name, holder: Holder(name), limit: 2, newest: 0,
                                    lease: .seconds(60), in: session)
                            }
                            if claimed.isEmpty { break }
                            let consignments = claimed.compactMap { PlacerTests.consignment($0, size: size) }
                            let made = try await database.transaction { session in
                                try placer.place(consignments, among: [sample], in: session)
                            }
                            try await PlacerTests.allocate(made, in: database)
                            outcomes += made
                        }
                        return outcomes
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(outcomes.count == files)
            let placed = outcomes.count { if case .placed(_, _, isOverflow: false) = $0 { true } else { false } }
            #expect(placed == 40)
            let refused = outcomes.count { if case .noRoom = $0 { true } else { false } }
            #expect(refused == files - 40)
            #expect(try await site.count("takeup.intent where state = 'open'") == 40)
            let promised = try await site.database.perform { session in
                try session.answer(Accounts.standing(of: [proof.id]))[proof.id]?.standing
            }
            #expect(promised?.promisedBytes == 40 * footprint)
            #expect(promised?.unallocatedBytes == 20 * footprint)
            #expect(promised?.largestEver == size)
        }
    }

    /// Every second copy is made at once.
    private static func allocate(_ outcomes: [Placer.Outcome], in database: Database) async throws {
        let tokens = outcomes.compactMap { outcome in
            if case .placed(let intent, _, _) = outcome, intent.token.rawValue.isMultiple(of: 2) {
                intent.token
            } else {
                nil
            }
        }
        try await database.perform { session in try Intents.allocated(tokens, in: session) }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a decision among sixteen volumes of sixteen accounts takes less than five milliseconds with the lock`()
        async throws
    {
        try await DeliverySite.with { site in
            let settings = try site.manyVolumes(16)
            for id in 1...Int64(100) { try await site.record(id) }
            let roster = VolumeRoster(
                replay: settings, copying: CopySettings(), concurrency: .fixed(1), patience: .seconds(60),
                ownership: try Ownership(settings.ownership), database: site.database,
                problems: ProblemBook(database: site.database, narrator: MemoryNarrator()), narrator: MemoryNarrator())
            let samples = try await roster.sample()
            #expect(samples.count { $0.condition == nil } == 16)
            let placer = Placer(replay: settings, lease: .seconds(60))
            let claimed = try await site.database.perform { session in
                try Transfers.claim(
                    mount: DeliverySite.MountRole.calls.name, holder: Holder("one"), limit: 100, newest: 0,
                    lease: .seconds(60), in: session)
            }
            var spans: [Duration] = []
            var volumes: Set<VolumeID> = []
            for consignment in claimed.compactMap({ PlacerTests.consignment($0, size: 1 << 20) }) {
                let began = ContinuousClock.now
                let made = try await site.database.transaction(isDurable: false) { session in
                    try placer.place([consignment], among: samples, in: session)
                }
                spans.append(.now - began)
                if case .placed(let intent, _, _) = try #require(made.first) { volumes.insert(intent.volume) }
            }
            #expect(volumes.count == 16)
            spans.sort()
            print("decision among 16 volumes, lock to commit: median \(spans[50]), 99 % within \(spans[98])")
            #expect(spans[50].isWithin(bar: .milliseconds(5)))
        }
    }

    private static func consignment(_ transfer: Transfer, size: Int64) -> Consignment? {
        transfer.claim.map { claim in
            Consignment(
                work: .transfer(claim), sid: transfer.sid, recording: transfer.recording, media: transfer.mediaID,
                kind: transfer.kind, source: .own(FilePath("/nowhere")), size: size, observation: nil, crc32: .none,
                path: FilePath("\(transfer.id.rawValue).mp3"), attempt: 1,
                commit: .original(
                    SourceRecording(
                        source: transfer.recording.source, id: transfer.recording.id, sid: transfer.sid,
                        call: SourceCall(id: 1)),
                    SourceMedia(id: transfer.mediaID, kind: transfer.kind, path: transfer.path), replaces: nil))
        }
    }
}
