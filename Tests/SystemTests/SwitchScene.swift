internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Vocabulary

/// A site whose recorder has recordings of a test's own choice, named by their `sid`.
struct SwitchScene: Sendable {
    let site: ScratchSite
    private let builder: CatalogBuilder

    init(_ site: ScratchSite) async throws {
        self.site = site
        builder = try await CatalogBuilder(site.source)
    }

    /// Files first, then the rows, as a recorder does it.
    /// - Parameter path: the name of the files, where they are another recording's.
    @discardableResult
    func add(
        _ sid: String, media kinds: [MediaKind], state: String = "FINISHED", secondsAgo: Int = 0, path: String? = nil,
        data: [(key: String, value: String)] = []
    ) async throws -> BuiltRecording {
        let stop = WallTime(microseconds: try await now().microseconds - Int64(secondsAgo) * 1_000_000)
        var sample = RecordingSample(sid, stop: stop, seconds: 4).state(state)
        for (place, kind) in kinds.enumerated() {
            let name = (path ?? sid) + (place > 0 && kinds[..<place].contains(kind) ? " \(place)" : "")
            sample = sample.media(try file(kind, name, day: stop.dayFolder))
        }
        for (key, value) in data { sample = sample.data(key, value) }
        return try await builder.add(sample)
    }

    /// A row alone, for a file that is there.
    func addRow(_ sid: String, _ media: MediaSample) async throws -> BuiltRecording {
        try await builder.add(RecordingSample(sid, stop: try await now(), seconds: 4).media(media))
    }

    /// The recorder's clock, in UTC.
    func now() async throws -> WallTime {
        let microseconds = try await site.source.perform { session in
            try session.first(
                "select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now")?.integer("now")
        }
        return WallTime(microseconds: microseconds ?? 0)
    }

    /// Puts a file of this kind at the recorder, and says what its row is to say.
    func file(_ kind: MediaKind, _ name: String, day: String) throws -> MediaSample {
        let samples = try RecorderModelMedia.shared()
        let isScreen = kind == .video || kind == .recd
        let root = isScreen ? site.recorder.layout.screensRoot : site.recorder.layout.callsRoot
        let ending =
            switch kind {
            case .audio: "mp3"
            case .video: "mp4"
            case .recd: "recd"
            case .mag, .archive, .image, .phoneVideo, .phoneVideoMag, .phoneVideoStream, .index: "mag"
            }
        let bytes =
            switch kind {
            case .audio: samples.sound(seconds: 4, mark: name)
            case .video: samples.screen(seconds: 4, mark: name)
            case .recd, .mag, .archive, .image, .phoneVideo, .phoneVideoMag, .phoneVideoStream, .index:
                Array("a capture of \(name)".utf8)
            }
        let path = FilePath("\(root)/\(day)/\(name).\(ending)")
        try site.recorder.put(bytes, at: path)
        return MediaSample(kind, path, size: Int64(bytes.count), crc32: RecorderModelChecksum.crc32(bytes))
    }

    /// Replaces a recording's captures by a sound.
    func decode(_ recording: BuiltRecording) async throws {
        let sample = try file(.audio, "decoded-\(recording.id)", day: try await now().dayFolder)
        let builder = builder
        try await site.source.transaction { session in
            try session.execute(
                "delete from callrec.cfiles where cplid = $1 and cftype = 'MAG'", [.integer(recording.id)])
            try builder.add(sample, to: recording.id, on: session)
        }
    }

    func finish(_ recording: BuiltRecording) async throws {
        try await site.source.perform { session in
            try session.execute(
                "update callrec.couples set state = 'FINISHED' where id = $1", [.integer(recording.id)])
        }
    }

    /// What waits in the ledger is due now.
    func makeDue() async throws {
        try await site.replay.perform { session in
            try session.execute("update takeup.sighting set not_before = now() where not_before > now()")
        }
    }

    // MARK: What became of it

    /// `sid KIND` of each media row at the replay, but for what was muxed.
    func arrived() async throws -> [String] {
        try await site.replay.perform { session in
            try session.query(
                """
                select c.sid || ' ' || f.cftype as text from callrec.couples c join callrec.cfiles f on f.cplid = c.id
                order by 1
                """
            ).map { try $0.text("text") }
        }
    }

    func recordings() async throws -> [String] {
        try await site.replay.perform { session in
            try session.query("select sid from callrec.couples order by sid").map { try $0.text("sid") }
        }
    }

    func places() async throws -> [String] {
        try await site.replay.perform { session in
            try session.query("select cfpath from callrec.cfiles order by id").map { try $0.text("cfpath") }
        }
    }

    func mark(of recording: BuiltRecording) async throws -> String? {
        try await site.source.perform { session in
            try session.first("select synchronized from callrec.couples where id = $1", [.integer(recording.id)])?
                .optionalText("synchronized")
        }
    }

    /// The `sid`s that carry a mark at the source.
    func marked() async throws -> [String] {
        try await site.source.perform { session in
            try session.query("select sid from callrec.couples where synchronized is not null order by sid").map {
                try $0.text("sid")
            }
        }
    }

    func openProblems() async throws -> [String] { try await site.openProblems().map(\.what) }

    /// Connections that anybody but this test ever made to the recorder's database show as sessions.
    func statementsAtSource() async throws -> Int {
        try await site.count(
            """
            select count(*) from pg_stat_activity
            where datname = current_database() and application_name like 'takeup agent%'
            """, in: site.source)
    }

    static func stop(_ processes: [ChildProcess]) {
        for process in processes { process.send(SIGTERM) }
        for process in processes { process.wait() }
    }
}
