import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct ReplayCatalogTests {
    /// Every generation at the source with every one at the replay.
    static let pairs = CallrecSchema.allCases.flatMap { source in CallrecSchema.allCases.map { (source, $0) } }

    /// A source's recording as a look shows it, and an empty replay.
    struct Sides {
        let source: CatalogFixture
        let replay: CatalogFixture
        let catalog: ReplayCatalog
        let recording: SourceRecording

        init(
            _ sourceSchema: CallrecSchema, _ replaySchema: CallrecSchema, _ sample: RecordingSample = Sides.sample
        ) async throws {
            source = try await CatalogFixture(sourceSchema)
            replay = try await CatalogFixture(replaySchema)
            // Ids of the two sides are not the same.
            for index in 0..<3 { try await replay.builder.add(RecordingSample("older\(index)").media(sound)) }
            catalog = try await replay.replay()
            let built = try await source.builder.add(sample)
            recording = try await Sides.look(source, built.id)
        }

        static let sample = RecordingSample("s").media(sound, screen).data("agent", "Jana").data("agent", "Jan")
            .column("callingip", "10.0.0.1").column("callingnr", "420123").column("cpltype", "PARK")
            .column("direction", "OUTGOING").column("called_domain", "d").column("timeofday", 43_200)

        static func look(_ fixture: CatalogFixture, _ id: Int64) async throws -> SourceRecording {
            let source = try await fixture.source()
            let row = try await fixture.database.perform { try source.recordings(ids: [id], on: $0).first }
            return try #require(row?.recording)
        }

        /// As a commit does it.
        @discardableResult
        func commit(_ recording: SourceRecording? = nil, media: [MediaRow] = []) async throws -> (Int64, [Int64]) {
            let (catalog, recording) = (catalog, recording ?? self.recording)
            return try await replay.database.transaction(rerunsUniqueViolations: true) { session in
                let call = try catalog.ensureCall(recording.call, on: session)
                let id = try catalog.ensureRecording(recording, callID: call, on: session).id
                let mediaIDs = try media.map { try catalog.addMedia($0, to: id, on: session) }
                try catalog.attach(recording.externalData, to: id, on: session)
                try catalog.refreshCall(call, on: session)
                return (id, mediaIDs)
            }
        }

        func find() async throws -> ReplayRecording? {
            let (catalog, sid) = (catalog, recording.sid)
            return try await replay.database.perform { try catalog.find(sids: [sid], on: $0)[sid] }
        }
    }

    @Test(arguments: pairs)
    func `a recording arrives with all that both sides know of`(
        _ from: CallrecSchema, _ to: CallrecSchema
    ) async throws {
        let sides = try await Sides(from, to)
        #expect(try await sides.find() == nil)
        let path: FilePath = "/srv/a/north/20261120/a.mp3"
        let (id, mediaIDs) = try await sides.commit(media: [
            MediaRow(copyOf: sides.recording.media[0], path: path, size: 4711)
        ])
        let held = try #require(try await sides.find())
        #expect(held.id == id && held.sid == "s" && held.state == "FINISHED" && held.problemStatus == "NO_PROBLEM")
        #expect(held.start == sides.recording.start && held.stop == sides.recording.stop && held.length == 60)
        #expect(held.media == [ReplayMedia(id: mediaIDs[0], kind: .audio, path: path, size: 4711)])
        #expect(held.externalData == Set(sides.recording.externalData))
        #expect(!held.isProtected && !held.isDeleted && !held.isArchived && !held.isMixed)
        #expect(id != sides.recording.id)
        // Read back as a source, it says what the first source said, as far as both have columns for it.
        let again = try await Sides.look(sides.replay, id)
        let both = Set(sides.recording.carried.keys).intersection(again.carried.keys)
        #expect(both.isSuperset(of: ["callingip", "callingnr", "cpltype", "created_ts"]))
        #expect(both.contains("direction") == (from == .new && to == .new))
        for name in both { #expect(again.carried[name] == sides.recording.carried[name], "\(name)") }
        #expect(again.mark == nil && again.media.first?.crc32 == 0xfedc_ba98)
        let counted = try await sides.replay.value(
            """
            select (cfcnt, cftypes::integer, realcplcnt, cplcnt) from callrec.couples p
            join callrec.calls c on c.id = p.callid where p.sid = 's'
            """)
        #expect(counted == "(1,1,1,1)")
    }

    @Test(arguments: CallrecSchema.allCases)
    func `doing it again changes nothing`(_ schema: CallrecSchema) async throws {
        let sides = try await Sides(.new, schema)
        let first = try await sides.commit()
        let before = try await sides.replay.value(ReplayCatalogTests.everything)
        let second = try await sides.commit()
        let (catalog, recording) = (sides.catalog, sides.recording)
        let changes = try await sides.replay.database.transaction { session in
            [
                try catalog.adopt(recording, into: first.0, on: session),
                try catalog.complete(first.0, from: recording, on: session),
                try catalog.attach(recording.externalData, to: first.0, on: session) > 0,
            ]
        }
        #expect(first.0 == second.0 && changes == [false, false, false])
        #expect(try await sides.replay.value(ReplayCatalogTests.everything) == before)
    }

    /// Every row with the transaction that wrote it.
    static let everything = """
        select string_agg(part, ' ') from (
            select p.xmin::text || p::text as part from callrec.couples p union all
            select c.xmin::text || c::text from callrec.calls c union all
            select e.xmin::text || e::text from callrec.couple_extdata e order by 1) parts
        """

    @Test(arguments: CallrecSchema.allCases)
    func `legs of one call meet in one call, which spans them`(_ schema: CallrecSchema) async throws {
        let sides = try await Sides(.old, schema)
        let second = try await sides.source.builder.add(
            RecordingSample("t", stop: RecordingSample.noon + 600), callID: sides.recording.call.id)
        let leg = try await Sides.look(sides.source, second.id)
        try await sides.commit()
        try await sides.commit(leg)
        let call = try await sides.replay.value(
            """
            select (count(distinct p.callid), min(c.cplcnt), min(c.realcplcnt), min(c.start_ts), min(c.stop_ts), min(c.length))
            from callrec.couples p join callrec.calls c on c.id = p.callid where p.sid in ('s', 't')
            """)
        #expect(call == "(1,2,2,\"2026-11-20 11:59:00\",\"2026-11-20 12:10:00\",660)")
    }

    @Test func `a call that is known is used, unless the replay removed it`() async throws {
        let sides = try await Sides(.new, .new)
        let catalog = sides.catalog
        let (known, same, other) = try await sides.replay.database.transaction { session in
            let call = SourceCall(id: 77)
            let known = try catalog.ensureCall(call, on: session)
            let same = try catalog.ensureCall(call, known: known, on: session)
            try session.execute("delete from callrec.calls where id = $1", [.integer(known)])
            return (known, same, try catalog.ensureCall(call, known: known, on: session))
        }
        #expect(known == same && other != known)
    }

    @Test(.timeLimit(.minutes(5)), arguments: CallrecSchema.allCases)
    func `two commits of one sid at the same time make one recording`(_ schema: CallrecSchema) async throws {
        let sides = try await Sides(.new, schema)
        let recording = sides.recording
        let ids = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<3 { group.addTask { try await sides.commit(recording).0 } }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try await sides.replay.value("select count(*) from callrec.couples where sid = 's'") == "1")
    }

    @Test(arguments: CallrecSchema.allCases)
    func `external data grow as a set, with several values of a key`(_ schema: CallrecSchema) async throws {
        let sides = try await Sides(.old, schema)
        try await sides.replay.run("insert into callrec.extdata_map (key, col) values ('agent', 3)")
        let (id, _) = try await sides.commit()
        let catalog = sides.catalog
        let more = [
            ExternalDatum(key: "agent", value: "Jan"), ExternalDatum(key: "agent", value: "Jiří"),
            ExternalDatum(key: "agent", value: "Jiří"), ExternalDatum(key: "", value: ""),
            ExternalDatum(key: "quote", value: "a\"b\\c,{d}'NULL"), ExternalDatum(key: "quote", value: "NULL"),
        ]
        let (added, again, none) = try await sides.replay.database.transaction { session in
            (
                try catalog.attach(more, to: id, on: session), try catalog.attach(more, to: id, on: session),
                try catalog.attach([], to: id, on: session)
            )
        }
        #expect(added == 4 && again == 0 && none == 0)
        let held = try #require(try await sides.find())
        #expect(held.externalData == Set(more + sides.recording.externalData))
        #expect(
            try await sides.replay.value("select col_3 from callrec.couple_fixed_extdata where cplid = \(id)") != nil)
    }

    @Test(.timeLimit(.minutes(5))) func `the same datum from two sides at once is no error`() async throws {
        let sides = try await Sides(.new, .new)
        let (id, _) = try await sides.commit()
        let catalog = sides.catalog
        let other = sides.replay.scratch.connect(connections: 1)
        let data = [ExternalDatum(key: "late", value: "1")]
        let waiting = try await sides.replay.database.transaction { session in
            try catalog.attach(data, to: id, on: session)
            let waiting = Task { try await other.transaction { try catalog.attach(data, to: id, on: $0) } }
            try waitForLock(on: session)
            return waiting
        }
        #expect(try await waiting.value == 0)
    }

    @Test(arguments: CallrecSchema.allCases)
    func `what is better is adopted, what is missing is filled in`(_ schema: CallrecSchema) async throws {
        let sides = try await Sides(.new, schema)
        let (id, _) = try await sides.commit()
        try await sides.replay.run(
            "update callrec.couples set description = null, callingnr = '999', problemstatus = 'NO_STREAMS' where id = \(id)"
        )
        var better = sides.recording
        better.carried["description"] = "said"
        better.carried["callingnr"] = "777"
        better.isProtected = true
        let (catalog, offered) = (sides.catalog, better)
        func row() async throws -> String? {
            try await sides.replay.value(
                "select (description, callingnr, problemstatus, protected) from callrec.couples where id = \(id)")
        }
        #expect(try await sides.replay.database.transaction { try catalog.complete(id, from: offered, on: $0) })
        #expect(try await row() == "(said,999,NO_STREAMS,t)")
        better.isProtected = false
        let unprotected = better
        #expect(try await sides.replay.database.transaction { try catalog.adopt(unprotected, into: id, on: $0) })
        #expect(try await row() == "(said,777,NO_PROBLEM,t)")
    }

    @Test(arguments: CallrecSchema.allCases)
    func `what the replay's own tools did is seen`(_ schema: CallrecSchema) async throws {
        let sides = try await Sides(.new, schema)
        let (id, _) = try await sides.commit()
        try await sides.replay.run(
            "update callrec.couples set deleted = 'D', archived = 'A', protected = true where id = \(id)")
        let catalog = sides.catalog
        try await sides.replay.database.transaction { session in
            try catalog.setMixed(id, on: session)
            try catalog.setMixed(id, on: session)
        }
        let held = try #require(try await sides.find())
        #expect(held.isDeleted && held.isArchived && held.isProtected && held.isMixed)
        #expect(try await sides.replay.database.perform { try catalog.recording(id: id, on: $0) } == held)
        #expect(try await sides.replay.database.perform { try catalog.recording(id: 999, on: $0) } == nil)
    }

    @Test func `keys that the replay does not manage are named`() async throws {
        let sides = try await Sides(.new, .new)
        try await sides.replay.run("insert into callrec.managed_keys (uuid) values ('AB-1'), ('cd-2')")
        let catalog = sides.catalog
        let missing = try await sides.replay.database.perform { session in
            (try catalog.missingKeys(["ab-1", "cd-2", "ef-3"], on: session), try catalog.missingKeys([], on: session))
        }
        #expect(missing.0 == ["ef-3"] && missing.1.isEmpty)
    }

    @Test(arguments: [
        "alter table callrec.couples alter id drop default",
        """
        alter table callrec.couples alter id drop default;
        alter function callrec.get_next_couple_id() rename to something_else
        """,
    ])
    func `ids come from functions or sequences where the column makes none`(_ change: String) async throws {
        let sides = try await Sides(.new, .old)
        try await sides.replay.run(change)
        let catalog = try await sides.replay.replay()
        let recording = sides.recording
        let ids = try await sides.replay.database.transaction { session in
            let call = try catalog.ensureCall(recording.call, on: session)
            return (
                try catalog.ensureRecording(recording, callID: call, on: session).id,
                try session.first("select last_value from callrec.seq_couples")?.integer("last_value")
            )
        }
        #expect(ids.0 == ids.1 && ids.0 == 4)
    }

    @Test func `a replay where nothing makes ids is refused at the start`() async throws {
        let fixture = try await CatalogFixture(.new)
        try await fixture.run(
            "alter table callrec.cfiles alter id drop default; drop sequence callrec.cfiles_id_seq cascade")
        let error = await #expect(throws: CatalogError.self) { try await fixture.replay() }
        #expect(error?.code == .identities)
    }

    @Test(arguments: CallrecSchema.allCases)
    func `what retention removed is remembered, until it stands again`(_ schema: CallrecSchema) async throws {
        let sides = try await Sides(.new, schema)
        let (catalog, sid) = (sides.catalog, sides.recording.sid)
        func removed() async throws -> Set<Sid> {
            try await sides.replay.database.perform { try catalog.removed(sids: [sid, "never"], on: $0) }
        }
        #expect(try await removed() == [])
        let script = try OperatorScripts.text("replay-tombstones.sql")
        try await sides.replay.run(script)
        try await sides.replay.run(script)
        for _ in 0..<2 {
            try await sides.commit()
            #expect(try await removed() == [])
            try await sides.replay.run("delete from callrec.couples where sid = 's'")
            #expect(try await removed() == [sid])
        }
    }
}
