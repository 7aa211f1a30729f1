import Catalogs
import Copying
import Ledger
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

@Suite(.serialized) struct IndexFileCommitTests {
    /// The sound's file and its index files, written, and their plan.
    private func plan(
        _ recording: SourceRecording, endings: [String] = ["idx"], replaces: Int64? = nil, _ site: DeliverySite
    ) async throws {
        let sound = recording.media[0]
        func transfer(_ media: SourceMedia, replaces: Int64? = nil) -> TransferPlan {
            TransferPlan(
                mediaID: media.id, fingerprint: Fingerprint(of: media).bytes, mount: DeliverySite.MountRole.calls.name,
                kind: media.kind, path: media.path, expectedSize: media.size, recordingStart: recording.start,
                replacesMediaID: replaces)
        }
        try site.scratch.write(DeliverySite.content, to: "mount\(sound.path.displayText)")
        var transfers = [transfer(sound, replaces: replaces)]
        for ending in endings {
            let path = FilePath(sound.path.displayText.replacing(".mp3", with: ".\(ending)"))
            try site.scratch.write(DeliverySite.content, to: "mount\(path.displayText)")
            transfers.append(transfer(IndexFile(of: sound, at: path).media))
        }
        let plan = SightingPlan(
            reference: recording.reference, sid: recording.sid,
            outcome: .transfer(transfers, mark: .synchronized, fingerprint: Fingerprint(of: recording).bytes))
        try await site.database.transaction { session in _ = try Plans.record([plan], in: session) }
    }

    /// Delivers all that is due, the sound first or last.
    private func deliver(
        _ recording: SourceRecording, replaces: Int64? = nil, soundLast: Bool = false, _ worker: Worker
    ) async throws -> [DeliveryOutcome] {
        let claimed = try await worker.claim(recording, limit: 9, replaces: replaces)
            .sorted { ($0.kind == .audio) != soundLast && $1.kind == .index }
        var outcomes: [DeliveryOutcome] = []
        for consignment in claimed {
            if let outcome = await worker.deliver([consignment]) { outcomes.append(outcome) }
        }
        return outcomes
    }

    private func held(_ site: DeliverySite) async throws -> [String] {
        try await site.database.perform { session in
            try session.query(
                "select source || ' ' || kind as what from takeup.replica where state = 'held' order by source, kind"
            ).map { try $0.text("what") }
        }
    }

    private func soundRow(_ site: DeliverySite) async throws -> Int64? {
        try await site.database.perform { try $0.first("select id from callrec.cfiles")?.integer("id") }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func `an index file is held beside its sound without a row, whichever comes first`(soundLast: Bool) async throws {
        try await DeliverySite.with { site in
            let recording = try await site.record(1)
            try await plan(recording, site)
            let worker = try await site.worker("one")
            let outcomes = try await deliver(recording, soundLast: soundLast, worker)
            #expect(outcomes.count == 2 && outcomes.allSatisfy { $0.replica != nil }, "\(outcomes)")
            #expect(try await held(site) == ["rec_a AUDIO", "rec_a INDEX"])
            #expect(try await site.count("callrec.cfiles") == 1)
            #expect(try await site.count("callrec.couples") == 1)
            #expect(try await site.count("takeup.sighting where state = 'converged'") == 1)
            #expect(try site.files().count == 2)
            // Planned again, nothing of it is to be done again.
            try await plan(recording, site)
            #expect(try await worker.claim(recording, limit: 9).isEmpty)
            #expect(try await site.count("takeup.sighting where state = 'converged'") == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `the index file goes with the sound that a better one replaced, and one that comes late is not taken`()
        async throws
    {
        try await DeliverySite.with { site in
            var recording = try await site.record(1)
            recording.problemStatus = "ONLY_ONE_STREAM"
            try await plan(recording, endings: ["idx", "late"], site)
            let worker = try await site.worker("one")
            let claimed = try await worker.claim(recording, limit: 9)
            let late = try #require(claimed.first { $0.source.isNamed("late") })
            for consignment in claimed where !consignment.source.isNamed("late") {
                #expect(await worker.deliver([consignment])?.replica != nil)
            }
            var better = recording
            better.source = SourceName("rec_b")
            better.problemStatus = "NO_PROBLEM"
            better.media[0].id = 77
            better.media[0].keyID = "key"
            better.media[0].path = FilePath("/calls/better.mp3")
            let row = try await soundRow(site)
            try await plan(better, replaces: row, site)
            let outcomes = try await deliver(better, replaces: row, worker)
            #expect(outcomes.count == 2 && outcomes.allSatisfy { $0.replica != nil }, "\(outcomes)")
            #expect(try await held(site) == ["rec_b AUDIO", "rec_b INDEX"])
            #expect(try await site.count("takeup.replica where state = 'retired' and kind = 'INDEX'") == 1)
            guard case .stale = await worker.deliver([late]) else {
                Issue.record("an index file of a sound that is not held any more was taken")
                return
            }
            #expect(try await held(site) == ["rec_b AUDIO", "rec_b INDEX"])
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `an index file that comes anew with its sound takes the place of the one from there`() async throws {
        try await DeliverySite.with { site in
            var recording = try await site.record(1)
            try await plan(recording, endings: ["idx", "tags"], site)
            let worker = try await site.worker("one")
            #expect(try await deliver(recording, worker).count == 3)
            recording.media[0].crc32 = 5
            let row = try await soundRow(site)
            try await plan(recording, endings: ["idx", "tags"], replaces: row, site)
            let outcomes = try await deliver(recording, replaces: row, worker)
            #expect(outcomes.count == 3 && outcomes.allSatisfy { $0.replica != nil }, "\(outcomes)")
            #expect(try await held(site) == ["rec_a AUDIO", "rec_a INDEX", "rec_a INDEX"])
            #expect(try await site.count("takeup.replica where state = 'retired' and kind = 'INDEX'") == 2)
            #expect(try await site.count("takeup.sighting where state = 'converged'") == 1)
        }
    }
}

extension CopySource {
    fileprivate func isNamed(_ ending: String) -> Bool {
        if case .beneath(_, let path) = self { path.displayText.hasSuffix(ending) } else { false }
    }
}
