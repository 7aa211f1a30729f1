internal import Files
package import Vocabulary

package enum Retirement: Hashable, Sendable {
    /// Where the file is now, below the volume's root.
    case moved(FilePath)
    /// There is no file of that name.
    case absent
}

extension Copier {
    /// Moves a file that nothing names any more to `.takeup-quarantine/<day>/<its path>`, durably and without
    /// replacing what is there. `day` is `YYYYMMDD`. To be repeated when in doubt: a file that has gone is `absent`.
    package func retire(_ path: FilePath, day: String) async throws(CopyError) -> Retirement {
        let durable = durable
        return try await swept { session, pulse throws(CopyError) in
            guard StagedName.isFit(path) else {
                throw CopyError(.unsupportedName, at: .settle, detail: "no copy has such a path")
            }
            guard let from = try session.directory(path.parent) else { return .absent }
            let name = FilePath(bytes: path.lastComponent)
            guard let (_, observation) = try session.regularFile(name, in: from) else { return .absent }
            let below = path.parent.components.reduce(StagedName.quarantine.appending(day)) { $0.appending($1) }
            var directories = VolumeDirectories(session: session, durable: durable)
            let to = try directories.prepare(below)
            let newName = try session.move(name, observation, from: from, to: to, pulse)
            for directory in directories.owed.sorted() {
                guard let held = directories.handle(directory) else { continue }
                try session.syncDirectory(held)
                directories.settled(directory)
            }
            // The new name first: between the two the file has one or both, never none.
            try session.syncDirectory(to)
            try session.syncDirectory(from)
            return .moved(below.appending(newName.bytes))
        }
    }
}

extension CopySession {
    fileprivate func syncDirectory(_ directory: HeldFile) throws(CopyError) {
        do throws(FileError) {
            try calls.syncDirectory(directory.descriptor)
        } catch {
            if error.code != .unsupported { throw failure(error, at: .settle) }
        }
    }

    /// The name it got: the first of `name`, `name~2`, `name~3`, … that is free.
    fileprivate func move(
        _ name: FilePath, _ observation: FileObservation, from: HeldFile, to: HeldFile, _ pulse: Pulse
    ) throws(CopyError) -> FilePath {
        for number in 1...99 {
            try beat(pulse, .settle)
            let newName = number == 1 ? name : FilePath(bytes: name.bytes + Array("~\(number)".utf8))
            do throws(FileError) {
                try move(name, observation, from: from.descriptor, to: newName, in: to.descriptor)
                return newName
            } catch {
                if error.code != .exists { throw failure(error, at: .settle) }
            }
        }
        throw CopyError(.nameConflict, at: .settle, detail: "the quarantine holds too many files of that name")
    }

    private func move(
        _ name: FilePath, _ observation: FileObservation, from: CInt, to newName: FilePath, in to: CInt
    ) throws(FileError) {
        do throws(FileError) {
            return try calls.renameWithoutReplacing(name, in: from, to: newName, in: to)
        } catch {
            if error.code != .unsupported { throw error }
        }
        // NFS cannot rename without replacing.
        do throws(FileError) {
            try calls.link(name, in: from, to: newName, in: to)
        } catch {
            guard error.code == .exists,
                try calls.observe(newName, in: to).isSameFile(as: observation)
            else { throw error }
        }
        try calls.unlink(name, in: from)
    }
}
