internal import Glibc
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// The kernel's own limits, as they are for a user who has used up his share.
@Suite(.serialized, .enabled(if: InotifyLimit.isPossible, "needs user namespaces")) struct WatchLimitTests {
    @Test(.timeLimit(.minutes(4)))
    func `with 64 watches for 500 directories all recordings come, and degraded is shown until there are more`()
        async throws
    {
        let site = try await ScratchSite(synchro: "sleep_period = \"500ms\"")
        let scene = WatchScene(site)
        try scene.makeDirectories(500)
        let agent = try site.start(.calls, behind: InotifyLimit.command(watches: 64))
        defer {
            agent.send(SIGTERM)
            #expect(agent.wait() == 0)
        }
        #expect(
            try await site.wait(upTo: .seconds(60)) { try scene.status().contains("degraded") }, "\(site.log(.calls))")
        let page = try scene.status()
        #expect(page.contains("directories are polled, as the kernel's limit on watches is reached"), "\(page)")
        #expect(site.log(.calls).contains("is not watched by events as it should be"))
        // The rows come first, so that each file is waited for.
        try await scene.addRows(500)
        #expect(try await site.wait(upTo: .seconds(60)) { try await scene.waitingCount() == 500 })
        try scene.putFiles(500)
        #expect(
            try await site.wait(upTo: .seconds(60)) { try await site.markedCount() == 500 },
            "\(site.log(.calls).suffix(2000))")
        #expect(try await scene.doubleCount() == 0)

        try InotifyLimit.raise(of: agent)
        #expect(
            try await site.wait(upTo: .seconds(60)) { try !scene.status().contains("degraded") }, "\(site.log(.calls))")
        #expect(site.log(.calls).contains("is watched by events again"))
    }

    @Test(.timeLimit(.minutes(2))) func `without an inotify instance a mount is polled, and that is shown`()
        async throws
    {
        let site = try await ScratchSite(notifies: false, synchro: "sleep_period = \"500ms\"")
        let scene = WatchScene(site)
        let agent = try site.start(.calls, behind: InotifyLimit.command(instances: 0))
        defer {
            agent.send(SIGTERM)
            #expect(agent.wait() == 0)
        }
        #expect(
            try await site.wait(upTo: .seconds(60)) { try scene.status().contains("polling") }, "\(site.log(.calls))")
        let document = try site.run(["status", "--json", "--config", site.settingsPath]).output
        #expect(
            document.contains("the kernel gives no inotify instance (fs.inotify.max_user_instances)"), "\(document)")
        #expect(site.log(.calls).contains("in mode polling: the kernel gives no inotify instance"))
        try await scene.addRows(3)
        #expect(try await site.wait(upTo: .seconds(60)) { try await scene.waitingCount() == 3 })
        try scene.putFiles(3)
        #expect(try await site.wait(upTo: .seconds(30)) { try await site.markedCount() == 3 }, "\(site.log(.calls))")
    }
}

/// A real queue of the kernel that overflows under a process that stands still.
@Suite(.serialized) struct EventLossTests {
    private static var isLong: Bool { getenv("TAKEUP_LONG_TESTS") != nil }

    @Test(.timeLimit(.minutes(20)))
    func `of recordings whose events were lost each is committed once, after at most three scans`() async throws {
        let files = EventLossTests.isLong ? 100_000 : 20_000
        let rows = EventLossTests.isLong ? 100_000 : 500
        let site = try await ScratchSite(synchro: "sleep_period = \"500ms\"\ncalls_per_period = 1000")
        let scene = WatchScene(site, directories: 2)
        try scene.makeDirectories(2)
        let agent = try site.start(.calls)
        defer {
            agent.send(SIGTERM)
            #expect(agent.wait() == 0)
        }
        #expect(
            try await site.wait(upTo: .seconds(60)) { try scene.status().contains("events") }, "\(site.log(.calls))")
        try await scene.addRows(rows)
        #expect(try await site.wait(upTo: .seconds(600)) { try await scene.waitingCount() == rows })
        agent.send(SIGSTOP)
        // Those with a row come last, when the kernel's queue is full.
        for number in rows..<max(files, rows) { try scene.putFile(number) }
        for number in 0..<rows { try scene.putFile(number) }
        agent.send(SIGCONT)
        let begun = ContinuousClock.now
        #expect(
            try await site.wait(upTo: .seconds(EventLossTests.isLong ? 900 : 60)) {
                try await site.markedCount() == rows
            },
            "\(site.log(.calls).suffix(2000))")
        print("\(files) files, \(rows) recordings: committed and marked after \(ContinuousClock.now - begun)")
        #expect(try await scene.doubleCount() == 0)
        #expect(
            try await site.wait(upTo: .seconds(60)) { site.log(.calls).contains("is found:") })
        let log = site.log(.calls)
        #expect(log.occurrences(of: "were lost, as too many came at once") == 1)
        #expect(log.occurrences(of: "is found: ") == 1)
        let scans = log.split(separator: "is found: ").last?.prefix { $0.isNumber }.description
        #expect((1...3).contains(scans.flatMap { Int($0) } ?? 0), "\(log.suffix(2000))")
    }
}

/// Recordings whose rows come before their files, spread over directories.
private struct WatchScene: Sendable {
    let site: ScratchSite
    private let directories: Int
    init(_ site: ScratchSite, directories: Int = 500) {
        self.site = site
        self.directories = directories
    }

    private func path(_ number: Int) -> FilePath {
        FilePath("\(site.recorder.layout.callsRoot)/line/\(number % directories)/r\(number).recd")
    }

    private func bytes(_ number: Int) -> [UInt8] { Array("recording \(number)".utf8) }

    func makeDirectories(_ count: Int) throws {
        for number in 0..<count {
            try ChildProcess.run([
                "/bin/mkdir", "-p", site.recorder.mountPrefix + path(number).parent.displayText,
            ])
        }
    }

    func addRows(_ count: Int) async throws {
        let builder = try await CatalogBuilder(site.source)
        let stop = try await site.recorderNow()
        for start in stride(from: 0, to: count, by: 500) {
            try await site.source.transaction { session in
                for number in start..<min(start + 500, count) {
                    let media = MediaSample(.recd, path(number), size: Int64(bytes(number).count))
                    try builder.add(
                        RecordingSample("watched-\(number)", stop: stop, seconds: 4).media(media), on: session)
                }
            }
        }
    }

    func putFiles(_ count: Int) throws {
        for number in 0..<count { try putFile(number) }
    }

    func putFile(_ number: Int) throws { try site.recorder.put(bytes(number), at: path(number)) }

    /// Transfers whose file was looked for in vain.
    func waitingCount() async throws -> Int {
        try await site.count("select count(*) from takeup.transfer where missing_since is not null", in: site.replay)
    }

    /// Recordings that are at the replay more than once, or not at all, of those that are marked.
    func doubleCount() async throws -> Int {
        let marked = try await site.markedCount()
        return try await site.count(
            """
            select \(marked) - count(*) filter (where media = 1) + count(*) filter (where media > 1) as count from (
                select c.sid, count(f.id) as media from callrec.couples c join callrec.cfiles f on f.cplid = c.id
                group by c.sid) as held
            """, in: site.replay)
    }

    func status() throws -> String { try site.run(["status", "--config", site.settingsPath]).output }
}

/// A user namespace with limits of its own on inotify (namespaces(7), /proc/sys/user).
private enum InotifyLimit {
    static var isPossible: Bool {
        (try? ChildProcess.run(command(watches: 64) + ["/bin/true"])) != nil
    }

    static func command(watches: Int? = nil, instances: Int? = nil) -> [String] {
        let limits = [("max_inotify_watches", watches), ("max_inotify_instances", instances)].compactMap {
            name, count in
            count.map { "echo \($0) > /proc/sys/user/\(name)" }
        }
        return ["/usr/bin/unshare", "-Ur", "/bin/sh", "-ec", (limits + ["exec \"$0\" \"$@\""]).joined(separator: "; ")]
    }

    static func raise(of process: ChildProcess) throws {
        try ChildProcess.run([
            "/usr/bin/nsenter", "-U", "--preserve-credentials", "-t", "\(process.id)", "/bin/sh", "-ec",
            "echo 100000 > /proc/sys/user/max_inotify_watches",
        ])
    }
}

extension String {
    fileprivate func occurrences(of text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
