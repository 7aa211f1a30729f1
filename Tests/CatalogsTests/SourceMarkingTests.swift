@testable import Catalogs
import Glibc
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct SourceMarkingTests {
    /// A catalog with one recording that was looked at.
    struct Looked {
        let fixture: CatalogFixture
        let source: SourceCatalog
        let built: BuiltRecording
        let request: MarkRequest

        init(_ schema: CallrecSchema, _ change: (RecordingSample) -> RecordingSample = { $0 }) async throws {
            fixture = try await CatalogFixture(schema)
            built = try await fixture.builder.add(
                change(RecordingSample("s").media(sound, screen).data("agent", "Jana")))
            let source = try await fixture.source()
            self.source = source
            let id = built.id
            let row = try await fixture.database.perform { try source.recordings(ids: [id], on: $0).first }
            let recording = try #require(row?.recording)
            request = MarkRequest(
                id: id, mark: .synchronized, standing: recording.mark, fingerprint: Fingerprint(of: recording))
        }

        func mark() async throws -> MarkOutcome? {
            let (source, request) = (source, request)
            return try await fixture.database.transaction { try source.mark([request], on: $0)[request.id] }
        }

        func standing() async throws -> String? {
            try await fixture.value("select synchronized from callrec.couples where id = \(built.id)")
        }
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a recording that is still what it was is marked, once`(_ schema: CallrecSchema) async throws {
        let looked = try await Looked(schema)
        #expect(try await looked.mark() == .marked)
        #expect(try await looked.standing() == "S")
        #expect(try await looked.mark() == .alreadyMarked(.synchronized))
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a mark that stands is not written again`(_ schema: CallrecSchema) async throws {
        let looked = try await Looked(schema) { $0.mark(.notUsed) }
        let version = "select xmin::text from callrec.couples where id = \(looked.built.id)"
        let before = try await looked.fixture.value(version)
        var request = looked.request
        request.mark = .notUsed
        let (source, again) = (looked.source, request)
        let outcome = try await looked.fixture.database.transaction { try source.mark([again], on: $0)[again.id] }
        #expect(outcome == .alreadyMarked(.notUsed))
        #expect(try await looked.standing() == "N")
        #expect(try await looked.fixture.value(version) == before)
    }

    @Test(arguments: CallrecSchema.allCases)
    func `marks are taken back where they are of those named`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let source = try await fixture.source()
        var ids: [Int64] = []
        for mark in [Mark.synchronized, .notUsed, .erroneous, nil] {
            let name = Sid("s \(mark?.rawValue ?? "-")")
            ids.append(try await fixture.builder.add(RecordingSample(name.rawValue).media(sound).mark(mark)).id)
        }
        let all = ids
        let taken = try await fixture.database.transaction {
            try source.takeBack([.synchronized, .notUsed], of: all, on: $0)
        }
        #expect(Set(taken) == Set(ids.prefix(2)))
        #expect(try await fixture.value("select count(*) from callrec.couples where synchronized is null") == "3")
    }

    /// What may happen between look and mark.
    static let changes: [(String, String)] = [
        (
            "a file",
            "insert into callrec.cfiles (cplid, cftype, cfsize, cfpath) select id, 'RECD', 1, '/r' from callrec.couples"
        ),
        (
            "metadata",
            "insert into callrec.couple_extdata (cplid, key, value) select id, 'note', 'x' from callrec.couples"
        ),
        ("other metadata", "update callrec.couple_extdata set value = 'Jan'"),
        ("less metadata", "delete from callrec.couple_extdata"),
        ("less files", "delete from callrec.cfiles where cftype = 'VIDEO'"),
        ("a path", "update callrec.cfiles set cfpath = cfpath || '_sox.mp3' where cftype = 'AUDIO'"),
        ("a size", "update callrec.cfiles set cfsize = 5"),
        ("a number", "update callrec.couples set callingnr = '1'"),
        ("a status", "update callrec.couples set problemstatus = 'ONLY_ONE_STREAM'"),
        ("a state", "update callrec.couples set state = 'EXT_DATA_SAVED'"),
    ]

    @Test(arguments: changes, CallrecSchema.allCases)
    func `what changed between look and mark is told, and not marked`(
        _ change: (name: String, sql: String), _ schema: CallrecSchema
    ) async throws {
        let looked = try await Looked(schema)
        try await looked.fixture.run(change.sql)
        let outcome = try await looked.mark()
        guard case .changed(let row) = outcome else {
            Issue.record("\(change.name): \(String(describing: outcome))")
            return
        }
        let now = try #require(row.recording)
        #expect(Fingerprint(of: now) != looked.request.fingerprint)
        #expect(try await looked.standing() == nil)
        // What it is now can be marked.
        let source = looked.source
        let again = MarkRequest(id: looked.built.id, mark: .notUsed, fingerprint: Fingerprint(of: now))
        let second = try await looked.fixture.database.transaction { try source.mark([again], on: $0)[again.id] }
        #expect(second == .marked)
        #expect(try await looked.standing() == "N")
    }

    @Test(arguments: CallrecSchema.allCases)
    func `change tracking, another leg and other recordings do not matter`(_ schema: CallrecSchema) async throws {
        let looked = try await Looked(schema)
        try await looked.fixture.builder.add(RecordingSample("leg").media(sound), callID: looked.built.callID)
        try await looked.fixture.builder.add(RecordingSample("other").media(sound))
        try await looked.fixture.run("update callrec.calls set stop_ts = stop_ts + interval '1 hour', cplcnt = 2")
        if schema == .new {
            try await looked.fixture.run(
                CallrecSchema.changeTracking + "; update callrec.couples set dirty = false, updated_ts = now()")
        }
        #expect(try await looked.mark() == .marked)
    }

    @Test(arguments: [Mark.notUsed, .erroneous, .failed], CallrecSchema.allCases)
    func `a mark that others set stands`(_ mark: Mark, _ schema: CallrecSchema) async throws {
        let looked = try await Looked(schema)
        try await looked.fixture.run("update callrec.couples set synchronized = '\(mark.rawValue)'")
        #expect(try await looked.mark() == .alreadyMarked(mark))
        #expect(try await looked.standing() == mark.rawValue)
    }

    @Test func `a mark that was re-opened is replaced, and not once it was taken away`() async throws {
        let looked = try await Looked(.new) { $0.mark(.erroneous) }
        #expect(looked.request.standing == .erroneous)
        try await looked.fixture.run("update callrec.couples set synchronized = null")
        guard case .changed = try await looked.mark() else {
            Issue.record("marked over a change")
            return
        }
        try await looked.fixture.run("update callrec.couples set synchronized = 'E'")
        #expect(try await looked.mark() == .marked)
        #expect(try await looked.standing() == "S")
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a recording that is gone, or became bad, is told`(_ schema: CallrecSchema) async throws {
        let looked = try await Looked(schema)
        try await looked.fixture.run(SourceRefusalTests.unchecked + "update callrec.cfiles set cfpath = ''")
        guard case .changed(.refused) = try await looked.mark() else {
            Issue.record("a bad row was marked")
            return
        }
        try await looked.fixture.run("delete from callrec.couples")
        #expect(try await looked.mark() == .gone)
    }

    @Test(arguments: CallrecSchema.allCases)
    func `many are marked at once, each by its own`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        for index in 0..<6 { try await fixture.builder.add(RecordingSample("s\(index)").media(sound)) }
        let source = try await fixture.source()
        let rows = try await fixture.database.perform { try source.recordings(.thatDay, limit: 10, on: $0).rows }
        let requests = rows.compactMap(\.recording).enumerated().map { index, recording in
            MarkRequest(
                id: recording.id, mark: index < 3 ? .synchronized : .notUsed, fingerprint: Fingerprint(of: recording))
        }
        try await fixture.run("update callrec.cfiles set cfsize = 1 where cplid = \(requests[0].id)")
        try await fixture.run("update callrec.couples set synchronized = 'F' where id = \(requests[5].id)")
        let outcomes = try await fixture.database.transaction { session in
            try source.mark(
                requests.reversed() + [MarkRequest(id: 999, mark: .synchronized, fingerprint: Fingerprint(bytes: []))],
                on: session)
        }
        guard case .changed = outcomes[requests[0].id] else {
            Issue.record("a changed one was marked")
            return
        }
        for request in requests[1..<5] { #expect(outcomes[request.id] == .marked) }
        #expect(outcomes[requests[5].id] == .alreadyMarked(.failed))
        #expect(outcomes[999] == .gone)
        let marks = try await fixture.value(
            "select string_agg(coalesce(synchronized, '-'), '' order by id) from callrec.couples")
        #expect(marks == "-SSNNF")
    }

    @Test(.timeLimit(.minutes(5)), arguments: CallrecSchema.allCases)
    func `a file that is being added while we mark is either seen or comes after`(_ schema: CallrecSchema) async throws
    {
        let looked = try await Looked(schema)
        let writer = looked.fixture.scratch.connect(label: "writer", connections: 1)
        let id = looked.built.id
        // The recorder's transaction is open when the mark begins: the mark waits for it, and sees what it wrote.
        let marking = try await writer.transaction { session in
            try looked.fixture.builder.add(MediaSample(.recd, "/late"), to: id, on: session)
            let marking = Task { try await looked.mark() }
            try waitForLock(on: session)
            return marking
        }
        guard case .changed(let row) = try await marking.value else {
            Issue.record("marked over a file that was being added")
            return
        }
        #expect(row.recording?.media.count == 3)
        #expect(try await looked.standing() == nil)
    }

    @Test(.timeLimit(.minutes(5)), arguments: CallrecSchema.allCases)
    func `who adds a file or metadata while the mark is decided waits for it`(_ schema: CallrecSchema) async throws {
        let looked = try await Looked(schema)
        let recorder = looked.fixture.scratch.connect(label: "recorder", connections: 2)
        let (source, request) = (looked.source, looked.request)
        let writing = try await looked.fixture.database.transaction { session in
            let outcome = try source.mark([request], on: session)[request.id]
            #expect(outcome == .marked)
            let writing = Task {
                try await recorder.transaction {
                    try looked.fixture.builder.add(MediaSample(.recd, "/late"), to: request.id, on: $0)
                }
                return try await looked.standing()
            }
            try waitForLock(on: session)
            return writing
        }
        // By then the mark was there: it is a late change, and followed as one.
        #expect(try await writing.value == "S")
    }

    @Test(.timeLimit(.minutes(5)), arguments: CallrecSchema.allCases)
    func `one of several that is held by others is waited for by itself`(_ schema: CallrecSchema) async throws {
        let looked = try await Looked(schema)
        let other = try await looked.fixture.builder.add(RecordingSample("other"))
        let (source, fixture) = (looked.source, looked.fixture)
        let second = try await fixture.database.perform {
            try source.recordings(ids: [other.id], on: $0).first?.recording
        }
        let requests = [
            looked.request,
            MarkRequest(id: other.id, mark: .notUsed, fingerprint: Fingerprint(of: try #require(second))),
        ]
        let recorder = fixture.scratch.connect(label: "recorder", connections: 1)
        let marking = try await recorder.transaction { session in
            try session.execute("update callrec.couples set callingnr = '1' where id = $1", [.integer(other.id)])
            let marking = Task { try await source.setMarks(requests, in: fixture.database) }
            try waitForLock(on: session)
            return marking
        }
        let outcomes = try await marking.value
        #expect(outcomes[looked.built.id] == .marked)
        guard case .changed = outcomes[other.id] else {
            Issue.record("marked over a change")
            return
        }
    }

    @Test func `a mark outside of a transaction, or in one that cannot see, is refused`() async throws {
        let looked = try await Looked(.new)
        let (source, request, database) = (looked.source, looked.request, looked.fixture.database)
        let outside = await #expect(throws: CatalogError.self) {
            try await database.perform { try source.mark([request], on: $0) }
        }
        let blind = await #expect(throws: CatalogError.self) {
            try await database.transaction(.repeatableRead) { try source.mark([request], on: $0) }
        }
        #expect(outside?.code == .transaction && blind?.code == .transaction)
        #expect(try await looked.standing() == nil)
    }

    @Test func `an update that the server passes over is no mark`() async throws {
        let looked = try await Looked(.new)
        try await looked.fixture.run(
            """
            create function callrec.deaf() returns trigger language plpgsql as $$ begin return null; end $$;
            create trigger deaf before update on callrec.couples for each row execute procedure callrec.deaf()
            """)
        let error = await #expect(throws: CatalogError.self) { try await looked.mark() }
        #expect(error?.code == .ignored)
    }

    @Test func `a COMMIT of a mark whose answer is lost is resolved`() async throws {
        let looked = try await Looked(.new)
        let proxy = try DroppingProxy(to: looked.fixture.scratch.cluster)
        defer { proxy.stop() }
        let database = Database(proxy.settings(for: looked.fixture.scratch), connections: 1)
        let (source, request) = (looked.source, looked.request)
        proxy.breakNextCommit(.beforeForwarding)
        let outcome = try await database.transaction { try source.mark([request], on: $0)[request.id] }
        #expect(outcome == .marked && proxy.dropCount == 1)
        #expect(try await looked.standing() == "S")
    }
}

/// Returns when somebody waits for a lock of this session.
func waitForLock(on session: Session) throws {
    let waiting =
        "select 1 as one from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)) limit 1"
    while try session.first(waiting) == nil { usleep(1000) }
}
