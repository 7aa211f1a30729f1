import Glibc
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Evidence

/// A disk that changes what it holds, while the kernel's memory of it stays as it was.
@Suite(.serialized, .enabled(if: LoopDisk.isPossible, "only root may mount"))
struct ScrubMediumTests {
    @Test(.timeLimit(.minutes(2)))
    func `a scrub reads the medium: what changed beneath the page cache is found, told of, and copied again`()
        async throws
    {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let place = "/tmp/takeup-medium-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let disk = try LoopDisk(at: place, in: mounts)
        defer { rmdir(place) }
        let root = mounts.seen(place) + "/volume"
        try mounts.run("mkdir \(place)/volume")
        let site = try await EvidenceSite([100, 100], volume: root)
        let path = try await site.path(of: 0)
        #expect(path.hasPrefix(root))
        #expect(try readSample(path) == site.contents[0], "it is in memory now")
        try disk.rot(Array(site.contents[0][8 * 4096..<9 * 4096]))
        #expect(try readSample(path) == site.contents[0], "who reads what is in memory sees nothing")

        try await site.age(days: 2)
        let narrator = MemoryNarrator()
        let sum = try await site.scrub(narrator)
        #expect(sum.copies == 2 && sum.bad == 1, "\(sum)")
        let told = narrator.entries(of: .scrubMismatch)
        #expect(told.count == 1)
        #expect(Event.scrubMismatch.declaration.priority == .critical)
        #expect(try await site.problems() == ["copy-changed"])

        let agent = try site.solution.start(site.source)
        defer { site.stop(agent) }
        let isBack = try await site.solution.replay.wait(upTo: .seconds(60)) { _ in try await site.problems().isEmpty }
        #expect(isBack, "\(site.solution.log("one").suffix(3000))")
        let better = try await site.path(of: 0)
        #expect(better != path)
        #expect(try readSample(better) == site.contents[0])
        #expect(try await site.recorder.marks(upTo: .seconds(30)) == ["call-0": "S", "call-1": "S"])
        try await site.age(days: 2)
        #expect(try await site.scrub().bad == 0)
    }
}
