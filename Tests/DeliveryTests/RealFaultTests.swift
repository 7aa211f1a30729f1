import Copying
import Files
import Glibc
import Ledger
import Settings
import Support
import Synchronization
import Telemetry
import Testing
import Vocabulary

@testable import Delivery

/// Each fault that a volume can have, as a real file system gives it: what is told, that the file goes elsewhere where
/// that is possible, and that nothing wrong has a name.
@Suite(
    .serialized,
    .enabled(if: LoopDisk.isPossible && FaultMount.isPossible, "root, loop devices, FUSE and python3-fusepy are wanted")
)
struct RealFaultTests {
    @Test(.timeLimit(.minutes(1)))
    func `space that a disk showed is gone when it is reserved`() async throws {
        try await FaultScene.with { scene in
            let disk = try scene.disk(size: "16M")
            scene.claim = .roomy
            let outcome = try await scene.deliver(size: 20 << 20)
            #expect(outcome.code == .volumeFull)
            try scene.expect(.reserveRefused, reason: "reserve", resource: "bytes")
            withExtendedLifetime(disk) {}
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a disk that cannot reserve is full in the middle of a copy`() async throws {
        try await FaultScene.with { scene in
            let disk = try scene.disk(size: "16M")
            let faulty = try scene.faulty()
            scene.claim = .roomy
            let outcome = try await scene.deliver(size: 20 << 20)
            #expect(outcome.code == .volumeFull)
            try scene.expect(.copyEnospc, reason: "copy", resource: "bytes")
            withExtendedLifetime((disk, faulty)) {}
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a quota of a subvolume is used up`() async throws {
        try #require(access("/usr/sbin/mkfs.btrfs", X_OK) == 0)
        try await FaultScene.with { scene in
            let disk = try scene.disk(
                size: "200M", make: "/usr/sbin/mkfs.btrfs -q",
                then: """
                    btrfs quota enable .; btrfs subvolume create within > /dev/null; btrfs qgroup limit 8M within
                    """, below: "within")
            scene.claim = .roomy
            let outcome = try await scene.deliver(size: 10 << 20)
            #expect(outcome.code == .quota)
            try scene.expect(.copyQuota, reason: "reserve", resource: "quota")
            #expect(scene.narrator.entries.contains { $0.event == .volumeLimited })
            withExtendedLifetime(disk) {}
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `inodes are used up while bytes are left`() async throws {
        try await FaultScene.with { scene in
            let disk = try scene.disk(make: "/usr/sbin/mkfs.ext4 -q -N 32")
            scene.claim = .roomy
            // What a copy asks the file system once it has failed is answered truly.
            scene.meanwhile(.makeDirectory) {
                scene.claim = .none
                try scene.mounts.run("cd \(scene.place); n=0; while touch filler-$n 2>/dev/null; do n=$((n + 1)); done")
            }
            let outcome = try await scene.deliver()
            #expect(outcome.code == .inodes)
            try scene.expect(.copyInodes, resource: "inodes")
            withExtendedLifetime(disk) {}
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a disk turns read-only under a copy`() async throws {
        try await FaultScene.with { scene in
            let disk = try scene.disk()
            scene.meanwhile(.createUnnamed) { try disk.remount(readOnly: true) }
            let outcome = try await scene.deliver()
            #expect(outcome.code == .volumeReadOnly)
            try scene.expect(.copyReadonly, reason: "reserve")
            try await scene.worker.roster.turn()
            #expect(scene.narrator.entries.contains { $0.event == .volumeReadonly })
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [FileCall.write, .syncFile])
    func `a disk is gone under a copy`(call: FileCall) async throws {
        try await FaultScene.with { scene in
            let disk = try scene.disk()
            scene.meanwhile(call) { try disk.shutDown() }
            let outcome = try await scene.deliver()
            #expect([.inputOutput, .durability].contains(outcome.code))
            try scene.expect(.durabilityFailed, reason: call == .write ? "write" : "fsync")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [FileCall.write, .syncFile])
    func `what a disk that is gone failed is on another one at once, and soon it is asked no more`(
        call: FileCall
    ) async throws {
        try await FaultScene.with(others: ["b"]) { scene in
            let disk = try scene.disk()
            scene.meanwhile(call) { try disk.shutDown() }
            #expect(try await scene.deliver().replica != nil)
            try scene.expect(.durabilityFailed, reason: call == .write ? "write" : "fsync")
            #expect(scene.narrator.entries(of: .copyElsewhere).count == 1)
            for _ in 0..<3 { #expect(try await scene.deliver().replica != nil) }
            #expect(scene.narrator.entries(of: .durabilityFailed).count <= 2)
            #expect(try await scene.site.count("callrec.cfiles where cfpath like '%/volumes/b/%'") == 4)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a disk that is not asked twice: each call that can lose bytes fails once`() async throws {
        let faults: [(FaultMount.Operation, String, Event, String)] = [
            (.write, "EIO", .durabilityFailed, "write"), (.fsync, "EIO", .durabilityFailed, "fsync"),
            (.flush, "EIO", .durabilityFailed, "close"), (.flush, "EDQUOT", .copyQuota, "publish"),
            (.write, "EDQUOT", .copyQuota, "copy"), (.fsync, "ENOSPC", .copyEnospc, "sync"),
            (.read, "EIO", .durabilityFailed, "read-back"), (.write, "ESTALE", .copyStale, "copy"),
            (.create, "EACCES", .copyDenied, "reserve"), (.create, "EROFS", .copyReadonly, "reserve"),
        ]
        for (operation, error, event, reason) in faults {
            try await FaultScene.with { scene in
                let faulty = try scene.faulty()
                // Not the marker, which every look at the volume reads.
                try faulty.fail(operation, with: .error(error), named: "calls")
                let outcome = try await scene.deliver()
                #expect(outcome.code != nil, "\(operation) \(error)")
                let resource = event == .copyQuota ? "quota" : event == .copyEnospc ? "bytes" : nil
                try scene.expect(event, reason: reason, resource: resource)
                try faulty.heal()
                try await scene.expectHealed()
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a call that does not return is given up`() async throws {
        try await FaultScene.with(patience: .milliseconds(500)) { scene in
            let faulty = try scene.faulty()
            try faulty.fail(.fsync, with: .sleep(3), named: "calls")
            let outcome = try await scene.deliver()
            #expect(outcome.code == .timeout)
            try scene.expect(.copyHung)
            try faulty.heal()
            try await Task.sleep(for: .seconds(4))
            try await scene.expectHealed()
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (FaultMount.Operation.link, "ENAMETOOLONG", "name-too-long"), (.mkdir, "EINVAL", "name"),
            (.mkdir, "EILSEQ", "name"), (.write, "EFBIG", "size"),
        ])
    func `what a volume cannot hold goes to one that can, and is told of`(
        operation: FaultMount.Operation, error: String, reason: String
    ) async throws {
        for hasOther in [false, true] {
            try await FaultScene.with(others: hasOther ? ["b", "c"] : []) { scene in
                let faulty = try scene.faulty()
                try faulty.fail(operation, with: .error(error), named: "rec_a")
                let outcome = try await scene.deliver()
                try scene.expect(.copyUnsupported, reason: reason)
                if hasOther {
                    #expect(outcome.replica != nil, "\(outcome)")
                } else {
                    #expect(outcome.code == .unsupportedName)
                    #expect(try await scene.site.count("takeup.volume where state = 'suspect'") == 0)
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a disk is unmounted in the middle of a copy, and nothing is written where it was`() async throws {
        try await FaultScene.with { scene in
            let disk = try scene.disk()
            scene.meanwhile(.syncDirectory) { try scene.mounts.run("umount -l \(scene.place)") }
            let outcome = try await scene.deliver()
            #expect(outcome.code == .volumeAbsent)
            try scene.expect(.copyVolumeGone, reason: "unmounted")
            try scene.mounts.run("[ -z \"$(ls -A \(scene.place))\" ]")
            try await scene.worker.roster.turn()
            #expect(scene.narrator.entries.contains { $0.event == .volumeUnavailable })
            withExtendedLifetime(disk) {}
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `another disk is mounted over one in the middle of a copy`() async throws {
        try await FaultScene.with { scene in
            let disk = try scene.disk()
            let other = Mutex<LoopDisk?>(nil)
            scene.meanwhile(.syncDirectory) {
                let disk = try LoopDisk(at: scene.place, in: scene.mounts)
                let root = try KernelFiles().openRoot(scene.root)
                _ = try VolumeMarker.create(in: root.descriptor)
                other.withLock { $0 = disk }
            }
            let outcome = try await scene.deliver()
            #expect(outcome.code == .volumeReplaced)
            try scene.expect(.copyWrongDisk, reason: "identity")
            #expect(try scene.files().isEmpty)
            withExtendedLifetime(disk) {}
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `bytes that change beneath a copy, and an original that is written to`() async throws {
        try await FaultScene.with { scene in
            let disk = try scene.disk()
            scene.corrupt = true
            #expect(try await scene.deliver().code == .digestMismatch)
            try scene.expect(.verifyMismatch, reason: "volume")
            scene.corrupt = false
            scene.meanwhile(.read) {
                try scene.site.scratch.write([1, 2, 3], to: "mount/calls/2.mp3")
            }
            #expect(try await scene.deliver().code == .sourceChanged)
            #expect(try scene.files().isEmpty)
            withExtendedLifetime(disk) {}
        }
    }
}

/// One volume on a file system that a test can do things to, and the delivery of one file to it.
private final class FaultScene: Sendable {
    enum Claim { case none, roomy }

    let site: DeliverySite
    let mounts: PrivateMounts
    let narrator = MemoryNarrator()
    /// As the namespace sees it.
    let place: String
    private let others: [String]
    private let patience: Duration
    private let state = Mutex(State())

    private struct State {
        var claim = Claim.none
        var corrupt = false
        var events: [FileCall: @Sendable () throws -> Void] = [:]
        var below = ""
        var last: Int64 = 0
        var worker: Worker?
        var recordings: [Int64] = []
    }

    static func with(
        others: [String] = [], patience: Duration = .seconds(20), _ body: (FaultScene) async throws -> Void
    ) async throws {
        try await DeliverySite.with { site in
            let remains = try await play(in: site, others, patience, body)
            // A call that hangs keeps what it works with until it is back.
            let end = ContinuousClock.now + .seconds(10)
            while remains.isAny, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(10)) }
            #expect(!remains.isAny, "threads and processes outlive the test")
        }
    }

    private static func play(
        in site: DeliverySite, _ others: [String], _ patience: Duration, _ body: (FaultScene) async throws -> Void
    ) async throws -> Remains {
        let mounts = try PrivateMounts()
        #expect(await mounts.isReady())
        let scene = try FaultScene(site, mounts, others, patience)
        let end = { Remains(mounts: mounts, roster: scene.end()) }
        do {
            try await body(scene)
        } catch {
            _ = end()
            throw error
        }
        return end()
    }

    /// What holds the threads of a scene's volumes, and the process that holds its namespace.
    private struct Remains {
        weak var mounts: PrivateMounts?
        weak var roster: VolumeRoster?
        var isAny: Bool { mounts != nil || roster != nil }
    }

    /// Lets go of the worker, whose file calls ask this scene.
    private func end() -> VolumeRoster? {
        let last = state.withLock { state in
            defer { state = State() }
            return state
        }
        return last.worker?.roster
    }

    private init(_ site: DeliverySite, _ mounts: PrivateMounts, _ others: [String], _ patience: Duration) throws {
        self.site = site
        self.mounts = mounts
        self.others = others
        self.patience = patience
        place = try site.scratch.directory("disk").displayText
    }

    var root: FilePath { FilePath(mounts.seen(place + state.withLock { $0.below })) }

    func disk(
        size: String = "64M", make: String = "/usr/sbin/mkfs.ext4 -q", then script: String = "true",
        below: String = ""
    ) throws -> LoopDisk {
        let disk = try LoopDisk(at: place, in: mounts, size: size, make: make)
        try mounts.run("cd \(place); chmod 777 .; \(script)")
        if !below.isEmpty { state.withLock { $0.below = "/" + below } }
        return disk
    }

    /// What is there by now, seen through a process.
    func faulty() throws -> FaultMount {
        let through = place + "-through"
        try mounts.run("mkdir -p \(through); mount --bind \(place) \(through)")
        return try FaultMount(through, at: place, in: mounts)
    }

    var claim: Claim {
        get { state.withLock { $0.claim } }
        set { state.withLock { $0.claim = newValue } }
    }
    var corrupt: Bool {
        get { state.withLock { $0.corrupt } }
        set { state.withLock { $0.corrupt = newValue } }
    }

    /// Happens once, before the next such call.
    func meanwhile(_ call: FileCall, _ event: @escaping @Sendable () throws -> Void) {
        state.withLock { $0.events[call] = event }
    }

    var worker: Worker {
        get throws { try #require(state.withLock { $0.worker }) }
    }

    /// Brings a recording.
    func deliver(size: Int = 40_000) async throws -> DeliveryOutcome {
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        let recording = try await site.record(id, content: [UInt8](repeating: UInt8(id), count: size))
        let worker = try await begin()
        return try #require(await worker.deliver(try await worker.claim(recording)))
    }

    private func begin() async throws -> Worker {
        if let worker = state.withLock({ $0.worker }) { return worker }
        let volumes = [("a", "priority = 1")] + others.map { ($0, "priority = 2") }
        let settings = try site.volumes(volumes, at: ["a": root])
        let files = FaultyFiles(
            { [self] call, _ in
                if call == .write, corrupt { return .corrupt }
                guard let event = state.withLock({ $0.events.removeValue(forKey: call) }) else { return nil }
                return .meanwhile { #expect(throws: Never.self) { try event() } }
            },
            claim: { [self] facts in
                guard claim == .roomy else { return }
                (facts.totalBytes, facts.availableBytes, facts.freeBytes) = (10 << 30, 10 << 30, 10 << 30)
                (facts.totalInodes, facts.freeInodes, facts.availableInodes) = (0, 0, 0)
            })
        let worker = try await site.worker(
            "one", calls: files, settings: settings, copying: CopySettings(patience: patience), narrator: narrator)
        state.withLock { $0.worker = worker }
        return worker
    }

    /// It was told once, with all that its sentence and its advice need, and no other fault was.
    func expect(
        _ event: Event, reason: String? = nil, resource: String? = nil, at location: SourceLocation = #_sourceLocation
    ) throws {
        let faults = narrator.entries.filter {
            $0.event.declaration.facts.contains(.resource) && $0.event != .volumeLimited
        }
        .filter { ![.watermarkRaised, .watermarkCleared, .floorReached, .floorCleared].contains($0.event) }
        #expect(faults.map(\.event) == [event], sourceLocation: location)
        let entry = try #require(faults.first)
        func fact(_ name: Fact.Name) -> String? { entry.facts.first { $0.name == name }?.value }
        if let reason { #expect(fact(.reason) == reason, sourceLocation: location) }
        #expect(fact(.resource) == resource, sourceLocation: location)
        #expect(fact(.volume) == "a" && fact(.detail) != nil, sourceLocation: location)
        #expect(entry.missingFacts.isEmpty && entry.undeclaredFacts.isEmpty, sourceLocation: location)
        #expect(!entry.message.contains("?"), "\(entry.message)", sourceLocation: location)
    }

    /// Names below the volume but for its marker, hidden ones too.
    func files() throws -> [String] {
        try ChildProcess.run([
            "/usr/bin/find", root.displayText, "-type", "f", "-name", "*", "-not", "-name", ".takeup-volume",
        ])
        .split(separator: "\n").map(String.init)
    }

    /// With the cause gone the next file arrives, and what the fault left is swept.
    func expectHealed() async throws {
        try await site.run(
            "update takeup.volume set rests_until = null, state = 'ok', recent_writes = '', trial_at = null")
        let outcome = try await deliver()
        #expect(outcome.replica != nil, "\(outcome)")
        try await site.expireAll()
        try await worker.sweep()
        let left = try files()
        #expect(left.count == 1, "\(left)")
    }
}
