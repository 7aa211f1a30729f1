internal import Files
internal import Glibc
internal import Vocabulary

/// Gives staged files their final names, never replacing one.
struct Publication: Sendable {
    let session: CopySession
    let verification: Verification
    private var calls: any FileCalls { session.calls }

    init(session: CopySession, verification: Verification) {
        self.session = session
        self.verification = verification
    }

    /// Not done before ``VolumeDirectories`` are durable.
    ///
    /// `isDurable`: whether its bytes were made durable in a way that holds also for a file without a name.
    func publish(
        _ staged: StagedFile, isDurable: Bool, level: VerificationLevel, pulse: Pulse
    ) throws(CopyError) -> Copied {
        do throws(CopyError) {
            try beat(pulse, .lease)
            if staged.name != nil {
                // Before the name appears: a network file system may report what it could not write only now, and may
                // hang until nobody waits any more.
                try session.attempt(.publish) { () throws(FileError) in try staged.file.close(with: calls) }
                try beat(pulse, .lease)
            }
        } catch {
            staged.discard(with: calls)
            throw error
        }
        let name = FilePath(bytes: staged.order.path.lastComponent)
        let directory = staged.directory.descriptor
        do throws(FileError) {
            if let stagedName = staged.name {
                try giveName(name, to: stagedName, in: directory)
            } else {
                try uninterrupted { () throws(FileError) in
                    try calls.link(staged.file.descriptor, to: name, in: directory)
                }
            }
        } catch {
            if error.code == .exists { return try adopt(name, instead: staged, pulse: pulse) }
            staged.discard(with: calls)
            throw session.failure(error, at: .publish)
        }
        return try closed(staged, isDurable: isDurable, level)
    }

    /// It has its name.
    private func closed(
        _ staged: StagedFile, isDurable: Bool, _ level: VerificationLevel
    ) throws(CopyError) -> Copied {
        do throws(CopyError) {
            if staged.name == nil {
                if !isDurable {
                    try session.attempt(.settle) { () throws(FileError) in
                        try calls.syncFile(staged.file.descriptor)
                    }
                }
                try session.attempt(.publish) { () throws(FileError) in try staged.file.close(with: calls) }
            }
        } catch {
            staged.discard(with: calls)
            throw error
        }
        staged.letGoOfSource(with: calls)
        return copied(staged, level, alreadyThere: false)
    }

    /// A link and an unlink, since NFS cannot rename without replacing; a rename where there are no links.
    private func giveName(_ name: FilePath, to stagedName: FilePath, in directory: CInt) throws(FileError) {
        do throws(FileError) {
            try uninterrupted { () throws(FileError) in
                try calls.link(stagedName, in: directory, to: name, in: directory)
            }
        } catch {
            switch error.code {
            case .unsupported:
                return try uninterrupted { () throws(FileError) in
                    try calls.renameWithoutReplacing(stagedName, in: directory, to: name, in: directory)
                }
            case .exists:
                // A server that was asked twice says so of its own first answer.
                let ours = try calls.observe(stagedName, in: directory)
                guard try calls.observe(name, in: directory).isSameFile(as: ours) else { throw error }
            default: throw error
            }
        }
        try uninterrupted { () throws(FileError) in try calls.unlink(stagedName, in: directory) }
    }

    /// The name is taken: by the same bytes, durable and read back, is as good as our own; by others is a conflict.
    private func adopt(
        _ name: FilePath, instead staged: StagedFile, pulse: Pulse
    ) throws(CopyError) -> Copied {
        defer { staged.discard(with: calls) }
        let (file, observation) = try session.attempt(.publish) { () throws(FileError) in
            try calls.openRegularFile(name, beneath: staged.directory.descriptor).held()
        }
        let conflict = CopyError(.nameConflict, at: .publish, detail: "the name is taken by other bytes")
        guard observation.size == staged.digests.byteCount else { throw conflict }
        let (found, level) = try onceNamed { () throws(CopyError) in
            try session.attempt(.sync) { () throws(FileError) in try calls.syncFile(file.descriptor) }
            return try verification.workspaces.with { (workspace) throws(CopyError) in
                try verification.digest(file, length: observation.size, workspace, pulse)
            }
        }
        guard found.digest == staged.digest, found.byteCount == staged.digests.byteCount else { throw conflict }
        return copied(staged, level, alreadyThere: true)
    }

    /// What stands under the name may be our own, of an answer that was lost: whatever fails now fails behind that.
    private func onceNamed<Value>(_ body: () throws(CopyError) -> Value) throws(CopyError) -> Value {
        do throws(CopyError) {
            return try body()
        } catch {
            throw CopyError(error.code, at: .publish, detail: error.detail, cause: error.cause)
        }
    }

    private func copied(_ staged: StagedFile, _ level: VerificationLevel, alreadyThere: Bool) -> Copied {
        Copied(
            token: staged.order.token, path: staged.order.path, size: staged.digests.byteCount,
            digest: staged.digest, checksum: staged.digests.checksum, crc32: staged.digests.crc32, level: level,
            alreadyThere: alreadyThere, source: staged.sourceObservation,
            hasBlankPages: staged.digests.hasBlankPages)
    }
}
