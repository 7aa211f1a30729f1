import Delivery
import Evidence
import Files
import Glibc
import Ledger
import Postgres
import Settings
import Support
import Telemetry
import Testing
import Vocabulary

/// A solution that has collected recordings, and the process that looks after them.
struct EvidenceSite {
    let recorder: PlainRecorder
    let solution: ScratchSolution
    let source: ScratchSolution.Source
    /// What each recording's file holds.
    let contents: [[UInt8]]

    /// - Parameters:
    ///   - sizes: of each recording's file, in KiB.
    ///   - more: settings.
    ///   - volume: an empty directory that becomes the volume.
    init(_ sizes: [Int], more: String = "", volume: String? = nil) async throws {
        recorder = try await PlainRecorder("one")
        var contents: [[UInt8]] = []
        for (place, size) in sizes.enumerated() {
            let content = (0..<size * 1024).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 9) ^ place) }
            contents.append(content)
            var media = try recorder.file(.audio, "call-\(place).bin", content)
            // A checksum in the row: neither copy nor mark waits for anything.
            var crc = CRC32()
            content.withUnsafeBytes { crc.add($0) }
            media.crc32 = crc.value
            try await recorder.builder.add(
                RecordingSample("call-\(place)", stop: PlainRecorder.now, seconds: 8).media(media))
        }
        self.contents = contents
        solution = try await ScratchSolution(volume: volume)
        source = ScratchSolution.Source(recorder)
        try solution.configure([source], more: more)
        let agent = try solution.start(source)
        defer { stop(agent) }
        let marks = try await recorder.marks(upTo: .seconds(60))
        try #require(marks.values.allSatisfy { $0 == "S" }, "\(marks) \(solution.log("one").suffix(3000))")
    }

    func stop(_ process: ChildProcess) {
        process.send(SIGTERM)
        process.wait()
    }

    /// Lets time pass for all copies, by the ledger.
    func age(days: Int) async throws {
        try await solution.replay.perform { session in
            try session.script(
                """
                update takeup.replica set committed_at = committed_at - interval '\(days) days',
                    checked_at = checked_at - interval '\(days) days', check_after = check_after - interval '\(days) days';
                update takeup.scrub_day set day = day - \(days);
                """)
        }
    }

    func run(_ sql: String) async throws {
        try await solution.replay.perform { session in try session.script(sql) }
    }

    /// Moves everything to a day long past, on the volume and in all rows.
    func moveToPast() async throws {
        try await age(days: 3)
        let volume = solution.volume
        let today = try #require(
            FilePath(try await path(of: 0)).relative(to: FilePath(volume))?.components.dropFirst().first)
        let day = String(decoding: today, as: UTF8.self)
        try ChildProcess.run(["/bin/mv", "\(volume)/one/\(day)", "\(volume)/one/20260102"])
        try await run(
            """
            update callrec.cfiles set cfpath = replace(cfpath, '/one/\(day)/', '/one/20260102/');
            update takeup.replica set path = convert_to(
                replace(convert_from(path, 'UTF8'), 'one/\(day)/', 'one/20260102/'), 'UTF8');
            """)
    }

    /// Scrubs in this process.
    func scrub(
        _ narrator: MemoryNarrator = MemoryNarrator(), forgottenAfter: Duration = .seconds(86_400)
    ) async throws -> ScrubTally.Sum {
        try await Scrub(
            settings: settings(), base: try await base(narrator), environment: .ofProcess(), narrator: narrator,
            forgottenAfter: forgottenAfter
        ).run()
    }

    func settings() throws -> Settings { try Settings.load(path: FilePath(solution.settingsPath)) }

    func base(_ narrator: MemoryNarrator) async throws -> ReplayBase {
        try await ReplayBase(
            settings: settings(), role: "scrub", version: "test", environment: .ofProcess(), narrator: narrator)
    }

    /// The file that the replay's row names of a recording.
    func path(of place: Int) async throws -> String {
        let row = try await solution.replay.perform { session in
            try session.first(
                """
                select f.cfpath from callrec.cfiles f join callrec.couples c on c.id = f.cplid where c.sid = $1
                """, [.text("call-\(place)")])
        }
        return try #require(row).text("cfpath")
    }

    /// Changes a byte in the middle of a file, and nothing else that shows.
    func corrupt(_ path: String) throws {
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        try #require(pread(descriptor, &byte, 1, 700) == 1)
        byte ^= 0x10
        try #require(pwrite(descriptor, &byte, 1, 700) == 1)
        fsync(descriptor)
    }

    func problems() async throws -> [String] { try await solution.openProblems().map(\.kind).sorted() }
    func count(_ sql: String) async throws -> Int { try await solution.count("select count(*) from \(sql)") }
}
