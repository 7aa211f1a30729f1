internal import Glibc
internal import Postgres
internal import Support
internal import Synchronization
internal import Vocabulary

/// A recorder that does nothing but what is measured: recordings of one sound, a whole mp3 of a size to choose, and
/// their rows.
final class WatchRecorder: Sendable {
    /// One sound that was written, and when.
    struct Written: Sendable {
        var sid: String
        /// Below the recorder's own root.
        var path: String
        var bytes: Int
        /// Just before close(2), in microseconds since 1970 UTC.
        var closed: Int64
    }

    private let database: Database
    private let catalog: CatalogBuilder
    /// What stands before the recorder's own paths here.
    private let prefix: String
    /// The recorder's own path of today's folder.
    private let folder: String
    private let media: RecorderModelMedia
    /// What a burst writes, made before its clock runs.
    private let drafts = Mutex<[[UInt8]]>([])

    /// Makes today's folder.
    init(_ database: Database, _ layout: RecorderModelLayout) async throws {
        self.database = database
        catalog = try await CatalogBuilder(database)
        prefix = layout.mountPrefix
        folder = layout.callsRoot + "/" + WatchRecorder.now().day
        media = try RecorderModelMedia.shared()
        try ChildProcess.run(["/bin/mkdir", "-p", prefix + folder])
    }

    /// Writes sounds at a rate: file, row with state FINISHED and size, close. Numbers begin after `first`.
    func write(_ count: Int, after first: Int, rate: Double, bytes: Int) async throws -> [Written] {
        let begin = ContinuousClock.now
        var written: [Written] = []
        for number in 1...count {
            let sid = "watch-\(first + number)"
            let path = folder + "/\(sid).mp3"
            let sound = media.sound(ofBytes: bytes, mark: sid)
            try await Task.sleep(until: begin + .seconds(Double(number) / rate))
            let file = try open(path)
            try append(sound, to: file, path)
            let stop = WallTime(microseconds: WatchRecorder.now().microseconds)
            let sample = RecordingSample(sid, stop: stop).media(
                MediaSample(.audio, FilePath(path), size: Int64(sound.count)))
            try await database.transaction(isDurable: false) { [catalog] session in
                _ = try catalog.add(sample, on: session)
            }
            written.append(
                Written(sid: sid, path: path, bytes: sound.count, closed: WatchRecorder.now().microseconds))
            close(file)
        }
        return written
    }

    /// Makes what ``burst()`` writes, and lets the triggers that tell of a recording speak in it.
    func prepareBurst(_ count: Int, bytes: Int) async throws {
        let sounds = (1...count).map { media.sound(ofBytes: bytes, mark: "burst-\($0)") }
        drafts.withLock { $0 = sounds }
        try await database.perform { session in
            // The rows of a burst have numbers of their own, which must not be given again.
            for table in ["calls", "couples"] {
                try session.query(
                    "select setval(pg_get_serial_sequence('callrec.\(table)', 'id'), $1::bigint)",
                    [.integer(Int64(count + 1))])
            }
            for (table, trigger) in [("couples", "takeup_recording_insert"), ("cfiles", "takeup_media_changed")] {
                let isThere = try session.first(
                    "select 1 from pg_trigger where tgname = $1 and tgrelid = ('callrec.' || $2)::regclass",
                    [.text(trigger), .text(table)])
                if isThere != nil {
                    try session.execute("alter table callrec.\(table) enable always trigger \(trigger)")
                }
            }
        }
    }

    /// Writes sounds as fast as it can, and the rows of 500 at a time, FINISHED, in one transaction. The recorder's own
    /// triggers stay silent, as its cost is not what is measured; those that tell of a recording do not.
    func burst() async throws -> [Written] {
        let sounds = drafts.withLock { $0 }
        var written: [Written] = []
        for first in stride(from: 1, through: sounds.count, by: WatchRecorder.rowsAtOnce) {
            let last = min(first + WatchRecorder.rowsAtOnce - 1, sounds.count)
            for number in first...last {
                let sid = "burst-\(number)"
                let path = folder + "/\(sid).mp3"
                let sound = sounds[number - 1]
                let file = try open(path)
                try append(sound, to: file, path)
                close(file)
                written.append(
                    Written(sid: sid, path: path, bytes: sound.count, closed: WatchRecorder.now().microseconds))
            }
            let values: [Value] = [.integer(Int64(first)), .integer(Int64(last))]
            let media = values + [.text(folder), .integer(Int64(sounds[0].count))]
            try await database.transaction(isDurable: false) { session in
                try session.execute("set local session_replication_role = replica")
                for statement in WatchRecorder.recordings { try session.execute(statement, values) }
                try session.execute(WatchRecorder.media, media)
            }
        }
        return written
    }
    private static let rowsAtOnce = 500

    private static let recordings = [
        """
        insert into callrec.calls (id, start_ts, stop_ts, length, cplcnt)
        select i, t.stop - interval '60 s', t.stop, 60, 1
        from generate_series($1::bigint, $2::bigint) i, (select clock_timestamp() at time zone 'UTC' as stop) t
        """,
        """
        insert into callrec.couples (id, callid, sid, start_ts, stop_ts, created_ts, length, callingnr,
            finalcallednr, state, direction, cfcnt, cftypes)
        select i, i, 'burst-' || i, t.stop - interval '60 s', t.stop, t.stop, 60, '42022' || i, '8' || (i % 900),
            'FINISHED', 'INCOMING', 1, 1::bit(32)
        from generate_series($1::bigint, $2::bigint) i, (select clock_timestamp() at time zone 'UTC' as stop) t
        """,
    ]

    private static let media = """
        insert into callrec.cfiles (cplid, cftype, cfsize, cfpath, start_ts, stop_ts)
        select p.id, 'AUDIO', $4::bigint, $3::text || '/' || p.sid || '.mp3', p.start_ts, p.stop_ts
        from callrec.couples p where p.id between $1::bigint and $2::bigint
        """

    // MARK: Files

    private func open(_ path: String) throws -> CInt {
        let file = Glibc.open(prefix + path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw BenchFailure(description: "create \(path): errno \(errno)") }
        return file
    }

    private func append(_ bytes: [UInt8], to file: CInt, _ path: String) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + done, $0.count - done) }
            guard count > 0 else { throw BenchFailure(description: "write \(path): errno \(errno)") }
            done += count
        }
    }

    static func now() -> (microseconds: Int64, day: String) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        let day = (Int(parts.tm_year) + 1900) * 10_000 + (Int(parts.tm_mon) + 1) * 100 + Int(parts.tm_mday)
        return (Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000, String(day))
    }
}
