package import Files
internal import Media
package import Planning
package import Vocabulary
package import Watching

/// What one look at a recorder's file showed.
package enum FileSight: Sendable {
    case seen(FileObservation, Wholeness)
    /// Not there. That means something only on a mount that proved itself.
    case absent
    /// It leads out of the mount, or is no regular file.
    case refused(FileError)
    case failed(FileError)
}

/// Looks at files below one mount, on the mount's own threads.
package struct FileLooker: Sendable {
    private let root: FilePath
    private let threads: FileThreads
    private let timeout: Duration

    package init(root: FilePath, threads: FileThreads, timeout: Duration) {
        self.root = root
        self.threads = threads
        self.timeout = timeout
    }

    /// - Parameters:
    ///   - path: below the mount.
    ///   - isEncrypted: the row names a key: the container is a cipher's.
    ///   - place: the mount's root, as it was proven.
    package func look(at path: FilePath, on place: MountRoot, isEncrypted: Bool) async -> FileSight {
        await look(at: [(path, isEncrypted)], on: place)[0]
    }

    /// The same of several, each by itself, in their order.
    package func look(at files: [(path: FilePath, isEncrypted: Bool)], on place: MountRoot) async -> [FileSight] {
        let root = root
        let sights = await threads.each(files.count, timeout: timeout) { number, _ in
            let file = files[number]
            return try FileLooker.look(at: file.path, below: root, provenAs: place, isEncrypted: file.isEncrypted)
        }
        return sights.map { sight in
            switch sight {
            case .success(let sight): sight
            case .failure(let error as FileError): FileLooker.sight(error)
            case .failure(is MountChanged): .failed(FileError(.stale, doing: "find the mount that was proven"))
            case .failure: .failed(FileError(.interrupted, doing: "look at a file"))
            }
        }
    }

    private static func look(
        at path: FilePath, below root: FilePath, provenAs place: MountRoot, isEncrypted: Bool
    ) throws -> FileSight {
        let calls = KernelFiles()
        let directory = try calls.openRoot(root)
        try confirm(directory.descriptor, isRootOf: place)
        let opened = try open(path, beneath: directory.descriptor, on: place, calls)
        var observation = opened.observation
        observation.hasHoles = calls.hasHoles(opened.file.descriptor, size: observation.size)
        // What can't be read here can't be copied either, and that says it better.
        let wholeness = (try? Container.check(opened.file.descriptor, name: path, isEncrypted: isEncrypted)) ?? .unknown
        return .seen(observation, wholeness)
    }

    /// What a client says is not there is asked for once more, where its server may know better.
    static func open(
        _ path: FilePath, beneath root: CInt, on place: MountRoot, _ calls: KernelFiles
    ) throws(FileError) -> ObservedFile {
        do {
            return try calls.openRegularFile(path, beneath: root)
        } catch {
            // What has no device of its own is a server's, FUSE's, memory, or a file system such as btrfs, which asks in vain.
            guard error.code == .notFound, place.deviceMajor == 0 else { throw error }
            calls.refreshDirectories(of: path, beneath: root)
            return try calls.openRegularFile(path, beneath: root)
        }
    }

    static func sight(_ error: FileError) -> FileSight {
        switch error.code {
        case .notFound, .notDirectory: .absent
        case .escapes: .refused(error)
        case .exists, .noSpace, .quota, .readOnly, .tooLarge, .inputOutput, .stale, .notPermitted, .unsupported,
            .nameTooLong, .crossesDevice, .busy, .timeout, .interrupted, .exhausted, .other:
            .failed(error)
        }
    }
}

extension FileLook {
    package init(_ observation: FileObservation) {
        self.init(
            size: observation.size, modified: observation.modified.nanosecondsSince1970,
            changed: observation.changed.nanosecondsSince1970, inode: observation.inode,
            hasHoles: observation.hasHoles)
    }
}
