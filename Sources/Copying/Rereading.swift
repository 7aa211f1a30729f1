internal import CLinux
internal import Files
internal import Glibc
internal import Synchronization
package import Vocabulary

/// How fast files of one volume may be read again: so many bytes a second, whatever their sizes.
package final class ReadPace: Sendable {
    private let bytesPerSecond: Double
    /// When all that was taken would have been read at the pace.
    private let due = Mutex(ContinuousClock.now)
    /// What may be read at once after a rest.
    private static let slack = Duration.milliseconds(250)

    package init(bytesPerSecond: Int64) { self.bytesPerSecond = Double(max(1, bytesPerSecond)) }

    /// Waits until `bytes` that were read are no more than the pace allows. On a thread that may block.
    func take(_ bytes: Int, _ pulse: Pulse) throws(CopyError) {
        let until = due.withLock { due in
            due = max(due, ContinuousClock.now - ReadPace.slack) + .seconds(Double(bytes) / bytesPerSecond)
            return due
        }
        while ContinuousClock.now < until {
            try beat(pulse, .verify)
            usleep(UInt32(clamping: min((until - ContinuousClock.now).wholeMicroseconds, 50_000)))
        }
    }
}

/// What stands under a copy's name.
package enum Reread: Hashable, Sendable {
    /// There is no regular file of that name on the proven volume.
    case absent
    case size(Int64)
    /// Read whole. `isFromDisk`: after its pages were proven to be gone from the cache, or past it.
    case bytes(Digest, isFromDisk: Bool)
}

extension Copier {
    /// Reads a published file again, from the disk where that can be proven, and leaves nothing of it in the cache.
    ///
    /// - Parameters:
    ///   - size: a file of another size is not read.
    ///   - isIdle: only when nobody else needs the disk. For threads that do nothing else: it stays so for them.
    package func reread(
        _ path: FilePath, size: Int64, pace: ReadPace, isIdle: Bool = true
    ) async throws(CopyError) -> Reread {
        let workspaces = workspaces
        return try await swept { session, pulse throws(CopyError) in
            // Where the kernel or a sandbox says no, it is read like anything.
            if isIdle { _ = takeup_idle_io() }
            guard let directory = try session.directory(path.parent),
                let (file, observation) = try session.regularFile(FilePath(bytes: path.lastComponent), in: directory)
            else { return .absent }
            guard observation.size == size else { return .size(observation.size) }
            let verification = Verification(
                session: session, workspaces: workspaces, rereadsSource: false, pace: pace)
            let (found, level) = try workspaces.with { (workspace) throws(CopyError) in
                try verification.digest(file, length: size, workspace, pulse)
            }
            try? session.calls.dropCache(file.descriptor)
            guard let digest = found.digest, found.byteCount == size else { return .size(found.byteCount) }
            return .bytes(digest, isFromDisk: level == .readBack)
        }
    }
}
