internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Rows that say what no row should, all at once among good ones, with the built program: each travels or is refused by
/// itself, and the rest goes on.
@Suite(.serialized) struct BadInputTests {
    @Test(.timeLimit(.minutes(4)), arguments: CallrecSchema.allCases)
    func `each bad row is carried, or refused by itself in a plain sentence, and the good ones go on`(
        schema: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(
            schema, notifies: schema == .new, watching: "quiet = \"2s\"\ngrace_missing = \"3s\"\ngrace_orphan = \"3s\"",
            takesAnyBytes: schema == .old)
        try site.rewriteSettings {
            $0.replacing("interval = \"last-week\"", with: "interval = \"days=400\"")
                .replacing("time_zone = \"UTC\"", with: "time_zone = \"Europe/Prague\"")
        }
        let scene = try await SwitchScene(site)
        let table = BadInput.table(schema)
        try await scene.uncheck(schema)
        var recordings: [String: BuiltRecording] = [:]
        for number in 1...5 { recordings["good \(number)"] = try await scene.add("good \(number)", media: [.audio]) }
        for bad in table where bad.after == nil { recordings[bad.name] = try await scene.add(bad) }
        for number in 6...10 { recordings["good \(number)"] = try await scene.add("good \(number)", media: [.audio]) }
        try await scene.addMediaOfNoRecording()
        let agents = try ScratchSite.Role.allCases.map { try site.start($0) }
        defer { SwitchScene.stop(agents) }

        let good = recordings.filter { $0.key.hasPrefix("good") }.map(\.value)
        let began = ContinuousClock.now
        let isGoodDone = try await site.wait(upTo: .seconds(20)) {
            for recording in good where try await scene.mark(of: recording) != "S" { return false }
            return true
        }
        // Of two that cannot both travel, the one that comes first does.
        for bad in table {
            guard let first = bad.after.flatMap({ recordings[$0] }) else { continue }
            #expect(try await site.wait(upTo: .seconds(20)) { try await scene.mark(of: first) == "S" })
            recordings[bad.name] = try await scene.add(bad)
        }
        let made = recordings
        #expect(isGoodDone, "after \(ContinuousClock.now - began): \(site.allLogs())")

        let expected = Set(
            table.compactMap { bad in bad.problem.map { "\(bad.name): \($0)" } } + [
                "mount: orphan-files", "mount: value-too-long",
            ])
        let names = Dictionary(uniqueKeysWithValues: made.map { ("recorder1/\($0.value.id)", $0.key) })
        let carried = table.filter { $0.problem == nil }
        _ = try await site.wait(upTo: .seconds(60)) {
            for bad in carried {
                guard let recording = made[bad.name], try await scene.mark(of: recording) != nil else {
                    return false
                }
            }
            return try await scene.problems(names) == expected
        }
        #expect(try await scene.problems(names) == expected)
        for bad in table {
            let recording = try #require(made[bad.name])
            let mark = try await scene.mark(of: recording)
            #expect((mark == nil) == (bad.problem != nil), "\(bad.name) has mark \(mark ?? "none")")
            if let proof = bad.proof {
                let found = try await scene.proof(proof, of: recording)
                #expect(found == bad.shows, "\(bad.name) shows \(found ?? "nothing")")
            }
            if let sentence = bad.sentence {
                let told = try await site.openProblems().filter { names[$0.reference ?? ""] == bad.name }.map(\.what)
                #expect(told.contains { $0.contains(sentence) }, "\(bad.name): \(told)")
            }
        }
        // One recording for each sid, however often a recorder has it.
        let twice = try await site.count(
            "select count(*) from (select sid from callrec.couples group by sid having count(*) > 1) twice",
            in: site.replay)
        #expect(twice == 0)
        let logs = ScratchSite.Role.allCases.map { site.log($0) }.joined()
        for secret in ["\u{1f600}", "+420111222333", "O'Brien"] { #expect(!logs.contains(secret)) }
        #expect(agents.allSatisfy { kill($0.id, 0) == 0 })
        #expect(!logs.contains("TURN_FAILED") && !logs.contains("failed a turn"), "\(site.allLogs())")
    }
}

/// One row that says what no row should, and how it ends.
struct BadInput: Sendable {
    let name: String
    var sid: String?
    var media: [MediaKind] = [.audio]
    var data: [(key: String, value: String)] = []
    /// The day folder's path to the file, where it is another one than the day.
    var path: String?
    /// The one that it comes after, once that has its mark.
    var after: String?
    /// Run at the recorder with the recording's id for `$1`, and the call's for `$2` where it is used.
    var sql: [String] = []
    /// The kind of the problem; nil: it travels and gets its mark.
    var problem: String?
    /// Part of what the problem says.
    var sentence: String?
    /// An expression over `c`, the recording at the replay with the source's `sid`, and what it must give.
    var proof: String?
    var shows: String?

    static let letters: [(key: String, value: String)] = [
        ("caf\u{e9}", "1"), ("cafe\u{301}", "1"), ("\u{feff}mark", "\u{feff}"), ("lines", "a\nb\r\nc\u{2028}d"),
        ("right", "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}"), ("four", "\u{1f600}\u{10ffff}"), ("low", "\u{1}\u{7f}"),
        ("zwj", "\u{1f468}\u{200d}\u{1f469}"), ("escape", "\\u0000\\x00\\N"), ("quote", "O'Brien \"; drop"),
        ("empty", ""),
    ]

    /// In hexadecimal, as databases compare.
    private static func spelled(_ data: [(key: String, value: String)]) -> String {
        data.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { Hex.text(of: Array("\($0.key)=\($0.value)".utf8)) }.joined(separator: " ")
    }

    static func couple(_ assignment: String) -> [String] {
        ["update callrec.couples set \(assignment) where id = $1"]
    }
    static func media(_ assignment: String) -> [String] {
        ["update callrec.cfiles set \(assignment) where cplid = $1"]
    }

    static func table(_ schema: CallrecSchema) -> [BadInput] {
        let refused = "row-refused"
        // 255 characters; in a database whose encoding says nothing, bytes.
        let longest = schema == .old ? 255 / 4 : 255
        var table = [
            BadInput(
                name: "stop before start", sql: couple("start_ts = stop_ts + interval '1 hour', length = -3600"),
                proof: "(c.start_ts - c.stop_ts)::text || ' ' || c.length", shows: "01:00:00 -3600"),
            BadInput(name: "size 0", sql: media("cfsize = 0")),
            BadInput(name: "size -1", sql: media("cfsize = -1")),
            BadInput(name: "size null", sql: media("cfsize = null")),
            BadInput(name: "size too large", sql: media("cfsize = 1000000"), problem: "short-file"),
            // What 32 bits hold says nothing of a longer file.
            BadInput(name: "size at its end", sql: media("cfsize = 2147483647")),
            BadInput(
                name: "nulls", sql: couple("start_ts = null, length = null, problemstatus = null, cpltype = null")),
            BadInput(
                name: "two sounds", media: [.audio, .audio],
                proof: "(select count(*) from callrec.cfiles f where f.cplid = c.id)", shows: "2"),
            BadInput(
                name: "start infinity", sql: couple("start_ts = 'infinity'"), problem: refused,
                sentence: "Its start_ts is no date"),
            BadInput(
                name: "stop infinity", sql: couple("stop_ts = 'infinity'"), problem: refused,
                sentence: "Its stop_ts is no date"),
            BadInput(
                name: "far ahead", sql: couple("start_ts = '2099-02-03 04:05:06', stop_ts = '2099-02-03 04:05:10'"),
                proof: "c.stop_ts", shows: "2099-02-03 04:05:10"),
            BadInput(
                name: "long ago", sql: couple("start_ts = '1900-01-01'"), proof: "c.start_ts::date", shows: "1900-01-01"
            ),
            // Europe/Prague: this hour comes twice.
            BadInput(
                name: "repeated hour",
                sql: couple("start_ts = '2026-10-25 02:59:58', stop_ts = '2026-10-25 02:00:02'"),
                proof: "c.start_ts || ' ' || c.stop_ts", shows: "2026-10-25 02:59:58 2026-10-25 02:00:02"),
            // And this one never.
            BadInput(
                name: "skipped hour", sql: couple("start_ts = '2026-03-29 02:30:00', stop_ts = '2026-03-29 02:30:04'"),
                proof: "c.stop_ts", shows: "2026-03-29 02:30:04"),
            BadInput(
                name: "letters", data: letters,
                sql: couple("description = '\u{feff}\u{202e}\u{1f600}', callingnr = '+420111222333'"),
                proof: """
                    (select string_agg(encode(convert_to(key || '=' || value, 'UTF8'), 'hex'), ' '
                        order by convert_to(key, 'UTF8')) from callrec.couple_extdata e where e.cplid = c.id)
                    """, shows: spelled(letters)),
            BadInput(
                name: "data of no time", data: [("k", "v")],
                sql: schema == .old ? ["update callrec.couple_extdata set created_ts = null where cplid = $1"] : [],
                proof: "(select e.created_ts - c.stop_ts from callrec.couple_extdata e where e.cplid = c.id)",
                shows: "00:00:00"),
            BadInput(
                name: "megabyte",
                sql: couple("description = repeat('a text of a megabyte ', 50000)"), proof: "length(c.description)",
                shows: "1050000"),
            BadInput(
                name: "megabyte of data",
                sql: [
                    """
                    insert into callrec.couple_extdata (cplid, key, value) select $1, 'k',
                        string_agg(md5(n::text), '') from generate_series(1, 32768) n
                    """
                ], proof: "(select count(*) from callrec.couple_extdata e where e.cplid = c.id and e.key = 'k')",
                shows: "0"),
            BadInput(name: "unknown kind", sql: media("cftype = 'HOLOGRAM'"), problem: refused, sentence: "no cftype"),
            BadInput(name: "no path", sql: media("cfpath = null"), problem: refused, sentence: "has no path"),
            BadInput(
                name: "unknown state", sql: couple("state = 'PONDERING'"), problem: refused,
                sentence: "Its state is none that is known"),
            BadInput(name: "unknown status", sql: couple("problemstatus = 'MELTED'"), problem: "commit-refused"),
            BadInput(name: "unknown type", sql: couple("cpltype = 'SEANCE'"), problem: "commit-refused"),
            BadInput(name: "quotes", sid: "O'Brien\\\"; drop table couples; --\u{1f600}%$1"),
            BadInput(
                name: "long sid", sid: String(repeating: "\u{1f600}", count: longest),
                proof: "length(c.sid)", shows: String(longest)),
            BadInput(name: "composed", sid: "caf\u{e9}"),
            BadInput(name: "decomposed", sid: "cafe\u{301}"),
            BadInput(
                name: "empty sid", sql: couple("sid = ''"), problem: refused, sentence: "Its sid is empty"),
            BadInput(name: "long path", path: "long"),
            BadInput(
                name: "no call", sql: ["delete from callrec.calls where id = $2"], problem: refused,
                sentence: "Its call has no row"),
            BadInput(name: "twin one", sid: "twin"),
            BadInput(name: "twin two", sid: "twin"),
            BadInput(name: "same sid", sid: "same"),
            BadInput(
                name: "same sid, another call", sid: "same", after: "same sid",
                sql: couple("start_ts = start_ts - interval '9 days', stop_ts = stop_ts - interval '9 days'"),
                problem: "sid-collision", sentence: "another call"),
            BadInput(
                name: "pair of no time", media: [.audio, .video],
                sql: ["update callrec.cfiles set start_ts = '1900-01-01', stop_ts = '2100-01-01' where cplid = $1"]),
        ]
        switch schema {
        case .old:
            table += [
                BadInput(
                    name: "not UTF-8",
                    sql: couple("callingpartyname = E'Z\\341k \\355\\240\\200'"), proof: "c.callingpartyname",
                    shows: "Z\\xe1k \\xed\\xa0\\x80"),
                BadInput(
                    name: "sid not UTF-8", sql: couple("sid = E's\\341'"), problem: refused,
                    sentence: "Its sid is not UTF-8"),
            ]
        case .new:
            table.append(
                BadInput(name: "unknown direction", sql: couple("direction = 'SIDEWAYS'"), problem: "commit-refused"))
        }
        return table
    }
}

extension SwitchScene {
    /// Takes away what keeps bad rows out, one column that nobody needs and, where there may be none, the time of external
    /// data; and adds a column that no version has.
    fileprivate func uncheck(_ schema: CallrecSchema) async throws {
        let missing =
            schema == .new
            ? "alter table callrec.couple_extdata drop column created_ts; alter table callrec.cfiles drop column restored;"
            : ""
        try await site.source.perform { session in
            try session.script(
                """
                do $$
                declare known record;
                begin
                    for known in select conrelid::regclass as tab, conname from pg_constraint
                        where connamespace = 'callrec'::regnamespace and contype in ('c', 'f') and conrelid <> 0
                    loop execute format('alter table %s drop constraint %I', known.tab, known.conname); end loop;
                    for known in select t.oid::regtype as dom, c.conname from pg_constraint c
                        join pg_type t on t.oid = c.contypid where c.connamespace = 'callrec'::regnamespace
                    loop execute format('alter domain %s drop constraint %I', known.dom, known.conname); end loop;
                    for known in select conrelid::regclass as tab, conname from pg_constraint
                        where connamespace = 'callrec'::regnamespace
                            and (contype = 'u' and conrelid = 'callrec.couples'::regclass
                                or contype = 'p' and conrelid = 'callrec.couple_extdata'::regclass)
                    loop execute format('alter table %s drop constraint %I', known.tab, known.conname); end loop;
                end $$;
                alter table callrec.cfiles alter cftype drop not null, alter cfpath drop not null,
                    alter cfsize drop not null;
                alter table callrec.couples add column astrology text default 'libra';
                \(missing)
                """)
        }
    }

    fileprivate func add(_ bad: BadInput) async throws -> BuiltRecording {
        let name = "bad \(bad.name)"
        let recording: BuiltRecording
        if bad.path != nil {
            recording = try await addAtLongPath(name)
        } else {
            recording = try await add(bad.sid ?? name, media: bad.media, path: name, data: bad.data)
        }
        try await site.source.perform { session in
            for sql in bad.sql {
                let values: [Value] = sql.contains("$2") ? [.integer(recording.callID)] : [.integer(recording.id)]
                try session.execute(sql.replacing("$2", with: "$1"), values)
            }
        }
        return recording
    }

    /// A recorder's path of 1,023 bytes.
    private func addAtLongPath(_ sid: String) async throws -> BuiltRecording {
        let recording = try await add(sid, media: [.audio], path: sid)
        var path = site.recorder.layout.callsRoot + "/20260101"
        while path.utf8.count < 1023 - 101 { path += "/" + String(repeating: "d", count: 99) }
        path += "/" + String(repeating: "f", count: 1023 - path.utf8.count - 5) + ".mp3"
        let sample = try file(.audio, sid, day: "20260101")
        try site.recorder.put(try readSample(site.recorder.mountPrefix + sample.path.displayText), at: FilePath(path))
        let whole = path
        try await site.source.perform { session in
            try session.execute(
                "update callrec.cfiles set cfpath = $2, cfsize = $3, ckvalue = $4 where cplid = $1",
                [.integer(recording.id), .text(whole), .integer(sample.size), Value(sample.crc32.map { Int64($0) })])
        }
        return recording
    }

    /// A media row whose recording has none, and its file.
    fileprivate func addMediaOfNoRecording() async throws {
        let sample = try file(.audio, "nobody", day: try await now().dayFolder)
        let builder = try await CatalogBuilder(site.source)
        try await site.source.transaction { session in
            try builder.add(sample, to: 999_999, on: session)
        }
    }

    /// `name: kind` of each open problem.
    fileprivate func problems(_ names: [String: String]) async throws -> Set<String> {
        Set(
            try await site.openProblems().map { problem in
                "\(problem.reference.map { names[$0] ?? $0 } ?? "mount"): \(problem.kind)"
            })
    }

    fileprivate func proof(_ expression: String, of recording: BuiltRecording) async throws -> String? {
        let sid = try await site.source.perform { session in
            try session.first("select sid from callrec.couples where id = $1", [.integer(recording.id)])?.text("sid")
        }
        return try await site.replay.perform { session in
            try session.first(
                "select (\(expression))::text as value from callrec.couples c where c.sid = $1",
                [.text(sid ?? "")])?.optionalText("value")
        }
    }
}
