internal import CLinux
internal import Glibc
package import Vocabulary

/// A regular file, open for reading, with what the look after opening showed.
package struct ObservedFile: ~Copyable, Sendable {
    package let file: OpenFile
    package let observation: FileObservation

    /// The file for several steps to share.
    package consuming func held() -> (HeldFile, FileObservation) {
        let observation = observation
        return (HeldFile(file), observation)
    }
}

/// Opening what names of others lead to. A path stays beneath its root: never through magic links, never onto another
/// device (openat2(2)). Where the kernel has no openat2, each component is opened by itself and no link is followed.
extension FileCalls {
    /// Opens a regular file for reading. Links that stay beneath the root are followed; what leads out of it, climbs
    /// with `..` or is absolute is refused with ``FileError/Code/escapes``; what is no regular file with
    /// ``FileError/Code/unsupported``. Never blocks on a FIFO.
    package func openRegularFile(_ path: FilePath, beneath root: CInt) throws(FileError) -> ObservedFile {
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
        return try regular(openConfined(path, beneath: root, flags: flags, resolve: resolve), path)
    }

    /// Opens a regular file of our own by its absolute path; the last component may be no link.
    package func openRegularFile(absolute path: FilePath) throws(FileError) -> ObservedFile {
        let file = try uninterrupted { () throws(FileError) in
            try open(
                path, in: KernelFiles.workingDirectory, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)
        }
        return try regular(file, path)
    }

    /// Opens a directory for listing; no link is followed at all. An empty path is the root itself.
    package func openDirectory(_ path: FilePath, beneath root: CInt) throws(FileError) -> OpenFile {
        let flags = O_RDONLY | O_DIRECTORY
        let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
        return try openConfined(path.isEmpty ? FilePath(".") : path, beneath: root, flags: flags, resolve: resolve)
    }

    /// Opens a directory by its absolute path, for paths below it. Keep it no longer than one piece of work: an open
    /// handle holds its mount.
    package func openRoot(_ path: FilePath) throws(FileError) -> OpenFile {
        try uninterrupted { () throws(FileError) in
            try open(path, in: KernelFiles.workingDirectory, flags: O_RDONLY | O_DIRECTORY)
        }
    }

    private func regular(_ file: consuming OpenFile, _ path: FilePath) throws(FileError) -> ObservedFile {
        let descriptor = file.descriptor
        let observation = try uninterrupted { () throws(FileError) in try observe(descriptor) }
        guard observation.isRegular else {
            throw FileError(.unsupported, doing: "open what is no regular file", path: path)
        }
        return ObservedFile(file: file, observation: observation)
    }

    private func openConfined(
        _ path: FilePath, beneath root: CInt, flags: CInt, resolve: UInt64
    ) throws(FileError) -> OpenFile {
        if path.isAbsolute || path.climbs {
            throw FileError(.escapes, doing: "open beneath a directory", path: path)
        }
        // EAGAIN: a rename or mount meanwhile kept the kernel from proving that the path stays beneath.
        for _ in 0..<16 {
            do {
                return try openBeneath(path, in: root, flags: flags, resolve: resolve)
            } catch {
                switch error.number {
                case ENOSYS, EPERM: return try openByComponent(path, beneath: root, flags: flags)
                case EAGAIN, EINTR: continue
                default: throw error
                }
            }
        }
        throw FileError(.openBeneath, number: EAGAIN, path: path)
    }

    private func openByComponent(_ path: FilePath, beneath root: CInt, flags: CInt) throws(FileError) -> OpenFile {
        let components = path.components
        let device = try uninterrupted { () throws(FileError) in try observe(root) }.device
        var holder: HeldFile?
        for component in components.dropLast() {
            let parent = holder?.descriptor ?? root
            holder = HeldFile(
                try openComponent(component, in: parent, flags: O_RDONLY | O_DIRECTORY, device: device, path))
        }
        return try openComponent(
            components.last ?? [UInt8(ascii: ".")], in: holder?.descriptor ?? root, flags: flags, device: device, path)
    }

    private func openComponent(
        _ name: [UInt8], in parent: CInt, flags: CInt, device: UInt64, _ path: FilePath
    ) throws(FileError) -> OpenFile {
        let name = FilePath(bytes: name)
        let escape = FileError(.escapes, doing: "open beneath a directory", path: path)
        let entry = try uninterrupted { () throws(FileError) in try observe(name, in: parent) }
        if entry.kind == .symbolicLink || entry.device != device { throw escape }
        let file = try uninterrupted { () throws(FileError) in
            try open(name, in: parent, flags: flags | O_NOFOLLOW)
        }
        let descriptor = file.descriptor
        if try uninterrupted({ () throws(FileError) in try observe(descriptor) }).device != device { throw escape }
        return file
    }
}
