internal import Glibc
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// An agent that starts on a mount that is full already.
@Suite(.serialized) struct LargeTreeTests {
    private static var files: Int { getenv("TAKEUP_LONG_TESTS") == nil ? 50_000 : 1_000_000 }

    @Test(.timeLimit(.minutes(10)))
    func `an agent is ready at once on a large tree, brings what is recorded now, and does not grow with its files`()
        async throws
    {
        let site = try await ScratchSite(notifies: false, synchro: "sleep_period = \"500ms\"")
        let count = LargeTreeTests.files
        try site.fill(count, directories: 2000)
        let begun = ContinuousClock.now
        let agent = try site.start(.calls)
        defer {
            agent.send(SIGTERM)
            #expect(agent.wait() == 0)
        }
        #expect(try await site.wait(upTo: .seconds(30)) { site.log(.calls).contains("serves mount") })
        let ready = ContinuousClock.now - begun
        let recording = try await site.record("now", [.audio])
        #expect(try await site.wait(upTo: .seconds(30)) { try await site.holds(recording, [.audio]) })
        let brought = ContinuousClock.now - begun
        let isWatched = try await site.wait(upTo: .seconds(120)) {
            try site.run(["status", "--json", "--config", site.settingsPath]).output
                .contains("\"directories_watched\": 20")
        }
        #expect(isWatched, "\(site.log(.calls))")
        let peak = try agent.peakMemory()
        print(
            "\(count) files: ready after \(ready), a recording of now after \(brought), all watched after"
                + " \(ContinuousClock.now - begun), peak memory \(peak >> 20) MiB")
        #expect(ready.isWithin(bar: .seconds(5)))
        #expect(brought.isWithin(bar: .seconds(10)))
        // This program is not optimized: the bar is for one that is.
        #expect(peak < 80 << 20)
    }
}

extension ScratchSite {
    /// Files of long ago, in directories that no recorder writes to any more.
    fileprivate func fill(_ count: Int, directories: Int) throws {
        for number in 0..<directories {
            let directory = callsMount + "/old/\(number / 100)/\(number)"
            try ChildProcess.run(["/bin/mkdir", "-p", directory])
            for file in 0..<(count / directories) {
                let descriptor = open("\(directory)/rec-\(number)-\(file).mp3", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
                guard descriptor >= 0 else { throw NoFile(code: errno) }
                close(descriptor)
            }
        }
    }
}

private struct NoFile: Error {
    let code: CInt
}

extension ChildProcess {
    /// In bytes, since it was started.
    fileprivate func peakMemory() throws -> Int {
        // `VmHWM:     31452 kB`
        let line = try ChildProcess.run(["/bin/grep", "VmHWM", "/proc/\(id)/status"])
        return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }
}
