import Copying
import Ledger
import Planning
import Postgres
import Settings
import Support
import Testing
import Vocabulary

@testable import Delivery

/// Copies that stand on a volume, and that the database forgot when it was restored.
@Suite struct AdoptionTests {
    /// Delivers a recording, and then loses every row of it.
    private func forgotten(_ site: DeliverySite, _ worker: Worker) async throws -> SourceRecording {
        let recording = try await site.record(1)
        let delivered = await worker.deliver(try await worker.claim(recording))
        guard case .committed = delivered else {
            Issue.record("\(String(describing: delivered))")
            return recording
        }
        try await site.run(
            """
            truncate takeup.recording, takeup.transfer, takeup.intent, takeup.sighting, takeup.replica, takeup.mux_job,
                takeup.call;
            delete from callrec.calls;
            """)
        return recording
    }

    private func standing(_ recording: SourceRecording, _ worker: Worker) async throws -> StandingCopy {
        let sample = try #require(try await worker.roster.sample().first)
        let id = try #require(sample.proof?.id)
        let copier = try #require(await worker.roster.copier(of: id, named: sample.settings.name))
        let copied = try #require(try await copier.examine(FilePath("rec_a/calls/1.mp3")))
        return StandingCopy(
            try #require(recording.media.first), replaces: nil, mount: DeliverySite.MountRole.calls.name, volume: id,
            volumeName: sample.settings.name, root: sample.settings.path, copied: copied)
    }

    @Test func `where the original is still there, its copy is found under its name, and not made twice`() async throws
    {
        try await DeliverySite.with { site in
            let worker = try await site.worker("w")
            let recording = try await forgotten(site, worker)
            let files = try site.files()
            try await site.plan(recording)
            let again = await worker.deliver(try await worker.claim(recording))
            guard case .committed(let replica) = again else {
                Issue.record("\(String(describing: again))")
                return
            }
            #expect(replica.content.path == FilePath("rec_a/calls/1.mp3"))
            #expect(try site.files() == files)
            #expect(try await site.named() == files)
        }
    }

    @Test func `a standing file is committed as the copy that it is, and labelled`() async throws {
        try await DeliverySite.with { site in
            let worker = try await site.worker("w")
            let recording = try await forgotten(site, worker)
            let files = try site.files()
            let copy = try await standing(recording, worker)
            let adoption = Adoption(replay: worker.replay)
            #expect(try await adoption.adopt([copy], of: recording, mark: .notUsed) == 1)
            #expect(try site.files() == files)
            #expect(try await site.named() == files)
            #expect(try await site.count("takeup.replica where level = 'L0' and state = 'held'") == 1)
            #expect(try await site.count("takeup.sighting where state = 'converged' and mark = 'N'") == 1)
            #expect(try await site.count("takeup.intent") == 0)
            // Its name belongs to a replica now.
            #expect(try await adoption.adopt([copy], of: recording, mark: .notUsed) == 0)
            #expect(try await site.count("takeup.replica") == 1)
        }
    }

    @Test func `an adoption that breaks off leaves the file to the next, whatever is swept`() async throws {
        try await DeliverySite.with { site in
            let worker = try await site.worker("w")
            let recording = try await forgotten(site, worker)
            let files = try site.files()
            let copy = try await standing(recording, worker)
            let adoption = Adoption(replay: worker.replay)
            try await site.run(
                """
                create function callrec.refuse() returns trigger language plpgsql as
                    'begin raise exception ''no''; end';
                create trigger refuse before insert on callrec.cfiles for each row execute procedure callrec.refuse();
                """)
            await #expect(throws: (any Error).self) {
                try await adoption.adopt([copy], of: recording, mark: .synchronized)
            }
            try await site.expireAll()
            try await worker.sweep()
            #expect(try site.files() == files)
            try await site.run("drop trigger refuse on callrec.cfiles; delete from takeup.intent")
            #expect(try await adoption.adopt([copy], of: recording, mark: .synchronized) == 1)
            #expect(try site.files() == files)
        }
    }

    @Test(arguments: ["open", "swept"])
    func `a dead intent that the backup caught does not keep a file from being adopted`(state: String) async throws {
        try await DeliverySite.with { site in
            let worker = try await site.worker("w")
            let recording = try await forgotten(site, worker)
            let files = try site.files()
            let copy = try await standing(recording, worker)
            try await site.plan(recording)
            try await site.database.perform { session in
                try session.execute(
                    """
                    insert into takeup.intent (transfer_id, holder, lease_until, volume_id, final_path, ready_size,
                        ready_sha256, reserved_bytes)
                    select id, 'dead', statement_timestamp() - interval '1 hour', $1, $2, $3, $4, 0 from takeup.transfer
                    """,
                    [
                        Value(copy.volume), .bytes(copy.copied.path.bytes), .integer(copy.copied.size),
                        .bytes(copy.copied.digest.bytes),
                    ])
            }
            if state == "swept" {
                try await site.database.transaction { session in try Marking.stop(reason: "restored", in: session) }
                try await worker.sweep()
                #expect(try await site.count("takeup.intent where state = 'swept'") == 1)
            }
            #expect(try await Adoption(replay: worker.replay).adopt([copy], of: recording, mark: .synchronized) == 1)
            try await site.expireAll()
            try await worker.sweep()
            #expect(try site.files() == files)
            #expect(try await site.named() == files)
        }
    }

    @Test func `what is not as it should be is not taken for the copy`() async throws {
        try await DeliverySite.with { site in
            let worker = try await site.worker("w")
            _ = try await forgotten(site, worker)
            let sample = try #require(try await worker.roster.sample().first)
            let id = try #require(sample.proof?.id)
            let copier = try #require(await worker.roster.copier(of: id, named: sample.settings.name))
            let path = FilePath("rec_a/calls/1.mp3")
            #expect(try await copier.size(of: path) == Int64(DeliverySite.content.count))
            #expect(try await copier.size(of: FilePath("rec_a/calls/2.mp3")) == nil)
            await #expect(throws: CopyError.self) { try await copier.size(of: FilePath("rec_a/calls")) }
            #expect(try await copier.examine(path, isAcceptable: { _, _ in false }) == nil)
            #expect(try await copier.examine(FilePath("nowhere/2.mp3")) == nil)
        }
    }
}
