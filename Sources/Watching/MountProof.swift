internal import CLinux
package import Files
internal import Glibc
internal import Synchronization
package import Vocabulary

/// What must stand at a path for it to be a source's mount.
package struct MountExpectation: Hashable, Sendable {
    /// Absolute.
    package var path: FilePath
    /// Off (`mount_point = false`) where a plain directory is meant.
    package var mustBeMountPoint: Bool
    /// A file that the operator made in the mount's own root; its absence refuses the mount.
    package var marker: String?

    package init(path: FilePath, mustBeMountPoint: Bool = true, marker: String? = nil) {
        self.path = path
        self.mustBeMountPoint = mustBeMountPoint
        self.marker = marker
    }
}

/// One look at a mount.
package struct MountVerdict: Sendable {
    /// Counts the looks of one ``MountProof``.
    package let number: Int
    package let state: MountState
    /// When the look began: it says nothing of what came later.
    package let began: ContinuousClock.Instant
}

/// Proves a mount: that it is mounted, that it answers, and that it is the file system that it was at the start. One for
/// a process and mount: all who ask share what it finds.
///
/// What the first proof finds is remembered for the life of the process. Another file system is refused after that,
/// unless the marker file vouches for it by holding what it held.
package actor MountProof {
    package nonisolated let expectation: MountExpectation
    private let threads: FileThreads
    private let table = FileThreads(name: "mount-line", count: 1)
    private let timeout: Duration
    private let observe: @Sendable () -> MountObservation
    private var remembered: RememberedMount?
    private var last: MountVerdict?
    /// The look that has begun, and the one that comes after it.
    private var running: Task<MountVerdict, Never>?
    private var waiting: Task<MountVerdict, Never>?
    private var count = 0
    /// The mount that calls hang on.
    private var hung: HungMount?
    private nonisolated let shared = Mutex(Shared())

    private struct Shared {
        var isDoubted = false
        var changes = 0
        var listeners: [@Sendable () -> Void] = []
    }

    /// When the kernel was asked last.
    private var asked: ContinuousClock.Instant?

    private struct HungMount {
        /// Of the mount table; nil where that does not name the path.
        let mountID: UInt64?
        var tried: ContinuousClock.Instant
    }

    /// While a call hangs, the next one is made only after this: each that hangs too costs a thread.
    private static let hungPause = Duration.seconds(10)

    /// An automounter is asked to mount only so often: systemd's gives up when it has failed five times in 10 seconds.
    private static let automountPause = Duration.seconds(4)

    /// - Parameters:
    ///   - threads: for proofs alone: what waits for a look at a file must not delay a proof.
    ///   - timeout: how long the mount may take to answer before it is ``MountState/unresponsive``.
    package init(_ expectation: MountExpectation, threads: FileThreads, timeout: Duration = .seconds(5)) {
        self.init(expectation, threads: threads, timeout: timeout) { observeMount(expectation) }
    }

    /// - Parameter observe: asks the kernel; may hang.
    init(
        _ expectation: MountExpectation, threads: FileThreads, timeout: Duration,
        observe: @escaping @Sendable () -> MountObservation
    ) {
        self.expectation = expectation
        self.threads = threads
        self.timeout = timeout
        self.observe = observe
    }

    /// Looks now: what is found is not older than the call. Whatever goes wrong is a state.
    package func look() async -> MountState { await verdict().state }

    /// The same, with when it was.
    package func verdict() async -> MountVerdict {
        // A look that has begun may have seen what is no more: those who ask meanwhile share the next one.
        if let waiting { return await waiting.value }
        let earlier = running
        let task = Task {
            _ = await earlier?.value
            return await self.perform()
        }
        waiting = task
        return await task.value
    }

    /// What the last look found, where it is younger than `age` and nothing has cast doubt on it; a look otherwise.
    package func verdict(within age: Duration) async -> MountVerdict {
        let isDoubted = shared.withLock { $0.isDoubted }
        if let last, !isDoubted, ContinuousClock.now - last.began < age { return last }
        return await verdict()
    }

    /// Something says that the mount may have gone, changed or come: what was found counts no more, and listeners hear
    /// of it.
    package nonisolated func doubt() {
        shared.withLock { $0.isDoubted = true }
        tell()
    }

    /// How often the state changed or was doubted so far.
    package nonisolated var changes: Int { shared.withLock { $0.changes } }

    /// Calls `listener` at each change and each doubt, on any thread.
    package nonisolated func onChange(_ listener: @escaping @Sendable () -> Void) {
        shared.withLock { $0.listeners.append(listener) }
    }

    private nonisolated func tell() {
        let listeners = shared.withLock { shared in
            shared.changes += 1
            return shared.listeners
        }
        for listener in listeners { listener() }
    }

    private func perform() async -> MountVerdict {
        (running, waiting) = (waiting, nil)
        defer { running = nil }
        count += 1
        let number = count
        let began = ContinuousClock.now
        shared.withLock { $0.isDoubted = false }
        let state = await observed(at: began)
        let verdict = MountVerdict(number: number, state: state, began: began)
        guard state.isKnown else {
            // The next who asks looks again, and what was told last stands.
            shared.withLock { $0.isDoubted = true }
            return verdict
        }
        let before = last?.state
        last = verdict
        if before != state { tell() }
        return verdict
    }

    private func observed(at now: ContinuousClock.Instant) async -> MountState {
        if let hung, threads.abandonedCount > 0 {
            if await tableLine()?.id != hung.mountID {
                // Another mount is in the place of the one that they hang on: they stand for nothing any more.
                threads.renounce()
                self.hung = nil
            } else if now - hung.tried < MountProof.hungPause {
                return .unresponsive
            }
        }
        if let last, !last.state.isProven, let asked, now - asked < MountProof.automountPause,
            await tableLine()?.type == "autofs"
        {
            return last.state
        }
        asked = now
        let observe = observe
        let answer = try? await threads.run(timeout: timeout) { _ in observe() }
        guard let observation = answer else {
            let place = await tableLine()
            hung = HungMount(mountID: place?.id, tried: now)
            return .unresponsive
        }
        hung = nil
        let verdict = judge(observation, of: expectation, remembered: remembered)
        if case .proven(let identity) = verdict {
            remembered = RememberedMount(fileSystem: identity.fileSystem, marker: observation.seen?.marker)
        }
        return verdict
    }

    /// The mount at the path by the kernel's table, which never hangs as the mount itself does.
    private func tableLine() async -> MountTableLine? {
        let path = expectation.path
        return try? await table.run(timeout: .seconds(5)) { _ in
            wholeFile("/proc/self/mountinfo").flatMap { mountTableLine(in: $0, at: path) }
        }
    }
}

/// The mount as the first proof found it.
struct RememberedMount: Hashable, Sendable {
    var fileSystem: FileSystemIdentity
    /// What the marker file held, up to 4 KiB.
    var marker: [UInt8]?
}

/// What calls said about a mount's path.
enum MountObservation: Hashable, Sendable {
    case failed(Int32)
    case seen(MountSeen)

    var seen: MountSeen? {
        if case .seen(let seen) = self { return seen }
        return nil
    }
}

struct MountSeen: Hashable, Sendable {
    var isMountPoint: Bool
    var identity: MountIdentity
    /// Nil where none is asked for, or there is none.
    var marker: [UInt8]?
}

/// The pure half of a proof.
func judge(
    _ observation: MountObservation, of expectation: MountExpectation, remembered: RememberedMount?
) -> MountState {
    switch observation {
    case .failed(let code): return failure(code)
    case .seen(let seen):
        let isAutomounter = seen.identity.fileSystem.type == "autofs"
        if isAutomounter || expectation.mustBeMountPoint && !seen.isMountPoint { return .absent(.notMountPoint) }
        if let name = expectation.marker {
            guard let marker = seen.marker else { return .wrong(.noMarker(name: name)) }
            // A marker that holds what it held vouches for a file system that moved.
            if let before = remembered?.marker, before != marker { return .wrong(.otherMarker(name: name)) }
        } else if let before = remembered?.fileSystem, !seen.identity.fileSystem.isSame(as: before) {
            return .wrong(.otherFileSystem(was: before, is: seen.identity.fileSystem))
        }
        return .proven(seen.identity)
    }
}

private func failure(_ code: Int32) -> MountState {
    switch code {
    case ENOENT: .absent(.noDirectory)
    case ENOTDIR: .wrong(.notDirectory)
    // A soft NFS mount whose server is away says EIO or ETIMEDOUT; a FUSE mount whose process died says ENOTCONN.
    // An automounter whose mount fails says ENODEV or EHOSTDOWN.
    case ESTALE, ENOTCONN, EIO, ENODEV, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ECONNABORTED, ESHUTDOWN:
        .absent(.disconnected(code))
    case EMFILE, ENFILE, ENOMEM: .unknown(code)
    default: .wrong(.unreadable(code))
    }
}

/// The half of a proof that asks the kernel. May hang as long as the mount does.
func observeMount(_ expectation: MountExpectation) -> MountObservation {
    do {
        let calls = KernelFiles()
        // Opens for reading, not with O_PATH, which would not wake an automounter (open(2)).
        let root = try calls.openRoot(expectation.path)
        let descriptor = root.descriptor
        let facts = try uninterrupted { () throws(FileError) in try calls.fileSystem(descriptor) }
        var kernel = statx()
        guard askKernel(descriptor, &kernel) == 0 else { return .failed(errno) }
        guard let table = wholeFile("/proc/self/mountinfo") else { return .failed(errno) }
        let line = mountTableLine(in: table, mountID: tableID(kernel), path: expectation.path)
        let fileSystem = FileSystemIdentity(
            type: line?.type ?? facts.kind.description, source: line?.source ?? "", root: line?.root ?? "/",
            id: facts.identity)
        var found: [UInt8]?
        if let name = expectation.marker {
            switch marker(named: name, in: descriptor) {
            case .success(let bytes): found = bytes
            case .failure(let error): return .failed(error.number ?? EIO)
            }
        }
        let tellsMountRoot = kernel.stx_attributes_mask & UInt64(STATX_ATTR_MOUNT_ROOT) != 0
        let isMountRoot = kernel.stx_attributes & UInt64(STATX_ATTR_MOUNT_ROOT) != 0
        return .seen(
            MountSeen(
                isMountPoint: tellsMountRoot
                    ? isMountRoot : line?.point.components == expectation.path.components,
                identity: MountIdentity(fileSystem: fileSystem, root: mountRoot(descriptor, kernel)),
                marker: found))
    } catch {
        return .failed(error.number ?? EIO)
    }
}

/// Success without bytes: there is none that can be read. Fails where nothing could be asked.
private func marker(named name: String, in directory: Int32) -> Result<[UInt8]?, FileError> {
    let descriptor = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
        let error = FileError(.openBeneath, number: errno)
        return error.code == .exhausted ? .failure(error) : .success(nil)
    }
    defer { close(descriptor) }
    return .success(contents(of: descriptor, atMost: 4096))
}

private func wholeFile(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return contents(of: descriptor, atMost: 16 << 20)
}

private func contents(of descriptor: Int32, atMost limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < limit {
        let count = read(descriptor, &buffer, min(buffer.count, limit - bytes.count))
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { return nil }
        if count == 0 { break }
        bytes += buffer[..<count]
    }
    return bytes
}
