internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct IndexFileSystemTests {
    @Test(
        .timeLimit(.minutes(3)),
        arguments: LongTests.all(orFirstOf: [(CallrecSchema.new, CallrecSchema.old), (.old, .new)]))
    func
        `index files are copied and verified beside their sound, and the mark waits until it is known that there is none`(
            source: CallrecSchema, replay: CallrecSchema
        ) async throws
    {
        let site = try await ScratchSite(
            source, replaySchema: replay, watching: "quiet = \"1s\"\ngrace_orphan = \"1s\"",
            sourceSettings: """
                interval = "last-week"
                index_files = ["{stem}.idx", "{name}.tags"]
                index_grace = "6s"
                """)
        let builder = try await CatalogBuilder(site.source)
        let tagged = try await site.addRecording("with", builder)
        let path = try await site.soundPath(of: tagged)
        let content = [UInt8]((0..<5000).map { UInt8(truncatingIfNeeded: $0) })
        try site.recorder.put(content, at: FilePath(path.dropLast(4) + ".idx"))
        let without = try await site.addRecording("without", builder)
        let process = try site.start(.calls)
        defer {
            process.send(SIGTERM)
            process.wait()
        }
        @Sendable func sounds() async throws -> Int {
            try await site.count("select count(*) from callrec.cfiles", in: site.replay)
        }
        // The sounds can be played long before the marks.
        #expect(try await site.wait(upTo: .seconds(30)) { try await sounds() == 2 }, "\(site.log(.calls))")
        #expect(try await site.markedCount() == 0)
        // One comes late, and within the grace time.
        let late = try await site.soundPath(of: without) + ".tags"
        try site.recorder.put(content, at: FilePath(late))
        #expect(
            try await site.wait(upTo: .seconds(40)) { try await site.indexFiles().count == 2 }, "\(site.log(.calls))")
        #expect(
            try await site.wait(upTo: .seconds(30)) {
                try await site.markedCount() == 2
            }, "\(site.log(.calls))")
        let files = try await site.indexFiles()
        #expect(files.count == 2)
        for file in files {
            #expect(try readSample(file) == content)
            // The recorder's path below its prefix, as for the sound.
            #expect(
                file.contains("/recorder1/") && (file.hasSuffix("/with.idx") || file.hasSuffix("/without.mp3.tags")))
        }
        #expect(try await sounds() == 2)
        #expect(try await site.unnamedFiles() == [])
        #expect(try site.stagedLeftovers() == [])
        // None of them is missing or an orphan.
        try await Task.sleep(for: .seconds(2))
        #expect(try await site.openProblems().map(\.what) == [])
    }

    @Test(.timeLimit(.minutes(2)))
    func `where index files are switched off nothing waits for them`() async throws {
        let site = try await ScratchSite(
            sourceSettings: """
                interval = "last-week"
                index_files = ["{stem}.idx"]
                index_grace = "7d"
                synchronize = { index = false }
                """)
        let builder = try await CatalogBuilder(site.source)
        let built = try await site.addRecording("with", builder) { $0.tag("hello") }
        let path = try await site.soundPath(of: built)
        try site.recorder.put([1, 2, 3], at: FilePath(path.dropLast(4) + ".idx"))
        let process = try site.start(.calls)
        defer {
            process.send(SIGTERM)
            process.wait()
        }
        #expect(
            try await site.wait(upTo: .seconds(30)) { try await site.markedCount() == 1 }, "\(site.log(.calls))")
        #expect(try await site.indexFiles() == [])
        #expect(try await site.count("select count(*) from callrec.voice_tags", in: site.replay) == 0)
        #expect(try await site.openProblems().map(\.what) == [])
    }
}

extension ScratchSite {
    /// The recorder's own path.
    fileprivate func soundPath(of built: BuiltRecording) async throws -> String {
        try await source.perform { session in
            try session.first("select cfpath from callrec.cfiles where id = $1", [.integer(built.mediaIDs[0])])?
                .text("cfpath")
        } ?? ""
    }

    /// Where index files lie on the volumes, by the ledger.
    fileprivate func indexFiles() async throws -> [String] {
        try await replay.perform { session in
            try session.query(
                """
                select convert_from(v.path, 'UTF8') || '/' || convert_from(r.path, 'UTF8') as path
                from takeup.replica r join takeup.volume v on v.id = r.volume_id
                where r.kind = 'INDEX' and r.state = 'held' order by r.id
                """
            ).map { try $0.text("path") }
        }
    }
}
