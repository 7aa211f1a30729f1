import Glibc
import Ledger
import Postgres
import Settings
import Support
import Vocabulary

/// A whole site in scratch databases and scratch directories, with its settings file.
final class Site: Sendable {
    let home: String
    let replay: ScratchDatabase
    let recorder: ScratchDatabase

    init() async throws {
        var pattern = Array("/tmp/takeup-site-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw SiteFailure(description: "no scratch directory") }
        home = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        replay = try await ScratchDatabase(CallrecSchema.new.template)
        recorder = try await ScratchDatabase(CallrecSchema.old.template)
        for name in ["a", "b", "screens", "rec", "rec/calls", "rec/screens"] { mkdir("\(home)/\(name)", 0o755) }
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", home]) }

    /// - Parameters:
    ///   - source: what more stands in the source's table.
    ///   - rest: what stands behind everything.
    func text(
        replayDatabase: String? = nil, recorderDatabase: String? = nil, mounts: [String] = ["calls", "screens"],
        source: String = "time_zone = \"Europe/Prague\"\nindex_files = [\"{stem}.idx\"]", rest: String = ""
    ) -> String {
        let mounts = mounts.map { "{ path = \"\(home)/rec/\($0)\", mount_point = false }" }.joined(separator: ", ")
        return """
            [replay]
            name = "replay1"
            database = "\(replayDatabase ?? replay.connectionString)"

            [[replay.volumes]]
            name = "a"
            path = "\(home)/a"
            balance = 70
            watermark = "97%"

            [[replay.volumes]]
            name = "b"
            path = "\(home)/b"
            balance = 30
            watermark = "97%"

            [[sources]]
            name = "rec_a"
            database = "\(recorderDatabase ?? recorder.connectionString)"
            mount_path = "\(home)/rec"
            mounts = [\(mounts)]
            \(source)

            \(rest)
            """
    }

    func settings(_ text: String? = nil) throws -> Settings {
        try Settings.load(
            bytes: Array((text ?? self.text()).utf8), named: FilePath("takeup.toml"), environment: .ofProcess())
    }

    /// Writes a settings file and gives its path.
    func write(_ text: String? = nil) throws -> String {
        let path = "\(home)/takeup.toml"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        defer { close(descriptor) }
        let bytes = Array((text ?? self.text()).utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw SiteFailure(description: "\(path) can't be written")
        }
        return path
    }

    func makeLedger() async throws {
        try await replay.connect().transaction { session in _ = try Migrations.apply(program: "test", in: session) }
    }

    /// Some of everything that a ledger can hold, made by its own operations.
    func fillLedger() async throws {
        let home = home
        try await makeLedger()
        try await replay.connect().transaction { session in
            try Content.volumes(home, in: session)
            try Content.work(home, in: session)
            try Content.processes(home, in: session)
        }
    }
}

struct SiteFailure: Error, CustomStringConvertible {
    let description: String
}

private enum Content {
    static let source = SourceName("rec_a")

    static func volumes(_ home: String, in session: Session) throws {
        let gigabyte: Int64 = 1 << 30
        for (name, used) in [("a", Int64(60)), ("b", 90)] {
            let id = VolumeID("volume-\(name)")
            try Volumes.register(
                [(id, VolumeName(name), FilePath("\(home)/\(name)"), AccountID(id.rawValue))], in: session)
            try Volumes.saveSample(
                KnownVolume.Sample(
                    totalBytes: 100 * gigabyte, availableBytes: (100 - used) * gigabyte, usedBytes: used * gigabyte,
                    totalInodes: 1000, availableInodes: 900), of: id, in: session)
        }
        _ = try Volumes.move(
            VolumeID("volume-b"), from: "ok", to: "above", reason: nil, raisesAlert: true, in: session)
    }

    /// Three recordings with a sound and a screen each: one is at the replay, of one the screen is missing.
    static func work(_ home: String, in session: Session) throws {
        let now = try session.first("select \(SQL.microseconds("statement_timestamp()")) as now")?.instant("now")
        let stopped = Instant(microseconds: (now?.microseconds ?? 0) - 300_000_000)
        let plans = [1, 2, 3].map { (id: Int64) in
            SightingPlan(
                reference: RecordingReference(source: source, id: id), sid: Sid("sid-\(id)"), stopped: stopped,
                outcome: .transfer(
                    ["calls", "screens"].enumerated().map { place, mount in
                        TransferPlan(
                            mediaID: id * 10 + Int64(place), fingerprint: [1], mount: MountPath("\(home)/rec/\(mount)"),
                            kind: place == 0 ? .audio : .video, path: FilePath("/opt/callrec/data/\(mount)/\(id)"),
                            expectedSize: 100, crc32: nil, recordingStart: WallTime(microseconds: 0))
                    }, mark: .synchronized, fingerprint: [1]))
        }
        try Plans.record(plans, in: session)
        try Recordings.lock([Sid("sid-1")], in: session)
        _ = try Replicas.insert(
            try [(MediaKind.audio, "volume-a", Int64(3000)), (.video, "volume-b", 1000)].map { kind, volume, size in
                guard let digest = Digest(bytes: [UInt8](repeating: 3, count: 32)) else {
                    throw SiteFailure(description: "a digest of 32 bytes is none")
                }
                return NewReplica(
                    sid: Sid("sid-1"), kind: kind, volume: VolumeID(volume), path: FilePath("1.\(kind)"), size: size,
                    digest: digest, checksum: Checksum128(high: 1, low: 2), level: .readBack,
                    authenticity: .unauthenticated, source: source, isMuxable: true)
            }, in: session)
        try MuxJobs.ensure([Sid("sid-1")], in: session)
        try session.execute(
            """
            update takeup.sighting set state = 'converged', finished_at = statement_timestamp() - interval '2 s',
                converged_at = statement_timestamp() where source_id = 1
            """)
        try session.execute("update takeup.transfer set state = 'done' where source_media_id in (10, 11)")
        try session.execute(
            "update takeup.transfer set missing_since = statement_timestamp() where source_media_id = 21")
        for number in 1...3 {
            _ = try Problems.open(
                kind: "missing-file", subject: "media \(number)", reference: "rec_a/\(number)",
                what: "The file of media \(number) of rec_a/\(number) is not on the recorder's mount.",
                hint: "Look on the recorder whether the file exists at all; it is fetched as soon as it appears.",
                in: session)
        }
    }

    static func processes(_ home: String, in session: Session) throws {
        let holder = Holder("copy1/7/aa")
        _ = try Keepers.take(source: source, holder: holder, lease: .seconds(600), in: session)
        try Agents.beat(
            AgentBeat(
                holder: holder, role: "agent", mount: MountPath("\(home)/rec/calls"), host: "copy1", processID: 7,
                version: "0.1.0",
                state: #"""
                    {"source": "rec_a", "mount": "proven", "isKeeper": true, "watching": "event", "watchingOn": "ext4", \#
                    "directoriesWatched": 9, "directoriesPolled": 0, "directoriesUnreadable": 0}
                    """#), in: session)
        try Agents.beat(
            AgentBeat(holder: Holder("copy1/8/bb"), role: "mux", host: "copy1", processID: 8, version: "0.1.0"),
            in: session)
    }
}
