internal import Files
internal import Vocabulary

/// The steps of one order, as they run on the volume's threads. A step that throws has put away what it held.
struct CopySteps: Sendable {
    let calls: any FileCalls
    private let prepared: PreparedGroup
    private let staging: Staging
    private let verification: Verification
    private let publication: Publication

    init(copier: Copier, prepared: PreparedGroup, reserved: @escaping @Sendable (FencingToken) -> Void) {
        calls = copier.calls
        self.prepared = prepared
        staging = Staging(
            session: prepared.session, workspaces: copier.workspaces, settings: copier.settings, space: copier.space,
            pace: copier.pace, attributes: copier.attributes, reserved: reserved)
        verification = Verification(
            session: prepared.session, workspaces: copier.workspaces,
            rereadsSource: copier.settings.rereadsSource, sourcePace: copier.pace)
        publication = Publication(session: prepared.session, verification: verification)
    }

    /// Whether one call makes all that are staged durable.
    var isGrouped: Bool { prepared.isGrouped }

    func stage(_ progress: CopyGroup.Progress, _ pulse: Pulse) throws(CopyError) -> CopyGroup.Progress {
        switch progress {
        case .staged, .verified, .copied, .failed: return progress
        case .placed(let place):
            let staged = try staging.stage(place.order, from: place.sourceRoot, in: place.directory, pulse: pulse)
            // A large one waits for no other: the disk brings it back while the next is digested.
            return staged.isLarge ? try verifyAlone(staged, pulse) : .staged(staged)
        }
    }

    func syncAll() throws(CopyError) {
        try prepared.session.attempt(.sync) { () throws(FileError) in
            try calls.syncFileSystem(prepared.session.root.descriptor)
        }
    }

    /// Where files are made durable one by one, makes it so before.
    func verify(_ progress: CopyGroup.Progress, _ pulse: Pulse) throws(CopyError) -> CopyGroup.Progress {
        switch progress {
        case .placed, .verified, .copied, .failed: return progress
        case .staged(let staged):
            if !isGrouped { return try verifyAlone(staged, pulse) }
            return try keeping(staged) { () throws(CopyError) in
                .verified(staged, try verification.verify(staged, pulse: pulse))
            }
        }
    }

    private func verifyAlone(_ staged: StagedFile, _ pulse: Pulse) throws(CopyError) -> CopyGroup.Progress {
        try keeping(staged) { () throws(CopyError) in
            // Never tried again: the kernel drops what it could not write and then calls it clean.
            if staged.readBack == nil {
                try prepared.session.attempt(.sync) { () throws(FileError) in
                    try calls.syncFile(staged.file.descriptor)
                }
            }
            return .verified(staged, try verification.verify(staged, pulse: pulse))
        }
    }

    func publish(_ progress: CopyGroup.Progress, _ pulse: Pulse) throws(CopyError) -> CopyGroup.Progress {
        switch progress {
        case .placed, .staged, .copied, .failed: return progress
        case .verified(let staged, let level):
            // One `syncfs` takes what has no name along; an `fsync` of its own may not.
            let isDurable =
                !prepared.session.facts.kind.forgetsUnnamedFiles || isGrouped && !staged.isLarge
            return .copied(try publication.publish(staged, isDurable: isDurable, level: level, pulse: pulse))
        }
    }

    /// Makes the directories of the published `paths` durable, with those above that hold a new name. The failures,
    /// by path. Throws where the volume is no longer the one that was written to.
    func settle(_ paths: [FilePath], _ pulse: Pulse) throws(CopyError) -> [FilePath: CopyError] {
        let directories = prepared.directories
        let owing = Set(paths.map(\.parent)).union(directories.owed)
        var failed: [FilePath: CopyError] = [:]
        for directory in owing.sorted() {
            try beat(pulse, .settle)
            guard let held = directories.handle(directory) else { continue }
            do throws(CopyError) {
                try sync(held)
                directories.settled(directory)
            } catch {
                failed[directory] = error
            }
        }
        try prepared.session.proveStillThere()
        return paths.reduce(into: [:]) { failures, path in
            failures[path] = failed.first { above, _ in above.isEmpty || path.relative(to: above) != nil }?.value
        }
    }

    private func sync(_ directory: HeldFile) throws(CopyError) {
        do throws(FileError) {
            try calls.syncDirectory(directory.descriptor)
        } catch {
            // Some file systems have nothing to make durable in a directory, and say so.
            if error.code != .unsupported { throw prepared.session.failure(error, at: .settle) }
        }
    }

    /// Discards the staged file where `body` throws.
    private func keeping<Value>(
        _ staged: StagedFile, _ body: () throws(CopyError) -> Value
    ) throws(CopyError) -> Value {
        do throws(CopyError) {
            return try body()
        } catch {
            staged.discard(with: calls)
            throw error
        }
    }
}
