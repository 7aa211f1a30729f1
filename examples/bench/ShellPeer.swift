internal import Glibc
internal import Support

/// What the peer reached.
struct PeerCost: Sendable {
    var delays: Distribution
    /// CPU seconds for 1,000 recordings.
    var cpu: Double
}

/// A shell script as people write them: watch, copy, compare digests, rename. It knows no rows, no durability, no
/// volumes, and files of the time before its start never.
enum ShellPeer {
    static let description = "inotifywait, cp, sha256sum of both sides, mv; no database"

    private static let script = """
        inotifywait -q -m -r -e close_write --format '%w%f' "$1" | while IFS= read -r file; do
            copy=$2/${file#"$1"/}
            mkdir -p "${copy%/*}" && cp "$file" "$copy.part" &&
                [ "$(sha256sum <"$file")" = "$(sha256sum <"$copy.part")" ] && mv "$copy.part" "$copy"
        done
        """

    /// In a session of its own, so that all of it can be ended.
    static func start(from: String, to: String, log: String) throws -> ChildProcess {
        try ChildProcess(["/usr/bin/setsid", "/bin/bash", "-c", script, "peer", from, to], outputPath: log)
    }

    /// Nil where inotifywait is not installed.
    static func measure(_ plan: DelayPlan) async throws -> PeerCost? {
        guard access("/usr/bin/inotifywait", X_OK) == 0 else { return nil }
        let site = try await ScratchSite(.new)
        let (from, to) = (site.recorder.mountPrefix, site.directory + "/peer")
        // New folders are what such scripts lose files in; that is not measured here.
        for folder in ["calls", "screens", "screens/recd"] {
            try ChildProcess.run([
                "/bin/sh", "-c", "mkdir -p \"$1/opt/callrec/data/$2/$(date +%Y%m%d)\"", "-", from, folder,
            ])
        }
        let process = try start(from: from, to: to, log: site.directory + "/peer.log")
        defer {
            kill(-process.id, SIGKILL)
            process.wait()
        }
        try await Task.sleep(for: .seconds(2))
        let truths = try await plan.record(site, hasLongSounds: true)
        let fileCount = truths.reduce(0) { $0 + $1.media.count }
        var found: [String: Double] = [:]
        _ = try await site.wait(upTo: .seconds(60)) {
            try ChildProcess.run(["/usr/bin/find", to, "-type", "f", "-not", "-name", "*.part"])
                .split(separator: "\n").count == fileCount
        }
        let listing = try ChildProcess.run(["/usr/bin/find", to, "-type", "f", "-printf", "%C@ /%P\\n"])
        for line in listing.split(separator: "\n") {
            guard let blank = line.firstIndex(of: " ") else { continue }
            found[String(line[line.index(after: blank)...])] = Double(line[..<blank])
        }
        let delays = truths.compactMap { truth -> Double? in
            let times = truth.media.compactMap { found[$0.path] }
            guard let complete = truth.complete, let last = times.max(), times.count == truth.media.count else {
                return nil
            }
            return truth.media.contains { $0.kind == "RECD" } ? nil : last - Double(complete) / 1_000_000
        }
        return PeerCost(
            delays: Distribution(delays), cpu: ProcessCost.of(process.id).cpu / Double(truths.count) * 1000)
    }
}
