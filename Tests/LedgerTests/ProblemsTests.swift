import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct ProblemsTests {
    @Test func `a problem opens once and closes once, however many meet it`() async throws {
        let ledger = try await LedgerDatabase(connections: 8)
        let met = try await withThrowingTaskGroup(of: Problem.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await ledger.database.perform { session in
                        try Problems.open(
                            kind: "missing_file", subject: "rec_a/7", reference: "rec_a/7",
                            what: "The file is missing.",
                            hint: "Look at the recorder.", in: session)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(met.filter(\.isNew).count == 1)
        #expect(met.map(\.count).max() == 8)
        #expect(Set(met.map(\.id)).count == 1)
        try await ledger.transaction { session throws in
            #expect(try Problems.open(limit: 9, in: session).map(\.subject) == ["rec_a/7"])
            #expect(
                try Problems.open(reference: RecordingReference(source: Sample.source, id: 7), in: session).count == 1)
            #expect(try Problems.close(kind: "missing_file", subject: "rec_a/7", in: session)?.count == 8)
            #expect(try Problems.close(kind: "missing_file", subject: "rec_a/7", in: session) == nil)
            #expect(try Problems.open(limit: 9, in: session).isEmpty)
        }
        let again = try await ledger.database.perform { session in
            try Problems.open(kind: "missing_file", subject: "rec_a/7", what: "The file is missing.", in: session)
        }
        #expect(again.isNew)
        #expect(again.id != met.first?.id)
    }

    @Test func `what hangs on one cause is closed together`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in
            for subject in ["/mnt/a/1", "/mnt/a/2", "/mnt/a%", "/mnt/b/1"] {
                _ = try Problems.open(kind: "absent", subject: subject, what: "x", in: session)
            }
            #expect(try Problems.close(kind: "absent", subjectPrefix: "/mnt/a/", in: session).count == 2)
            #expect(try Problems.close(kind: "absent", subjectPrefix: "/mnt/%", in: session).isEmpty)
            #expect(try Problems.forget(closedFor: .seconds(-1), in: session) == 2)
            #expect(try Problems.open(limit: 9, in: session).count == 2)
        }
    }

    @Test func `what was wrong with a recording ends with it, of the kinds given and of no other recording`()
        async throws
    {
        let ledger = try await LedgerDatabase()
        let (one, other, stranger) = (
            RecordingReference(source: SourceName("rec"), id: 1), RecordingReference(source: SourceName("rec"), id: 11),
            RecordingReference(source: SourceName("rec2"), id: 1)
        )
        try await ledger.transaction { session in
            for reference in [one, other, stranger] {
                for kind in ["short", "damaged"] {
                    _ = try Problems.open(
                        kind: kind, subject: "\(reference)#7", reference: reference.description, what: "It is.",
                        hint: nil, in: session)
                }
            }
        }
        let source = one.source
        try await ledger.transaction { session in
            let all = try Problems.recordings(of: source, kinds: ["short"], limit: 9, in: session)
            #expect(all == [1, 11])
            let closed = try Problems.close(kinds: ["short", "missing"], recordings: [one], in: session)
            #expect(closed.map(\.subject) == ["rec/1#7"])
            let rest = try Problems.recordings(of: source, kinds: ["short"], limit: 9, in: session)
            #expect(rest == [11])
            let open = try Problems.open(limit: 9, in: session)
            #expect(open.count == 5)
        }
    }

    @Test func `problems of mux jobs that are over are closed, and no others`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.transaction { session in
            try session.script(
                """
                insert into takeup.account values ('a');
                insert into takeup.volume (id, name, path, account_id) values ('v', 'a', '/a', 'a');
                insert into takeup.recording (sid) values ('s');
                insert into takeup.replica (sid, kind, volume_id, path, size, sha256, xxh128, level, authenticity)
                    select 's', 'AUDIO', 'v', decode(md5(n::text), 'hex'), 1, decode(repeat('00', 32), 'hex'),
                        decode(repeat('00', 16), 'hex'), 'L2', 'unauthenticated' from generate_series(1, 4) n;
                insert into takeup.mux_job (sid, sound_id, screen_ids, state) values
                    ('s', 1, '{2}', 'superseded'), ('s', 1, '{3}', 'waiting'), ('s', 1, '{4}', 'failed');
                """)
            for (kind, subject) in [
                ("mux-failed", "mux job 1"), ("key-missing", "mux job 2"), ("mux-failed", "mux job 3"),
                ("mux-failed", "mux job 99"), ("no-room", "mux job 1"), ("mux-failed", "something else"),
            ] { _ = try Problems.open(kind: kind, subject: subject, what: "It failed.", in: session) }
            let closed = try Problems.closeOverMuxJobs(
                kinds: ["mux-failed", "key-missing"], subjectPrefix: "mux job ", in: session)
            #expect(closed.map(\.subject) == ["mux job 1"])
            #expect(try Problems.open(limit: 9, in: session).count == 5)
        }
    }

    @Test func `damage is over when its copy serves no more, and not while one is under way`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.plan(ids: [1, 2])
        let source = Sample.source
        let ids = try await ledger.transaction { session in
            for id in [Int64(1), 2] {
                let reference = RecordingReference(source: source, id: id)
                _ = try Problems.open(
                    kind: "damaged-media", subject: "\(reference)#\(10 * id)", reference: reference.description,
                    what: "It is damaged.", in: session)
            }
            let open = try Problems.closeReplaced(kind: "damaged-media", of: source, limit: 10, in: session)
            #expect(open.isEmpty)
            return try Transfers.find(of: RecordingReference(source: source, id: 1), in: session).map(\.id.rawValue)
        }
        let closed = try await ledger.transaction { session in
            try session.execute(
                "update takeup.transfer set state = 'dropped' where id = any($1::bigint[])", [.integers(ids)])
            return try Problems.closeReplaced(kind: "damaged-media", of: source, limit: 10, in: session)
        }
        #expect(closed.map(\.reference) == ["\(source)/1"])
    }
}
