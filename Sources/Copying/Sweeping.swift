internal import Files
package import Vocabulary

/// A staged file that an attempt left behind.
package struct StagedLeftover: Hashable, Sendable {
    package let token: FencingToken
    /// Below the volume's root.
    package let path: FilePath
}

package enum Removal: Hashable, Sendable {
    case removed
    /// There was nothing of that name.
    case absent
    /// It holds other bytes than were expected, so it is not what was to be removed.
    case kept
}

/// Cleaning up after attempts that died. Each can be repeated; none is for a file that a replica or a live intent
/// names, which the caller sees to.
extension Copier {
    /// Removes the hidden file that an attempt for `path` may have left.
    package func sweepStaged(_ token: FencingToken, for path: FilePath) async throws(CopyError) -> Removal {
        try await swept { session, _ throws(CopyError) in
            guard let directory = try session.directory(path.parent) else { return .absent }
            return try session.remove(StagedName.of(token), in: directory)
        }
    }

    /// Removes a published file that was never committed, if it holds what the attempt was about to publish
    /// (``ReadyCopy``); durably.
    package func removeUncommitted(
        _ path: FilePath, size: Int64, digest: Digest
    ) async throws(CopyError) -> Removal {
        let workspaces = workspaces
        return try await swept { session, pulse throws(CopyError) in
            guard let directory = try session.directory(path.parent) else { return .absent }
            let name = FilePath(bytes: path.lastComponent)
            guard let (file, observation) = try session.regularFile(name, in: directory) else { return .absent }
            guard observation.size == size else { return .kept }
            let verification = Verification(session: session, workspaces: workspaces, rereadsSource: false)
            let (found, _) = try workspaces.with { (workspace) throws(CopyError) in
                try verification.digest(file, length: size, workspace, pulse)
            }
            guard found.digest == digest else { return .kept }
            let now = try session.attempt(.settle) { () throws(FileError) in
                try session.calls.observe(name, in: directory.descriptor)
            }
            guard now.isSameFile(as: observation) else { return .kept }
            let removal = try session.remove(name, in: directory)
            try session.attempt(.settle) { () throws(FileError) in
                try session.calls.syncDirectory(directory.descriptor)
            }
            return removal
        }
    }

    /// Removes a file that ``retire(_:day:)`` put aside, whatever it holds; durably. What does not lie in the quarantine
    /// is kept.
    package func removeRetired(_ path: FilePath) async throws(CopyError) -> Removal {
        guard path.components.first.map({ FilePath(bytes: Array($0)) }) == StagedName.quarantine, !path.climbs else {
            return .kept
        }
        return try await swept { session, _ throws(CopyError) in
            guard let directory = try session.directory(path.parent) else { return .absent }
            let removal = try session.remove(FilePath(bytes: path.lastComponent), in: directory)
            try session.attempt(.settle) { () throws(FileError) in
                try session.calls.syncDirectory(directory.descriptor)
            }
            return removal
        }
    }

    /// The staged files on the volume. What this user may not look into, and what is hidden, is none of ours.
    ///
    /// - Parameter limit: directories that are looked through; by chance, so that another call finds what one has left.
    package func listStaged(directories limit: Int = .max) async throws(CopyError) -> [StagedLeftover] {
        try await swept { session, pulse throws(CopyError) in
            var found: [StagedLeftover] = []
            var waiting = [FilePath(bytes: [])]
            var left = limit
            while left > 0, !waiting.isEmpty {
                try beat(pulse, .settle)
                left -= 1
                waiting.swapAt(Int.random(in: waiting.indices), waiting.count - 1)
                let path = waiting.removeLast()
                guard let directory = try session.openedDirectory(path) else { continue }
                for entry in try session.entries(of: directory) {
                    let below = path.appending(entry.name)
                    if let token = StagedName.token(in: entry.name) {
                        found.append(StagedLeftover(token: token, path: below))
                    } else if entry.name.first != UInt8(ascii: "."), try session.isDirectory(entry, in: directory) {
                        waiting.append(below)
                    }
                }
            }
            return found
        }
    }

    /// Removes a staged file that no intent knows, unless it was written or changed after `instant`.
    package func sweepForgotten(_ leftover: StagedLeftover, notSince instant: Instant) async throws(CopyError)
        -> Removal
    {
        try await swept { session, _ throws(CopyError) in
            let name = StagedName.of(leftover.token)
            guard leftover.path.lastComponent == name.bytes else { return .kept }
            guard let directory = try session.directory(leftover.path.parent),
                let seen = try session.observation(of: name, in: directory)
            else { return .absent }
            guard seen.isRegular, seen.modified.instant < instant, seen.changed.instant < instant else { return .kept }
            return try session.remove(name, in: directory)
        }
    }

    func swept<Value: Sendable>(
        _ body: @escaping @Sendable (CopySession, Pulse) throws(CopyError) -> Value
    ) async throws(CopyError) -> Value {
        let volume = volume
        let calls = calls
        return try await perform(.settle) { pulse in
            try body(try CopySession(volume: volume, calls: calls), pulse)
        }.get()
    }
}

extension CopySession {
    /// nil where it does not exist.
    func directory(_ path: FilePath) throws(CopyError) -> HeldFile? {
        try found { () throws(FileError) in HeldFile(try calls.openDirectory(path, beneath: root.descriptor)) }
    }

    func regularFile(
        _ name: FilePath, in directory: HeldFile
    ) throws(CopyError) -> (HeldFile, FileObservation)? {
        try found { () throws(FileError) in
            try calls.openRegularFile(name, beneath: directory.descriptor).held()
        }
    }

    func remove(_ name: FilePath, in directory: HeldFile) throws(CopyError) -> Removal {
        let removed: Void? = try found { () throws(FileError) in
            try uninterrupted { () throws(FileError) in try calls.unlink(name, in: directory.descriptor) }
        }
        return removed == nil ? .absent : .removed
    }

    func entries(of directory: HeldFile) throws(CopyError) -> [DirectoryEntry] {
        do {
            return try DirectoryListing.entries(in: directory.descriptor, with: calls)
        } catch let error as FileError {
            throw CopyError(volume: error, at: .settle)
        } catch {
            throw CopyError(.inputOutput, at: .settle)
        }
    }

    func isDirectory(_ entry: DirectoryEntry, in directory: HeldFile) throws(CopyError) -> Bool {
        if entry.kind != .unknown { return entry.kind == .directory }
        return try observation(of: FilePath(bytes: entry.name), in: directory)?.isDirectory ?? false
    }

    /// nil where it does not exist.
    func observation(of name: FilePath, in directory: HeldFile) throws(CopyError) -> FileObservation? {
        try found { () throws(FileError) in try calls.observe(name, in: directory.descriptor) }
    }

    /// nil also where it is another file system's, or closed to this user.
    func openedDirectory(_ path: FilePath) throws(CopyError) -> HeldFile? {
        do {
            return try directory(path)
        } catch {
            // Another mount is no part of what lies beneath the root.
            let isOthers = error.cause?.code == .notPermitted || error.cause?.code == .escapes
            if isOthers && !path.isEmpty { return nil }
            throw error
        }
    }

    private func found<Value>(_ body: () throws(FileError) -> Value) throws(CopyError) -> Value? {
        do throws(FileError) {
            return try body()
        } catch {
            if error.code == .notFound || error.code == .notDirectory { return nil }
            throw failure(error, at: .settle)
        }
    }
}
