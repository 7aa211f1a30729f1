import Files
import Glibc
import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

@Suite(.serialized) struct SweeperTests {
    /// A site where an attempt died between the name and the commit, and its lease and grace are over.
    private func withDeadAttempt(
        _ body: (DeliverySite, FilePath) async throws -> Void
    ) async throws {
        try await DeliverySite.with { site in
            let recording = try await site.record(1)
            let proxy = try DroppingProxy(to: site.base.cluster)
            let calls = FaultyFiles { call, _ in call == .syncDirectory ? .meanwhile { proxy.stop() } : nil }
            let dead = try await site.worker("dead", calls: calls, connection: proxy.settings(for: site.base))
            let outcome = await dead.deliver(try await dead.claim(recording))
            #expect(outcome?.isUncommitted == true, "\(String(describing: outcome))")
            #expect(try await site.count("takeup.replica") == 0)
            let path = try #require(try site.files().first)
            try await site.expireAll()
            try await body(site, FilePath("volume").appending(path.bytes))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a file that a dead attempt published and never committed is removed`() async throws {
        try await withDeadAttempt { site, _ in
            try await site.worker("other").sweep()
            #expect(try site.files().isEmpty)
            #expect(try await site.count("takeup.intent where state = 'swept'") == 1)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what a ledger calls uncommitted stays while marking is stopped, and after`() async throws {
        try await withDeadAttempt { site, path in
            try await site.database.transaction { session in try Marking.stop(reason: "restored", in: session) }
            let other = try await site.worker("other")
            try await other.sweep()
            #expect(try site.scratch.read(path) == DeliverySite.content)
            try await site.database.transaction { session in try Marking.resume(in: session) }
            try await site.expireAll()
            try await other.sweep()
            #expect(try site.scratch.read(path) == DeliverySite.content)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a process that remembers no marks of the source leaves what may have been published`() async throws {
        try await withDeadAttempt { site, path in
            let other = try await site.worker("other")
            let stranger = other.sweeper.comparing { [] }
            while try await stranger.turn() {}
            #expect(try site.scratch.read(path) == DeliverySite.content)
            try await other.sweep()
            #expect(try site.files().isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what was left of a source that is in no settings any more is removed after a month, with its reserve`()
        async throws
    {
        try await withDeadAttempt { site, path in
            let other = try await site.worker("other")
            let heir = other.sweeper.comparing { [SourceName("another")] }
            let stranger = other.sweeper.comparing { [] }
            try await site.run("update takeup.intent set opened_at = opened_at - interval '29 days'")
            while try await heir.turn() {}
            #expect(try site.scratch.read(path) == DeliverySite.content)
            try await site.run("update takeup.intent set opened_at = opened_at - interval '2 days'")
            while try await stranger.turn() {}
            #expect(try site.scratch.read(path) == DeliverySite.content, "it has compared nothing")
            try await site.database.transaction { session in try Marking.stop(reason: "restored", in: session) }
            while try await heir.turn() {}
            #expect(try site.scratch.read(path) == DeliverySite.content, "it may have been committed")
        }
        try await withDeadAttempt { site, _ in
            try await site.run("update takeup.intent set opened_at = opened_at - interval '31 days'")
            let heir = try await site.worker("other").sweeper.comparing { [SourceName("another")] }
            while try await heir.turn() {}
            #expect(try site.files().isEmpty)
            #expect(try await site.count("takeup.intent where state <> 'swept'") == 0, "nothing is reserved for it")
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [DeliverySite.content.count, 7])
    func `a file of other content under that name is kept, and the copy gets a name beside it`(
        size: Int
    ) async throws {
        try await withDeadAttempt { site, path in
            let foreign = [UInt8](repeating: 7, count: size)
            try site.scratch.write(foreign, to: path)
            let other = try await site.worker("other")
            try await other.sweep()
            #expect(try site.scratch.read(path) == foreign)
            // A removal that is under way on another host may come hours later: it goes by the name.
            try await site.run("update takeup.intent set lease_until = lease_until - interval '20 hours'")
            try await other.sweep()
            #expect(try await site.count("takeup.intent where final_path is not null") == 1, "the name is kept")
            try await site.run("update takeup.intent set lease_until = lease_until - interval '5 hours'")
            try await other.sweep()
            #expect(try await site.count("takeup.intent") == 0, "the name is nobody's now")
            let recording = try await site.record(1)
            let replica = try #require(await other.deliver(try await other.claim(recording))?.replica)
            #expect(try site.scratch.read(path) == foreign)
            let copy = FilePath("volume").appending(replica.content.path.bytes)
            #expect(copy != path)
            #expect(try site.scratch.read(copy) == DeliverySite.content)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a committed file is never touched, whatever an intent says of its name`() async throws {
        try await DeliverySite.with { site in
            let recording = try await site.record(1)
            let worker = try await site.worker("one")
            let replica = try #require(await worker.deliver(try await worker.claim(recording))?.replica)
            try await site.database.perform { session in
                try session.execute(
                    """
                    insert into takeup.intent (transfer_id, holder, lease_until, volume_id, final_path, ready_size,
                        ready_sha256, reserved_bytes)
                    select transfer_id, 'dead', statement_timestamp(), volume_id, path, size, sha256, 0
                    from takeup.replica where id = $1
                    """, [.integer(replica.id.rawValue)])
            }
            try await site.expireAll()
            try await worker.sweep()
            #expect(try await site.count("takeup.intent where state = 'swept'") == 1)
            #expect(
                try site.scratch.read(FilePath("volume").appending(replica.content.path.bytes))
                    == DeliverySite.content)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a hidden file is swept also when its name went to the next attempt`() async throws {
        try await DeliverySite.with { site in
            let recording = try await site.record(1)
            // A volume without unnamed files, and a process that dies while it copies: its hidden file stays.
            let gate = Gate()
            let calls = FaultyFiles { call, _ in
                if call == .createUnnamed { return .fail(EOPNOTSUPP) }
                if call == .unlink { return .fail(EIO) }
                return call == .syncFile ? .meanwhile { gate.stop() } : nil
            }
            let dead = try await site.worker("dead", calls: calls)
            let consignments = try await dead.claim(recording)
            async let never = dead.deliver(consignments)
            #expect(await gate.isReached())
            // What it asks beside is answered, or it would lengthen its lease.
            while try await site.count("takeup.intent where ready_sha256 is not null") == 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            try await site.expireAll()
            let other = try await site.worker("other")
            #expect(await other.deliver(try await other.claim(recording))?.replica != nil)
            // Long enough that it has to ask again.
            try await Task.sleep(for: .milliseconds(200))
            gate.open()
            _ = await never
            #expect(try site.files().count == 2)
            try await site.expireAll()
            try await other.sweep()
            #expect(try await site.named() == site.files())
        }
    }
}
