internal import Glibc
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Files that another machine writes: no event tells of them here.
@Suite(.serialized, .enabled(if: PrivateMounts.hasRemoteMounts, "only root may mount, and bindfs and FUSE are wanted"))
struct RemoteWriterTests {
    /// The bar: p99 within 1.5 poll periods and 2 s.
    @Test(.timeLimit(.minutes(3)))
    func `what is written behind a mount is committed within 1.5 poll periods and 2 s, row first or file first`()
        async throws
    {
        let site = try await ScratchSite(isMounted: true)
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let place = site.callsMount
        try mounts.run("mkdir -p \(place)")
        let backing = site.recorder.mountPrefix + site.recorder.layout.callsRoot
        let server = try ChildProcess(mounts.entering + ["/usr/bin/bindfs", "-f", backing, place])
        try mounts.run("n=0; until mountpoint -q \(place); do n=$((n + 1)); [ $n -lt 300 ]; sleep 0.01; done")
        let agent = try site.start(.calls, in: mounts)
        defer {
            for process in [agent, server] {
                process.send(SIGKILL)
                process.wait()
            }
        }
        #expect(try await site.wait(upTo: .seconds(30)) { site.log(.calls).contains("keeper of") })
        let delays = try await site.remoteDelays(count: 200, each: .milliseconds(40))
        #expect(delays.count == 200, "\(site.log(.calls).suffix(3000))")
        let (middle, high) = (delays[delays.count / 2], delays[delays.count * 99 / 100])
        print(
            "remote writer over bindfs, \(delays.count) files: p50 \(middle.wholeMilliseconds) ms, "
                + "p99 \(high.wholeMilliseconds) ms, bar 3500 ms")
        #expect(high.isWithin(bar: .milliseconds(3500)))
    }
}

extension ScratchSite {
    /// From the end of a file's writing to its commit, sorted, of calls that are recorded behind the mount one after the
    /// other. Every second file comes later than its row, by up to 5 s.
    func remoteDelays(count: Int, each pause: Duration) async throws -> [Duration] {
        let series = UInt32.random(in: 0 ... .max)
        async let arrivals = arrivals(of: count, named: "remote-\(series)-", upTo: .seconds(90))
        let written = try await withThrowingTaskGroup(of: (String, ContinuousClock.Instant).self) { group in
            for number in 0..<count {
                let late = Duration.milliseconds(number.isMultiple(of: 2) ? 0 : 50 * (number % 100))
                group.addTask {
                    let name = "remote-\(series)-\(number)"
                    try await self.recordRow(name, thenFileAfter: late)
                    return (name, .now)
                }
                try await Task.sleep(for: pause)
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        let came = try await arrivals
        return written.compactMap { name, at in came[name].map { $0 - at } }.sorted()
    }

    /// A row first, and its file on the server's side of the mount after a while.
    private func recordRow(_ name: String, thenFileAfter pause: Duration) async throws {
        let stop = try await recorderNow()
        let bytes = try RecorderModelMedia.shared().sound(seconds: 4, mark: name)
        let path = FilePath("\(recorder.layout.callsRoot)/\(stop.dayFolder)/\(name).mp3")
        try await CatalogBuilder(source).add(
            RecordingSample(name, stop: stop, seconds: 4).media(MediaSample(.audio, path, size: Int64(bytes.count))))
        if pause > .zero { try await Task.sleep(for: pause) }
        try recorder.put(bytes, at: path)
    }

    /// When each recording was first seen at the replay.
    private func arrivals(
        of count: Int, named prefix: String, upTo limit: Duration
    ) async throws -> [String: ContinuousClock.Instant] {
        var came: [String: ContinuousClock.Instant] = [:]
        let end = ContinuousClock.now + limit
        while came.count < count, ContinuousClock.now < end {
            let names = try await replay.perform { session in
                try session.query(
                    """
                    select c.sid from callrec.couples c join callrec.cfiles f on f.cplid = c.id
                    where c.sid like $1 || '%'
                    """, [.text(prefix)]
                ).map { try $0.text("sid") }
            }
            let now = ContinuousClock.now
            for name in names where came[name] == nil { came[name] = now }
            try await Task.sleep(for: .milliseconds(20))
        }
        return came
    }
}
