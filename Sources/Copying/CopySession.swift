internal import CLinux
internal import Files
internal import Glibc
internal import Vocabulary

/// The open root of a proven volume for one group of orders: everything is done through this descriptor, so it goes to
/// the disk whose marker was read.
struct CopySession: Sendable {
    let volume: CopyVolume
    /// Opened before the first write, so that `syncfs` on it reports every write error of the group.
    let root: HeldFile
    let rootObservation: FileObservation
    let facts: FileSystemFacts
    let calls: any FileCalls

    /// Proves the volume: opens its root and reads the marker through it.
    init(volume: CopyVolume, calls: any FileCalls) throws(CopyError) {
        self.volume = volume
        self.calls = calls
        do throws(FileError) {
            root = HeldFile(try calls.openRoot(volume.root))
        } catch {
            let isGone = error.code == .notFound || error.code == .notDirectory
            throw isGone
                ? CopyError(.volumeAbsent, at: .prepare, detail: "its directory is not there", cause: error)
                : CopyError(volume: error, at: .prepare)
        }
        let root = root
        (rootObservation, facts) = try onVolume(.prepare) { () throws(FileError) in
            (
                try uninterrupted { () throws(FileError) in try calls.observe(root.descriptor) },
                try uninterrupted { () throws(FileError) in try calls.fileSystem(root.descriptor) }
            )
        }
        let marker = try onVolume(.prepare) { () throws(FileError) in
            try VolumeMarker.read(in: root.descriptor, with: calls)
        }
        switch marker {
        case .volume(volume.id): break
        case .absent: throw CopyError(.volumeAbsent, at: .prepare, detail: "its marker is not there")
        case .volume: throw CopyError(.volumeReplaced, at: .prepare, detail: "its marker names another volume")
        case .malformed: throw CopyError(.volumeReplaced, at: .prepare, detail: "its marker is none of ours")
        }
    }

    /// Whether one `syncfs` can stand for an `fsync` of each file: it reports errors only since Linux 5.8, and never
    /// those of a server, of a process behind FUSE, or of what lies below an overlay.
    var canSyncAsGroup: Bool {
        !facts.kind.changesUnseen && CopySession.kernelReportsSyncErrors
    }

    /// Whether files can be written and read past the page cache, and what comes back so is from the disk.
    var canPassCache: Bool {
        switch facts.kind {
        case .ext, .xfs, .btrfs: true
        case .zfs, .bcachefs, .f2fs, .tmpfs, .ramfs, .overlay, .iso, .squashfs, .nfs, .cifs, .smb2, .fuse, .v9fs, .ceph,
            .afs, .other:
            false
        }
    }

    /// A second descriptor of the same file that reads past the cache. An overlay says yes whatever lies beneath it.
    func openDirect(_ file: HeldFile) -> HeldFile? {
        if !facts.kind.showsItsCache || facts.kind == .overlay { return nil }
        let path = FilePath("/proc/self/fd/\(file.descriptor)")
        return try? HeldFile(calls.open(path, in: KernelFiles.workingDirectory, flags: O_RDONLY | takeup_O_DIRECT))
    }

    /// Drops what is cached of a durable file. Whether none of these bytes is in the cache any more, by mincore(2); false
    /// where that cannot be known.
    func dropsCache(of file: HeldFile, _ bytes: Range<Int64>) throws(CopyError) -> Bool {
        if !facts.kind.showsItsCache { return false }
        try attempt(.verify) { () throws(FileError) in
            try uninterrupted { () throws(FileError) in try calls.dropCache(file.descriptor) }
        }
        do throws(FileError) {
            return try uninterrupted { () throws(FileError) in
                try calls.residentPages(file.descriptor, in: bytes)
            } == 0
        } catch {
            // A file system whose files cannot be mapped shows nobody what it has cached.
            if error.number == ENODEV { return false }
            throw failure(error, at: .verify)
        }
    }

    private static let kernelReportsSyncErrors: Bool = {
        var name = utsname()
        guard uname(&name) == 0 else { return false }
        let release = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (5, 8)
    }()

    /// Whether the volume's path still leads to the directory that was proven. A disk unmounted meanwhile may have
    /// taken the copies with it.
    func proveStillThere() throws(CopyError) {
        let found = try onVolume(.settle) { () throws(FileError) in
            try uninterrupted { () throws(FileError) in
                try calls.observe(volume.root, in: KernelFiles.workingDirectory)
            }
        }
        // The path may end in a link of the operator's; then the name itself is no directory, and is looked through.
        if found.isSameFile(as: rootObservation) { return }
        let (through, marker) = try onVolume(.settle) { () throws(FileError) in
            let root = try calls.openRoot(volume.root)
            return (
                try calls.observe(root.descriptor), try? VolumeMarker.read(in: root.descriptor, with: calls)
            )
        }
        if through.isSameFile(as: rootObservation) { return }
        if case .volume(let id)? = marker, id != volume.id {
            throw CopyError(.volumeReplaced, at: .settle, detail: "another volume was put where it was")
        }
        throw CopyError(.volumeAbsent, at: .settle, detail: "it was unmounted or replaced meanwhile")
    }

    /// The error of a failed call about the volume; asks for the inodes where there is no space.
    func failure(_ error: FileError, at step: CopyError.Step) -> CopyError {
        let isOutOfInodes =
            error.code == .noSpace && (try? calls.fileSystem(root.descriptor))?.isOutOfInodes == true
        return CopyError(volume: error, at: step, isOutOfInodes: isOutOfInodes)
    }

    func attempt<Value: ~Copyable>(
        _ step: CopyError.Step, _ body: () throws(FileError) -> Value
    ) throws(CopyError) -> Value {
        do throws(FileError) {
            return try body()
        } catch {
            throw failure(error, at: step)
        }
    }
}

func onVolume<Value: ~Copyable>(
    _ step: CopyError.Step, _ body: () throws(FileError) -> Value
) throws(CopyError) -> Value {
    do throws(FileError) {
        return try body()
    } catch {
        throw CopyError(volume: error, at: step)
    }
}

func onSource<Value: ~Copyable>(
    _ step: CopyError.Step, _ body: () throws(FileError) -> Value
) throws(CopyError) -> Value {
    do throws(FileError) {
        return try body()
    } catch {
        throw CopyError(source: error, at: step)
    }
}

/// Shows life, and ends work that nobody waits for.
func beat(_ pulse: Pulse, _ step: CopyError.Step) throws(CopyError) {
    do {
        try pulse.beat()
    } catch let error as FileError {
        throw CopyError(.timeout, at: step, cause: error)
    } catch {
        throw CopyError(.cancelled, at: step)
    }
}
