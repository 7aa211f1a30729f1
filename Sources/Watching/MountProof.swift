internal import CLinux
package import Files
internal import Glibc
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

/// Proves a mount: that it is mounted, that it answers, and that it is the file system that it was at the start.
///
/// What the first proof finds is remembered for the life of the process. Another file system is refused after that,
/// unless the marker file vouches for it by holding what it held.
package actor MountProof {
    package nonisolated let expectation: MountExpectation
    private let threads: FileThreads
    private let timeout: Duration
    private var remembered: RememberedMount?

    /// - Parameters:
    ///   - threads: this mount's own.
    ///   - timeout: how long the mount may take to answer before it is ``MountState/unresponsive``.
    package init(_ expectation: MountExpectation, threads: FileThreads, timeout: Duration = .seconds(5)) {
        self.expectation = expectation
        self.threads = threads
        self.timeout = timeout
    }

    /// Looks now. Whatever goes wrong is a state, and a cancelled task is told `unresponsive`.
    package func look() async -> MountState {
        let expectation = expectation
        let answer = try? await threads.run(timeout: timeout) { _ in observeMount(expectation) }
        guard let observation = answer else { return .unresponsive }
        let verdict = judge(observation, of: expectation, remembered: remembered)
        if case .proven(let identity) = verdict {
            remembered = RememberedMount(fileSystem: identity.fileSystem, marker: observation.seen?.marker)
        }
        return verdict
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
    case ESTALE, ENOTCONN, EIO, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ECONNABORTED, ESHUTDOWN: .absent(.disconnected)
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
        let place = mountRoot(kernel)
        let line = mountTableLine(in: table, mountID: place.mountID, path: expectation.path)
        let fileSystem = FileSystemIdentity(
            type: line?.type ?? facts.kind.description, source: line?.source ?? "", root: line?.root ?? "/",
            id: facts.identity)
        let tellsMountRoot = kernel.stx_attributes_mask & UInt64(STATX_ATTR_MOUNT_ROOT) != 0
        let isMountRoot = kernel.stx_attributes & UInt64(STATX_ATTR_MOUNT_ROOT) != 0
        return .seen(
            MountSeen(
                isMountPoint: tellsMountRoot
                    ? isMountRoot : line?.point.components == expectation.path.components,
                identity: MountIdentity(fileSystem: fileSystem, root: place),
                marker: expectation.marker.flatMap { marker(named: $0, in: descriptor) }))
    } catch {
        return .failed(error.number ?? EIO)
    }
}

private func marker(named name: String, in directory: Int32) -> [UInt8]? {
    let descriptor = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return contents(of: descriptor, atMost: 4096)
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
