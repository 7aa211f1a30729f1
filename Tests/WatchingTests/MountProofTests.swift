import Files
import Glibc
import Planning
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Watching

private let ext4 = FileSystemIdentity(type: "ext4", source: "/dev/sdb1", root: "/", id: 7)
private let otherExt4 = FileSystemIdentity(type: "ext4", source: "/dev/sdb1", root: "/", id: 8)
private let renamedExt4 = FileSystemIdentity(type: "ext4", source: "/dev/sdc1", root: "/", id: 7)
private let nfs = FileSystemIdentity(type: "nfs4", source: "rec:/data", root: "/", id: 0)
private let otherNFS = FileSystemIdentity(type: "nfs4", source: "rec:/other", root: "/", id: 0)
private let automounter = FileSystemIdentity(type: "autofs", source: "auto", root: "/", id: 0)
private let place = MountRoot(mountID: 30, deviceMajor: 8, deviceMinor: 17, inode: 2)

private func seen(_ fileSystem: FileSystemIdentity, isMountPoint: Bool = true, marker: [UInt8]? = nil)
    -> MountObservation
{
    .seen(
        MountSeen(
            isMountPoint: isMountPoint, identity: MountIdentity(fileSystem: fileSystem, root: place), marker: marker))
}

private func proven(_ fileSystem: FileSystemIdentity) -> MountState {
    .proven(MountIdentity(fileSystem: fileSystem, root: place))
}

private struct Verdict: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let observation: MountObservation
    var mustBeMountPoint = true
    var marker: String?
    var remembered: RememberedMount?
    let state: MountState
}

private let verdicts: [Verdict] = [
    Verdict(testDescription: "a mount", observation: seen(ext4), state: proven(ext4)),
    Verdict(
        testDescription: "a directory that nothing is mounted on", observation: seen(ext4, isMountPoint: false),
        state: .absent(.notMountPoint)),
    Verdict(
        testDescription: "a plain directory that is meant", observation: seen(ext4, isMountPoint: false),
        mustBeMountPoint: false, state: proven(ext4)),
    Verdict(
        testDescription: "an automounter that has not mounted", observation: seen(automounter),
        state: .absent(.notMountPoint)),
    Verdict(testDescription: "no directory", observation: .failed(ENOENT), state: .absent(.noDirectory)),
    Verdict(testDescription: "a stale handle", observation: .failed(ESTALE), state: .absent(.disconnected(ESTALE))),
    Verdict(
        testDescription: "a dead FUSE process", observation: .failed(ENOTCONN), state: .absent(.disconnected(ENOTCONN))),
    Verdict(testDescription: "a soft mount's error", observation: .failed(EIO), state: .absent(.disconnected(EIO))),
    Verdict(testDescription: "a file", observation: .failed(ENOTDIR), state: .wrong(.notDirectory)),
    Verdict(testDescription: "no descriptor left here", observation: .failed(EMFILE), state: .unknown(EMFILE)),
    Verdict(testDescription: "none left on this host", observation: .failed(ENFILE), state: .unknown(ENFILE)),
    Verdict(testDescription: "no memory left", observation: .failed(ENOMEM), state: .unknown(ENOMEM)),
    Verdict(testDescription: "no right", observation: .failed(EACCES), state: .wrong(.unreadable(EACCES))),
    Verdict(
        testDescription: "the same file system again", observation: seen(ext4),
        remembered: RememberedMount(fileSystem: ext4), state: proven(ext4)),
    Verdict(
        testDescription: "the same file system on another device", observation: seen(renamedExt4),
        remembered: RememberedMount(fileSystem: ext4), state: proven(renamedExt4)),
    Verdict(
        testDescription: "another file system on the same device", observation: seen(otherExt4),
        remembered: RememberedMount(fileSystem: ext4),
        state: .wrong(.otherFileSystem(was: ext4, is: otherExt4))),
    Verdict(
        testDescription: "another export", observation: seen(otherNFS), remembered: RememberedMount(fileSystem: nfs),
        state: .wrong(.otherFileSystem(was: nfs, is: otherNFS))),
    Verdict(
        testDescription: "the same export again", observation: seen(nfs), remembered: RememberedMount(fileSystem: nfs),
        state: proven(nfs)),
    Verdict(
        testDescription: "no marker", observation: seen(ext4), marker: "mark",
        state: .wrong(.noMarker(name: "mark"))),
    Verdict(
        testDescription: "a marker that vouches for another file system", observation: seen(otherExt4, marker: [1]),
        marker: "mark", remembered: RememberedMount(fileSystem: ext4, marker: [1]), state: proven(otherExt4)),
    Verdict(
        testDescription: "a marker of another mount", observation: seen(ext4, marker: [2]), marker: "mark",
        remembered: RememberedMount(fileSystem: ext4, marker: [1]), state: .wrong(.otherMarker(name: "mark"))),
]

/// A kernel that answers, or hangs.
private final class StandIn: Sendable {
    private struct State {
        var answer = ext4
        var isBlocked = false
        var hasRunOut = false
        var asked = 0
    }
    private let state = Mutex(State())

    var asked: Int { state.withLock { $0.asked } }
    func runOut(_ hasRunOut: Bool = true) { state.withLock { $0.hasRunOut = hasRunOut } }
    func block() { state.withLock { $0.isBlocked = true } }
    func answer(_ fileSystem: FileSystemIdentity) {
        state.withLock { ($0.answer, $0.isBlocked) = (fileSystem, false) }
    }

    func proof(timeout: Duration = .seconds(5)) -> MountProof {
        MountProof(
            MountExpectation(path: FilePath("/mnt/rec")), threads: FileThreads(name: "test-proof", count: 1),
            timeout: timeout
        ) {
            self.state.withLock { $0.asked += 1 }
            while self.state.withLock({ $0.isBlocked }) { usleep(1000) }
            return self.state.withLock { $0.hasRunOut ? .failed(EMFILE) : seen($0.answer) }
        }
    }
}

@Suite struct MountProofTests {
    @Test(arguments: verdicts) private func `a mount is judged by what the calls say`(_ one: Verdict) {
        let expectation = MountExpectation(
            path: FilePath("/mnt/rec"), mustBeMountPoint: one.mustBeMountPoint, marker: one.marker)
        #expect(judge(one.observation, of: expectation, remembered: one.remembered) == one.state)
    }

    @Test func `a plain directory is proven only where it is meant`() async throws {
        let scratch = try Scratch()
        let strict = look(scratch.path)
        #expect(await strict.look() == .absent(.notMountPoint))
        let relaxed = look(scratch.path, mustBeMountPoint: false)
        #expect(try #require(await relaxed.look().identity).fileSystem.type != "")
    }

    @Test func `a mount point of this machine is proven, with the type that the kernel names`() async throws {
        let identity = try #require(await look("/proc").look().identity)
        #expect(identity.fileSystem.type == "proc")
        #expect(await look("/nowhere/at/all").look() == .absent(.noDirectory))
        #expect(await look("/proc/version").look() == .wrong(.notDirectory))
    }

    @Test func `a marker must be there and stay what it was`() async throws {
        let scratch = try Scratch()
        let proof = look(scratch.path, mustBeMountPoint: false, marker: "takeup.mount")
        #expect(await proof.look() == .wrong(.noMarker(name: "takeup.mount")))
        try scratch.write("takeup.mount", "calls")
        #expect(await proof.look().identity != nil)
        try scratch.write("takeup.mount", "screens")
        #expect(await proof.look() == .wrong(.otherMarker(name: "takeup.mount")))
        try scratch.write("takeup.mount", "calls")
        #expect(await proof.look().identity != nil)
    }

    @Test func `those who ask together share one look, which begins after they asked`() async throws {
        let kernel = StandIn()
        let proof = kernel.proof(timeout: .seconds(20))
        kernel.block()
        let first = Task { await proof.look() }
        #expect(await waitUntil { kernel.asked == 1 })
        let others = (0..<10).map { _ in Task { await proof.look() } }
        try await Task.sleep(for: .milliseconds(50))
        kernel.answer(ext4)
        _ = await first.value
        for other in others { _ = await other.value }
        #expect(kernel.asked <= 3, "one that had begun, and one or two for the ten")
    }

    @Test func `a young answer is given again until something casts doubt on it`() async throws {
        let kernel = StandIn()
        let proof = kernel.proof()
        #expect(await proof.look() == proven(ext4))
        kernel.answer(automounter)
        #expect(await proof.verdict(within: .seconds(60)).state == proven(ext4))
        let changes = proof.changes
        proof.doubt()
        #expect(proof.changes == changes + 1)
        #expect(await proof.verdict(within: .seconds(60)).state == .absent(.notMountPoint))
        #expect(kernel.asked == 2)
    }

    @Test func `a look that had no descriptor says nothing, changes nothing and is made again`() async throws {
        let kernel = StandIn()
        let proof = kernel.proof()
        kernel.runOut()
        #expect(await proof.look() == .unknown(EMFILE))
        #expect(proof.changes == 0)
        kernel.runOut(false)
        #expect(await proof.look() == proven(ext4))
        let (changes, asked) = (proof.changes, kernel.asked)
        kernel.runOut()
        #expect(await proof.look() == .unknown(EMFILE))
        // What was proven before is not given for now.
        #expect(await proof.verdict(within: .seconds(60)).state == .unknown(EMFILE))
        kernel.runOut(false)
        #expect(await proof.verdict(within: .seconds(60)).state == proven(ext4))
        #expect(proof.changes == changes, "it stayed what it was")
        #expect(kernel.asked == asked + 3)
    }

    @Test func `a mount that hangs is asked no more while it does, and proves itself when it is back`() async throws {
        let kernel = StandIn()
        let proof = kernel.proof(timeout: .milliseconds(100))
        #expect(await proof.look() == proven(ext4))
        kernel.block()
        #expect(await proof.look() == .unresponsive)
        let asked = kernel.asked
        for _ in 0..<20 { #expect(await proof.look() == .unresponsive) }
        #expect(kernel.asked == asked)
        kernel.answer(ext4)
        #expect(await waitUntil { await proof.look() == proven(ext4) })
    }

    @Test(.enabled(if: PrivateMounts.isPossible))
    func `an unmount, and another file system in its place, are seen`() async throws {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let scratch = try Scratch()
        try mounts.run("mount -t tmpfs one \(scratch.path)")
        let proof = look(mounts.seen(scratch.path))
        #expect(await proof.look().identity != nil)
        try mounts.run("umount \(scratch.path)")
        #expect(await proof.look() == .absent(.notMountPoint))
        try mounts.run("mount -t ramfs two \(scratch.path)")
        let state = await proof.look()
        guard case .wrong(.otherFileSystem) = state else {
            Issue.record("another file system was taken for the mount: \(state)")
            return
        }
    }

    private func look(_ path: String, mustBeMountPoint: Bool = true, marker: String? = nil) -> MountProof {
        MountProof(
            MountExpectation(path: FilePath(path), mustBeMountPoint: mustBeMountPoint, marker: marker),
            threads: FileThreads(name: "test-proof", count: 1))
    }
}

extension MountState {
    fileprivate var identity: MountIdentity? {
        if case .proven(let identity) = self { return identity }
        return nil
    }
}
