import Glibc
import Support
import Testing
import Vocabulary

/// Everything that works at one play site of the built program's own: one test after the other.
@Suite(.serialized) struct GIRTests {
    static let isLong = getenv("TAKEUP_LONG_TESTS") != nil
}

/// A play site, calm, and the built program to run on its `muxer.cfg`.
final class GIRScene: Sendable {
    let site: PlaySite
    let directory: String
    private let binary: String

    /// Twelve recordings of every kind, ten pairs of which are there at once, seven encrypted.
    static let shared = Result { try PlaySite(recordings: 12, seed: 257) }

    /// - Parameter keepsResults: what earlier tests had made stays.
    init(_ given: PlaySite? = nil, keepsResults: Bool = false) async throws {
        site = try given ?? GIRScene.shared.get()
        try await site.calm()
        if !keepsResults { try await site.tell("DELETE", "results") }
        try await site.tell("DELETE", "requests")
        var pattern = Array((ScratchPlace.root + "/takeup-gir-XXXXXX").utf8CString)
        try #require(mkdtemp(&pattern) != nil)
        directory = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for name in ["temp", "work"] { mkdir("\(directory)/\(name)", 0o700) }
        binary = try ScratchSite.builtProgram()
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", directory]) }

    var logPath: String { directory + "/output" }
    var log: String { (try? String(decoding: readSample(logPath), as: UTF8.self)) ?? "" }

    /// The site's file with other values, and directories of our own.
    func muxerFile(_ changes: [String: String?]) throws -> String {
        let own = ["processing.temp_dir": "\(directory)/temp", "logfile.logfile_path": directory]
        let path = "\(directory)/muxer-\(UInt32.random(in: 0 ... .max)).cfg"
        try writeSample(Array(try site.muxerFile(changes.merging(own) { mine, _ in mine }).utf8), to: path)
        return path
    }

    func start(
        _ changes: [String: String?] = [:], _ arguments: [String] = [], variables: [String] = []
    ) throws -> ChildProcess {
        try ChildProcess(
            ["/usr/bin/env", "--chdir=\(directory)/work"] + variables + [
                binary, "mux", "--config-file", try muxerFile(changes), "--ca-file", site.authorities.displayText,
            ] + arguments, outputPath: logPath)
    }

    /// A batch to its end: its exit code, and what it said.
    func batch(
        _ query: String = GIRScene.allScreens, _ changes: [String: String?] = [:], _ arguments: [String] = [],
        variables: [String] = []
    ) throws -> (code: Int, said: String) {
        unlink(logPath)
        let changes = changes.merging(["advanced.call_recording_query_string": query]) { mine, _ in mine }
        let code = try start(changes, arguments, variables: variables).wait()
        return (code, log)
    }

    static let allScreens = "userData=SRSScreenRecordingStateStarted"

    /// A query that finds the calls of these pairs' seconds only.
    func query(_ pair: PlaySite.Pair) -> String { "startTime=\(pair.start)&endTime=\(pair.start + pair.milliseconds)" }

    /// A pair that is there at once.
    func pair(_ kind: String = "screen", encrypted: Bool = false) throws -> PlaySite.Pair {
        try #require(site.pairs.first { $0.kind == kind && $0.encrypted == encrypted && !$0.late })
    }

    func wait(upTo limit: Duration, until condition: @Sendable () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(100))
        }
        return try await condition()
    }

    /// What standing results are worth, by openssl and ffprobe: each one's length in seconds.
    func lengths() async throws -> [Double] { try results(["format=duration"]) }

    /// Pictures of all results together.
    func pictureCount() async throws -> Int {
        try results(["stream=nb_read_packets", "-count_packets", "-select_streams", "v"]).map { Int($0) }.reduce(0, +)
    }

    private func results(_ entries: [String]) throws -> [Double] {
        let names = try ChildProcess.run(["/usr/bin/python3", "-B", "-c", GIRScene.opening, site.directory, directory])
        return try names.split(separator: "\n").map { name in
            let text = try ChildProcess.run(
                ["/usr/bin/ffprobe", "-v", "error", "-of", "csv=p=0", "-show_entries"] + entries + [String(name)])
            return try #require(Double(text.split(separator: "\n").first ?? ""), "\(text)")
        }
    }

    /// Names the clear file of each result, decrypted by openssl with the site's own key where there is an envelope.
    private static let opening = #"""
        import json, os, sqlite3, subprocess, sys
        site, scratch = sys.argv[1:]
        base = sqlite3.connect(f"file:{site}/site.db?mode=ro", uri=True)
        for (text,) in base.execute("SELECT body FROM screen"):
            medium = json.loads(text)
            if "muxed_mediaIds" not in medium["parameters"]:
                continue
            stored = os.path.join(site, "www/recordings/screen", medium["originalMediaDescriptor"]["path"])
            if "pkcs7" not in medium:
                print(stored)
                continue
            assert medium["certAlias"].startswith("rcs_Tenant")
            clear = os.path.join(scratch, medium["mediaId"])
            subprocess.run(
                ["openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-content", stored, "-inkey",
                 f"{site}/keys/new.key", "-recip", f"{site}/keys/new.pem", "-out", clear],
                input=medium["pkcs7"].replace("PKCS7", "CMS").encode(), check=True)
            print(clear)
        """#

    /// Changes what the site has of a call's one result: `change(medium, name)` in Python, and whether it is one more.
    func change(
        _ pair: PlaySite.Pair, _ change: String, name: String = "", isNew: Bool = false
    ) throws {
        let program = #"""
            import json, os, sqlite3, sys
            site, call, name, is_new, first = sys.argv[1:]
            base = sqlite3.connect(f"{site}/site.db", isolation_level=None)
            number, text, start, stop = base.execute(
                "SELECT number, body, start_ms, stop_ms FROM screen WHERE call_id = ? ORDER BY number DESC", (call,)
            ).fetchone()
            medium = json.loads(text)
            parameters, stored = medium["parameters"], medium["originalMediaDescriptor"]
            place = f"{site}/www/recordings/screen/"
            """# + "\n" + change + "\n" + #"""
                if is_new == "true":
                    base.execute(
                        "INSERT INTO screen (call_id, media_id, start_ms, stop_ms, body, available_at, indexed_at)"
                        " VALUES (?, ?, ?, ?, ?, 0, 0)", (call, medium["mediaId"], start, stop, json.dumps(medium)))
                else:
                    base.execute("UPDATE screen SET body = ? WHERE number = ?", (json.dumps(medium), number))
                """#
        try ChildProcess.run([
            "/usr/bin/python3", "-B", "-c", program, site.directory, pair.call, name, "\(isNew)",
            pair.media[1],
        ])
    }

    /// Everything at the store that is no plain name of a screen or result.
    func stored() throws -> String {
        try ChildProcess.run([
            "/usr/bin/find", site.directory + "/www", "-type", "f", "-not", "-name", "*.mp4", "-not", "-name", "*.mp3*",
        ])
    }

    /// Directories of workers, and what is in them.
    func temporaryLeftovers() throws -> String {
        try ChildProcess.run(["/usr/bin/find", directory + "/temp", "-mindepth", "1"])
    }
}
