internal import Postgres
internal import Support
internal import Vocabulary

/// A recording that a test put at a site's recorder, file by file.
struct SiteRecording: Sendable {
    let name: String
    let id: Int64
    let mediaIDs: [MediaKind: Int64]
    let files: [MediaKind: File]

    struct File: Sendable {
        /// The recorder's own path.
        let path: FilePath
        let sha256: String
    }
}

extension ScratchSite {
    /// Now, as the recorder's clock shows it: UTC.
    func recorderNow() async throws -> WallTime {
        try await source.perform { session in
            let row = try session.first("select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now")
            return WallTime(microseconds: try row?.integer("now") ?? 0)
        }
    }

    /// Puts the file of one medium at the recorder, and gives its row.
    func put(_ kind: MediaKind, of name: String, stop: WallTime) throws -> (MediaSample, SiteRecording.File) {
        let media = try RecorderModelMedia.shared()
        let (root, ending, bytes): (String, String, [UInt8]) =
            switch kind {
            case .audio: (recorder.layout.callsRoot, "mp3", media.sound(seconds: 4, mark: name))
            case .video: (recorder.layout.screensRoot, "mp4", media.screen(seconds: 4, mark: name))
            default: (recorder.layout.screensRoot + "/recd", "recd", Array("RECD of \(name)".utf8))
            }
        let path = FilePath("\(root)/\(stop.dayFolder)/\(name).\(ending)")
        try recorder.put(bytes, at: path)
        return (
            MediaSample(kind, path, size: Int64(bytes.count)),
            SiteRecording.File(path: path, sha256: sha256(of: bytes))
        )
    }

    /// Records a call of some seconds that ended `age` ago.
    @discardableResult
    func record(
        _ name: String, _ kinds: [MediaKind], mark: Mark? = nil, age: Duration = .zero,
        change: (RecordingSample) -> RecordingSample = { $0 }
    ) async throws -> SiteRecording {
        let now = try await recorderNow()
        let stop = WallTime(microseconds: now.microseconds - age.wholeMicroseconds)
        var files: [MediaKind: SiteRecording.File] = [:]
        var sample = RecordingSample(name, stop: stop, seconds: 4).mark(mark)
        for kind in kinds {
            let (row, file) = try put(kind, of: name, stop: stop)
            sample.media.append(row)
            files[kind] = file
        }
        let built = try await CatalogBuilder(source).add(change(sample))
        return SiteRecording(
            name: name, id: built.id, mediaIDs: Dictionary(uniqueKeysWithValues: zip(kinds, built.mediaIDs)),
            files: files)
    }

    /// Adds a medium to a recording that is there.
    func add(_ kind: MediaKind, to recording: SiteRecording) async throws -> SiteRecording.File {
        let (row, file) = try put(kind, of: recording.name, stop: try await recorderNow())
        let builder = try await CatalogBuilder(source)
        _ = try await source.transaction { session in try builder.add(row, to: recording.id, on: session) }
        return file
    }

    func mark(of recording: SiteRecording) async throws -> String? {
        try await source.perform { session in
            try session.first("select synchronized from callrec.couples where id = $1", [.integer(recording.id)])?
                .optionalText("synchronized")
        }
    }

    /// Digests of the files that the replay's rows name for a recording; nil where a file is not there.
    func digests(of recording: SiteRecording) async throws -> [String?] {
        let name = recording.name
        let paths = try await replay.perform { session in
            try session.query(
                """
                select f.cfpath from callrec.couples c join callrec.cfiles f on f.cplid = c.id
                where c.sid = $1 order by f.id
                """, [.text(name)]
            ).map { try $0.text("cfpath") }
        }
        return paths.map { path in (try? readSample(path)).map { sha256(of: $0) } }
    }

    /// Whether the replay has exactly these media of a recording, byte for byte, each once; muxed files aside.
    func holds(_ recording: SiteRecording, _ kinds: [MediaKind]) async throws -> Bool {
        let found = try await digests(of: recording)
        return kinds.allSatisfy { kind in found.count { $0 == recording.files[kind]?.sha256 } == 1 }
    }

    /// What was written to the tables that hold recordings, at the source and at the replay: rows inserted, updated and
    /// deleted since the databases were made.
    func rowChanges() async throws -> [String: Int] {
        let sql = """
            select schemaname || '.' || relname as name, n_tup_ins + n_tup_upd + n_tup_del as count
            from pg_stat_user_tables where schemaname = 'callrec' or schemaname = 'takeup' and relname in (
                'sighting', 'transfer', 'recording', 'call', 'replica', 'intent', 'mux_job', 'problem', 'risk', 'tally',
                'meta', 'given_marks')
            """
        var changes: [String: Int] = [:]
        for (place, database) in [("source", source), ("replay", replay)] {
            let rows = try await database.perform { session in
                try session.query(sql).map { (try $0.text("name"), Int(try $0.integer("count"))) }
            }
            for (name, count) in rows { changes["\(place) \(name)"] = count }
        }
        return changes
    }

    /// Whether it comes to rest: a time in which no row is written. Counters reach the server's view about a second late.
    func comesToRest(for span: Duration = .seconds(4), upTo limit: Duration = .seconds(30)) async throws -> Bool {
        try await wait(upTo: limit) {
            let before = try await rowChanges()
            try await Task.sleep(for: span)
            return try await rowChanges() == before
        }
    }
}

/// Agents of a site, which end with the test.
final class SiteAgents {
    private let site: ScratchSite
    private var processes: [ChildProcess] = []

    init(_ site: ScratchSite, _ roles: [ScratchSite.Role] = [.calls, .screens]) throws {
        self.site = site
        try start(roles)
    }

    deinit { stop() }

    func start(_ roles: [ScratchSite.Role] = [.calls, .screens]) throws {
        processes += try roles.map { try site.start($0) }
    }

    func stop() {
        for process in processes { process.send(15) }
        for process in processes { process.wait() }
        processes = []
    }
}
