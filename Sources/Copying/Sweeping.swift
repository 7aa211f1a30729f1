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

    /// Every staged file on the volume. Walks all its directories: for a start or an audit, not for each turn.
    package func listStaged() async throws(CopyError) -> [StagedLeftover] {
        try await swept { session, pulse throws(CopyError) in
            var found: [StagedLeftover] = []
            var waiting = [FilePath(bytes: [])]
            while let path = waiting.popLast() {
                try beat(pulse, .settle)
                guard let directory = try session.directory(path) else { continue }
                for entry in try session.entries(of: directory) {
                    let below = path.appending(entry.name)
                    if let token = StagedName.token(in: entry.name) {
                        found.append(StagedLeftover(token: token, path: below))
                    } else if try session.isDirectory(entry, in: directory) {
                        waiting.append(below)
                    }
                }
            }
            return found
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
        let name = FilePath(bytes: entry.name)
        return try found { () throws(FileError) in
            try calls.observe(name, in: directory.descriptor).isDirectory
        } ?? false
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
