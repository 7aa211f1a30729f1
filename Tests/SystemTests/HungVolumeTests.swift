internal import Glibc
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// A volume whose server does not answer when it is asked for its space.
@Suite(.serialized, .enabled(if: FaultMount.isPossible, "only root may mount; FUSE and python3-fusepy are wanted"))
struct HungVolumeTests {
    @Test(.timeLimit(.minutes(2)))
    func `a volume whose statvfs hangs for seconds delays no other by a second`() async throws {
        try await hang(for: .seconds(6), isLong: false)
    }

    @Test(
        .timeLimit(.minutes(5)),
        .enabled(if: getenv("TAKEUP_LONG_TESTS") != nil, "the long proof, with TAKEUP_LONG_TESTS=1"))
    func `a volume whose statvfs hangs for a minute delays no other by a second, and is told of`() async throws {
        try await hang(for: .seconds(60), isLong: true)
    }

    private func hang(for span: Duration, isLong: Bool) async throws {
        let site = try await ScratchSite()
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let volume = site.volumes[1]
        try mounts.run("mkdir \(volume)-behind; cp -a \(volume)/. \(volume)-behind/")
        let faulty = try FaultMount(volume + "-behind", at: volume, in: mounts)
        let agent = try site.start(.calls, in: mounts)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        #expect(try await site.wait(upTo: .seconds(30)) { site.log(.calls).contains("keeper of") })
        let before = try await delays(until: .now + .seconds(4), site, mounts)
        try faulty.fail(.statfs, with: .sleep(Double(span.wholeMilliseconds) / 1000))
        // Whoever is on it by now hangs with it.
        try await Task.sleep(for: .seconds(2))
        let meanwhile = try await delays(until: .now + span - .seconds(3), site, mounts)
        let (usual, worst) = (before.sorted()[before.count / 2], meanwhile.max() ?? .zero)
        print(
            "bar: beside a volume whose statvfs hangs for \(span): \(meanwhile.count) recordings, the slowest"
                + " \(worst.wholeMilliseconds) ms; \(usual.wholeMilliseconds) ms before (median of \(before.count))")
        #expect((worst - usual).isWithin(bar: .seconds(1)))
        #expect(meanwhile.count > 3)
        if isLong { #expect(site.log(.calls).contains("Volume b at \(volume) is not available")) }
        #expect(kill(agent.id, 0) == 0)
        try faulty.heal()
        let after = try await delays(until: .now + .seconds(2), site, mounts)
        #expect(!after.isEmpty)
    }

    /// From row to commit.
    private func delays(
        until end: ContinuousClock.Instant, _ site: ScratchSite, _ mounts: PrivateMounts
    ) async throws -> [Duration] {
        var delays: [Duration] = []
        repeat {
            let one = try await site.record("call-\(UInt64.random(in: 0 ... .max))", [.audio])
            let began = ContinuousClock.now
            let came = try await site.wait(upTo: .seconds(30)) {
                try await site.count(
                    "select count(*) from callrec.couples where sid = '\(one.name)'", in: site.replay) == 1
            }
            delays.append(.now - began)
            #expect(came, "\(site.log(.calls).suffix(3000))")
            try await Task.sleep(for: .milliseconds(150))
        } while ContinuousClock.now < end
        return delays
    }
}
