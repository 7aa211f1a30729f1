internal import Files
internal import Glibc
internal import Vocabulary

/// Reserves space and copies one file under no name, or a hidden one: one pass that reads, digests and writes.
struct Staging: Sendable {
    let session: CopySession
    let workspaces: Workspaces
    private let settings: CopySettings
    private let space: SpaceNotes
    private let pace: SourcePace
    private let attributes: AttributeNotes
    /// Told of each large file whose space is taken: it takes long until it is written.
    private let reserved: @Sendable (FencingToken) -> Void
    private var calls: any FileCalls { session.calls }
    /// Bytes that take long enough to be told of while they are written.
    private static let toldFrom: Int64 = 16 << 20

    init(
        session: CopySession, workspaces: Workspaces, settings: CopySettings, space: SpaceNotes, pace: SourcePace,
        attributes: AttributeNotes,
        reserved: @escaping @Sendable (FencingToken) -> Void
    ) {
        self.session = session
        self.workspaces = workspaces
        self.settings = settings
        self.space = space
        self.pace = pace
        self.attributes = attributes
        self.reserved = reserved
    }

    func stage(
        _ order: CopyOrder, from root: HeldFile?, in directory: HeldFile, pulse: Pulse
    ) throws(CopyError) -> StagedFile {
        let (source, observation) = try openSource(order, from: root)
        // Whoever hung there so long that nobody waits any more makes nothing.
        try beat(pulse, .open)
        try check(observation, against: order)
        let (file, name) = try create(order.token, in: directory)
        do throws(CopyError) {
            try reserve(observation.size, in: file)
            if observation.size >= Staging.toldFrom, !space.cannotReserve { reserved(order.token) }
            let (digests, readBack) = try copyReadingBehind(observation, file, pulse) { (behind) throws(CopyError) in
                let digests = try workspaces.with(for: observation.size) { (workspace) throws(CopyError) in
                    try copy(
                        order, from: source, observed: observation, to: file, behind, in: workspace, pulse: pulse)
                }
                // Before it is given away: who is not its owner may set none.
                if settings.keepsAttributes {
                    try ExtendedAttributes(session: session, notes: attributes).copy(from: source, to: file)
                }
                try dress(file, like: observation)
                return digests
            }
            guard let digest = digests.digest else { preconditionFailure("a copy is digested") }
            return StagedFile(
                order: order, file: file, name: name, directory: directory, source: source,
                sourceObservation: observation, digests: digests, digest: digest,
                isLarge: isLarge(observation), isDirect: isDirect(observation.size), readBack: readBack)
        } catch {
            if let name { try? calls.unlink(name, in: directory.descriptor) }
            // Here and not when the last holder goes: the thread that read it back may end a moment later.
            try? file.close(with: calls)
            throw error
        }
    }

    private func isDirect(_ size: Int64) -> Bool { size >= settings.directFrom && session.canPassCache }

    private func isLarge(_ observation: FileObservation) -> Bool { observation.size >= settings.largeFrom }

    /// Runs `body`, and beside it what reads a long file back.
    private func copyReadingBehind(
        _ observation: FileObservation, _ file: HeldFile, _ pulse: Pulse,
        _ body: (ReadingBehind?) throws(CopyError) -> StreamDigests
    ) throws(CopyError) -> (StreamDigests, StreamDigests?) {
        guard isLarge(observation), observation.size >= 2 * settings.readBackStep, session.canPassCache,
            let direct = session.openDirect(file)
        else { return (try body(nil), nil) }
        let behind = try ReadingBehind(file, direct: direct, session: session, workspaces: workspaces, pulse: pulse)
        let digests: StreamDigests
        do throws(CopyError) {
            digests = try body(behind)
        } catch {
            behind.abandon()
            throw error
        }
        do throws(CopyError) {
            return (digests, try behind.finish(at: digests.byteCount))
        } catch {
            // A read that fell short leaves an odd place to go on from: it is read back from the beginning.
            guard error == ReadingBehind.cached || error.step == .verify && error.cause?.number == EINVAL else {
                throw error
            }
            return (digests, nil)
        }
    }

    private func openSource(
        _ order: CopyOrder, from root: HeldFile?
    ) throws(CopyError) -> (HeldFile, FileObservation) {
        try onSource(.open) { () throws(FileError) in
            let opened: ObservedFile
            switch (order.source, root) {
            case (.beneath(_, let path), let root?):
                opened = try calls.openRegularFile(path, beneath: root.descriptor)
            case (.own(let path), _), (.beneath(_, let path), nil):
                opened = try calls.openRegularFile(absolute: path)
            }
            return opened.held()
        }
    }

    private func check(_ observation: FileObservation, against order: CopyOrder) throws(CopyError) {
        if let size = order.expectedSize, size != observation.size {
            throw CopyError(
                .sourceChanged, at: .open, detail: "it has \(observation.size) bytes and its row says \(size)")
        }
        if let earlier = order.expectedObservation, !observation.isUnchanged(since: earlier) {
            throw CopyError(.sourceChanged, at: .open, detail: "it is not what was looked at")
        }
    }

    private func create(
        _ token: FencingToken, in directory: HeldFile
    ) throws(CopyError) -> (HeldFile, FilePath?) {
        do throws(FileError) {
            let file = try uninterrupted { () throws(FileError) in
                try calls.createUnnamed(in: directory.descriptor, mode: 0o600)
            }
            return (HeldFile(file), nil)
        } catch {
            if error.code != .unsupported { throw session.failure(error, at: .reserve) }
        }
        let name = StagedName.of(token)
        let file = try session.attempt(.reserve) { () throws(FileError) in
            try createAnew(name, in: directory.descriptor)
        }
        return (file, name)
    }

    /// A file of that name can only be what an earlier try of the same order left.
    private func createAnew(_ name: FilePath, in directory: CInt) throws(FileError) -> HeldFile {
        do throws(FileError) {
            return HeldFile(
                try uninterrupted { () throws(FileError) in
                    try calls.createNamed(name, in: directory, mode: 0o600)
                })
        } catch {
            if error.code != .exists { throw error }
        }
        try calls.unlink(name, in: directory)
        return HeldFile(try calls.createNamed(name, in: directory, mode: 0o600))
    }

    private func reserve(_ byteCount: Int64, in file: HeldFile) throws(CopyError) {
        if byteCount == 0 { return }
        do throws(FileError) {
            try uninterrupted { () throws(FileError) in
                try calls.allocate(
                    file.descriptor, byteCount: byteCount,
                    keepsSize: !isDirect(byteCount))
            }
        } catch {
            // A volume that cannot reserve says no space while it is written.
            if error.code != .unsupported { throw session.failure(error, at: .reserve) }
            space.noteRefusal()
        }
    }

    private func copy(
        _ order: CopyOrder, from source: HeldFile, observed: FileObservation, to file: HeldFile,
        _ behind: ReadingBehind?, in workspace: Workspace, pulse: Pulse
    ) throws(CopyError) -> StreamDigests {
        workspace.hash.begin(digest: true, crc32: order.crc32 != .none)
        var writer = StagedWriter(
            file, pastCache: isDirect(observed.size), calls: calls)
        var (offset, toldOf): (Int64, Int64) = (0, 0)
        while true {
            try beat(pulse, .copy)
            let part = try allowedPart(of: workspace, order.source, left: observed.size - offset, pulse)
            let count = try onSource(.copy) { () throws(FileError) in
                try uninterrupted { () throws(FileError) in
                    try calls.read(source.descriptor, into: part, at: offset)
                }
            }
            let bytes = UnsafeRawBufferPointer(rebasing: workspace.block[..<count])
            let end = offset + Int64(count)
            if end > observed.size { throw CopyError(.sourceChanged, at: .copy, detail: "it grew") }
            workspace.hash.add(bytes)
            if count > 0 {
                try session.attempt(.copy) { () throws(FileError) in try writer.write(bytes, at: offset) }
            }
            offset = end
            if let behind, end - toldOf >= settings.readBackStep, end % Int64(KernelFiles.directUnit) == 0 {
                behind.add(to: end)
                toldOf = end
            }
            // A full block may have more behind it, also where the size is reached; a part of one has not.
            if count == 0 || (offset == observed.size && count < part.count) { break }
        }
        if offset < observed.size { throw CopyError(.sourceChanged, at: .copy, detail: "it shrank") }
        let digests = workspace.hash.finish()
        if case .require(let expected) = order.crc32, digests.crc32 != expected {
            throw CopyError(.crcMismatch, at: .copy, detail: "its CRC-32 is not the row's")
        }
        return digests
    }

    /// What may be read in one go, when it may. There is more room in it than `left`: a file that grew shows it.
    private func allowedPart(
        of workspace: Workspace, _ source: CopySource, left: Int64, _ pulse: Pulse
    ) throws(CopyError) -> UnsafeMutableRawBufferPointer {
        guard case .beneath = source else { return workspace.part(for: left) }
        let most = min(pace.block, workspace.block.count)
        if left > 0 { try pace.wait(for: Int(min(left, Int64(most))), pulse) }
        return workspace.part(for: left, most: most)
    }

    private func dress(_ file: HeldFile, like source: FileObservation) throws(CopyError) {
        let volume = session.volume
        try session.attempt(.copy) { () throws(FileError) in
            if volume.user != nil || volume.group != nil {
                try calls.setOwner(file.descriptor, user: volume.user, group: volume.group)
            }
            try calls.setMode(file.descriptor, mode: volume.fileMode)
            try calls.setModified(file.descriptor, to: source.modified)
        }
    }
}
