internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct VoiceTagSystemTests {
    @Test(
        .timeLimit(.minutes(3)),
        arguments: LongTests.all(orFirstOf: [(CallrecSchema.new, CallrecSchema.old), (.old, .new)]))
    func `voice tags travel with their recordings, once, and those of an unknown phrase wait with the mark`(
        source: CallrecSchema, replay: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(source, replaySchema: replay, watching: "quiet = \"1s\"")
        let builder = try await CatalogBuilder(site.source)
        try await site.replay.perform { session in
            try session.script("insert into callrec.speech_phrases (phrase_text) values ('x'), ('y'), ('good morning')")
        }
        let known = try await site.addRecording("known", builder) { $0.tag("good morning", from: 3, to: 4) }
        let unknown = try await site.addRecording("unknown", builder) { $0.tag("good morning").tag("never heard") }
        let processes = [try site.start(.calls), try site.start(.screens)]
        defer {
            for process in processes {
                process.send(SIGTERM)
                process.wait()
            }
        }
        @Sendable func mark(_ id: Int64) async throws -> Int {
            try await site.count(
                "select count(*) from callrec.couples where id = \(id) and synchronized = 'S'", in: site.source)
        }
        @Sendable func tags(_ sid: String) async throws -> Int {
            try await site.count(
                """
                select count(*) from callrec.voice_tags v join callrec.cfiles f on f.id = v.cfileid
                join callrec.couples c on c.id = f.cplid where c.sid = '\(sid)'
                """, in: site.replay)
        }
        #expect(try await site.wait(upTo: .seconds(30)) { try await mark(known.id) == 1 }, "\(site.log(.calls))")
        #expect(try await tags("known") == 1)
        #expect(
            try await site.wait(upTo: .seconds(30)) {
                try await site.openProblems().map(\.kind) == ["phrase-unknown"]
            })
        // The media and the tags of known phrases are there; nobody made a phrase at the replay.
        #expect(try await site.wait(upTo: .seconds(30)) { try await tags("unknown") == 1 })
        #expect(try await mark(unknown.id) == 0)
        #expect(try await site.count("select count(*) from callrec.speech_phrases", in: site.replay) == 3)

        try await site.replay.perform { session in
            try session.script("insert into callrec.speech_phrases (phrase_text) values ('never heard')")
        }
        #expect(
            try await site.wait(upTo: .seconds(45)) { try await mark(unknown.id) == 1 },
            "\(site.log(.calls))\n\(site.log(.screens))")
        #expect(try await tags("unknown") == 2)
        #expect(try await tags("known") == 1)
        #expect(try await site.wait(upTo: .seconds(30)) { try await site.openProblems().isEmpty })
    }
}

extension ScratchSite {
    /// A recording of sound alone that is there at once, its file first.
    func addRecording(
        _ sid: String, _ builder: CatalogBuilder, _ change: (MediaSample) -> MediaSample = { $0 }
    ) async throws -> BuiltRecording {
        let now = try await source.perform { session in
            try session.first("select \(SQL.microseconds("localtimestamp")) as now")?.optionalWallTime("now")
        }
        let stop = WallTime(microseconds: (now?.microseconds ?? 0) - 60_000_000)
        let bytes = try RecorderModelMedia.shared().sound(seconds: 4, mark: sid)
        let day = WallTime(microseconds: stop.microseconds - 4_000_000).dayFolder
        let directory = "\(recorder.layout.callsRoot)/\(day)"
        try ChildProcess.run(["/bin/mkdir", "-p", recorder.mountPrefix + directory])
        let path = FilePath("\(directory)/\(sid).mp3")
        try recorder.put(bytes, at: path)
        let media = MediaSample(.audio, path, size: Int64(bytes.count))
        return try await builder.add(RecordingSample(sid, stop: stop, seconds: 4).media(change(media)))
    }
}
