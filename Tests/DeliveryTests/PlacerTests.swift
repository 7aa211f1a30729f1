import Copying
import Files
import Ledger
import Planning
import Postgres
import Settings
import Support
import Testing
import Vocabulary

@testable import Delivery

@Suite struct PlacerTests {
    @Test(.timeLimit(.minutes(2)))
    func `two processes that place at once never promise more than the watermark, nor than the floor, leaves`()
        async throws
    {
        try await DeliverySite.with { site in
            let (files, size) = (60, Int64(10 << 20))
            for id in 1...Int64(files) { try await site.record(id) }
            // Under 99 % there is room for 40 files, above it for no more than the floor leaves: none.
            let total: Int64 = 100 << 30
            let room = total / 100 + 40 * size
            let worker = try await site.worker("registers")
            let looked = try #require(try await worker.roster.sample().first)
            let proof = try #require(looked.proof)
            let sample = VolumeSample(
                settings: looked.settings,
                proof: VolumeSample.Proof(
                    id: proof.id, device: proof.device,
                    facts: FileSystemFacts(
                        kind: proof.facts.kind, totalBytes: total, freeBytes: room, availableBytes: room)),
                condition: nil, reason: nil)
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
                            outcomes += try await database.transaction { session in
                                try placer.place(consignments, among: [sample], in: session)
                            }
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
            let account = AccountID(proof.id.rawValue)
            let reserved = try await site.database.perform { session in
                try session.answer(Accounts.reserved([account]))[account]
            }
            #expect(reserved == 40 * size)
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
