import Catalogs
import Copying
import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

/// Which row of the replay a muxed file gets.
@Suite(.serialized) struct ResultRowsTests {
    private static let sid = Sid("sid-1")

    private func deliver(_ site: DeliverySite, _ worker: Worker, _ name: String) async throws -> Replica? {
        let holder = worker.replay.holder
        let job = try await site.database.perform { session in
            try MuxJobs.claim(holder: holder, limit: 1, newest: 0, lease: .seconds(60), in: session).first
        }
        guard let job, let claim = job.claim else { return nil }
        try site.scratch.write(DeliverySite.content, to: "made/\(name).mp4")
        let consignment = Consignment(
            work: .muxJob(claim), sid: Self.sid, recording: RecordingReference(source: DeliverySite.source, id: 1),
            media: job.id.rawValue, kind: .video, source: .own(site.scratch.path.appending("made/\(name).mp4")),
            size: Int64(DeliverySite.content.count), observation: nil, crc32: .none,
            path: FilePath("rec_a/muxed/\(name).mp4"), attempt: job.attempts,
            commit: .result(
                job, MadeResult(start: nil, stop: nil, encoded: "nothing", authenticity: .unauthenticated)))
        return await worker.deliver([consignment])?.replica
    }

    /// One more screen of the recording, delivered.
    private func addScreen(
        _ number: Int64, to recording: inout SourceRecording, _ site: DeliverySite, _ worker: Worker
    ) async throws -> Replica {
        var screen = try #require(recording.media.last)
        (screen.id, screen.path) = (1000 + number, FilePath("/screens/more-\(number).mp4"))
        recording.media.append(screen)
        try site.scratch.write(DeliverySite.content, to: "mount/screens/more-\(number).mp4")
        try await site.plan(recording)
        return try #require(await worker.deliver(try await worker.claim(recording, on: .screens))?.replica)
    }

    private func rows(_ site: DeliverySite) async throws -> Int {
        try await site.count("callrec.cfiles where cfpath like '%/muxed/%'")
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["is_doubted = true", "gone_at = now()"])
    func `where a screen is lost and another follows, the new result takes the row, and the old one is kept long`(
        _ loss: String
    ) async throws {
        try await DeliverySite.with { site in
            let worker = try await site.worker("one")
            var recording = try await site.record(1, [.calls, .screens])
            for role in [DeliverySite.MountRole.calls, .screens] {
                #expect(await worker.deliver(try await worker.claim(recording, on: role))?.replica != nil)
            }
            let lost = try await addScreen(1, to: &recording, site, worker)
            let first = try #require(try await deliver(site, worker, "first"))
            #expect(try await rows(site) == 1)
            try await site.run("update takeup.replica set \(loss) where id = \(lost.id)")
            _ = try await addScreen(2, to: &recording, site, worker)
            let second = try #require(try await deliver(site, worker, "second"))
            #expect(try await rows(site) == 1)
            #expect(second.content.replayMediaID == first.content.replayMediaID)
            let jobs = try await site.database.perform { session in try MuxJobs.find(sid: Self.sid, in: session) }
            #expect(jobs.last?.screens.count == 2 && jobs.last?.screens.contains(lost.id) == false)
            let days = try await site.database.perform { session in
                try session.first(
                    """
                    select extract(day from remove_after - now())::bigint as days from takeup.replica
                    where state = 'retired' and is_result
                    """)?.integer("days")
            }
            #expect(days.map { $0 > 80 } == true, "\(String(describing: days))")
        }
    }

    @Test(.timeLimit(.minutes(2))) func `each sound keeps its own row`() async throws {
        try await DeliverySite.with { site in
            let worker = try await site.worker("one")
            var recording = try await site.record(1, [.calls, .calls, .screens])
            recording.media[1].path = FilePath("/calls/other.mp3")
            try site.scratch.write(DeliverySite.content, to: "mount/calls/other.mp3")
            try await site.plan(recording)
            for role in [DeliverySite.MountRole.calls, .calls, .screens] {
                #expect(await worker.deliver(try await worker.claim(recording, on: role))?.replica != nil)
            }
            #expect(try await deliver(site, worker, "a") != nil)
            #expect(try await deliver(site, worker, "b") != nil)
            #expect(try await rows(site) == 2)
            // One sound is lost; what is muxed anew with the other takes not the row of what was muxed with it.
            let sounds = try await site.database.perform { session in
                try MuxJobs.find(sid: Self.sid, in: session).map(\.sound)
            }
            try await site.run("update takeup.replica set gone_at = now() where id = \(sounds[0])")
            _ = try await addScreen(1, to: &recording, site, worker)
            #expect(try await deliver(site, worker, "c") != nil)
            #expect(try await rows(site) == 2)
            let held = try await site.database.perform { session in
                try Replicas.held([Self.sid], in: session)[Self.sid]?.filter(\.content.isResult)
            }
            #expect(held?.map(\.content.path.displayText).sorted() == ["rec_a/muxed/a.mp4", "rec_a/muxed/c.mp4"])
        }
    }
}
