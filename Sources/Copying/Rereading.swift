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
    case bytes(Digest, from: Origin)

    /// Where what was read came from.
    package enum Origin: Hashable, Sendable {
        /// Its pages were proven to be gone from the cache, or it was read past it.
        case disk
        /// Somebody keeps pages of it in the cache, and it cannot be read past that.
        case cache
        /// The file system does not show what it has cached.
        case unknown
    }
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
            guard let directory = try session.directory(path.parent) else { return .absent }
            let name = FilePath(bytes: path.lastComponent)
            let opened: (HeldFile, FileObservation)?
            do throws(CopyError) {
                opened = try session.regularFile(name, in: directory)
            } catch {
                // A directory, a pipe, or a link that leads out of the volume is not the file.
                let isOther = error.cause.map { $0.code == .escapes || $0.code == .unsupported && $0.number == nil }
                guard isOther == true else { throw error }
                opened = nil
            }
            guard let (file, observation) = opened else { return .absent }
            guard observation.size == size else { return .size(observation.size) }
            let verification = Verification(
                session: session, workspaces: workspaces, rereadsSource: false, pace: pace)
            let (found, level) = try workspaces.with { (workspace) throws(CopyError) in
                try verification.digest(file, length: size, workspace, pulse)
            }
            try? session.calls.dropCache(file.descriptor)
            guard let digest = found.digest, found.byteCount == size else { return .size(found.byteCount) }
            let other: Reread.Origin = session.facts.kind.showsItsCache ? .cache : .unknown
            return .bytes(digest, from: level == .stream ? other : .disk)
        }
    }

    /// Whether the volume gives what it has: its root and its marker, this one from the disk. What a disk that died still
    /// has in the cache proves nothing.
    package func provesItself() async -> Bool {
        let outcome: Void? = try? await swept { session, _ throws(CopyError) in
            if let (marker, observation) = try session.regularFile(VolumeMarker.name, in: session.root) {
                if session.facts.kind.showsItsCache {
                    _ = try session.dropsCache(of: marker, 0..<observation.size)
                }
                guard
                    try onVolume(
                        .prepare,
                        { () throws(FileError) in
                            try VolumeMarker.read(in: session.root.descriptor, with: session.calls)
                        }) == .volume(session.volume.id)
                else { throw CopyError(.volumeAbsent, at: .prepare) }
            }
        }
        return outcome != nil
    }
}
