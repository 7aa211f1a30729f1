internal import CLinux
internal import Files
internal import Glibc
package import Vocabulary

/// Coded black pictures that join with screens, kept from mux to mux in a directory of the worker's own.
///
/// Safe between processes: a slice gets its name when it is whole, the first one stays, and who has one open keeps it
/// when its name goes. Nothing depends on a slice being there; a result is verified whatever it was made of.
package struct PaddingSlices: Hashable, Sendable {
    /// It has to be private; it is made where it is missing.
    package let directory: FilePath
    /// How many stay; the least recently used go.
    package let most: Int

    package init(directory: FilePath, most: Int = 64) {
        self.directory = directory
        self.most = most
    }

    /// The slice of that key, for reading; nil where there is none that is surely ours.
    func find(_ key: String) -> HeldSlice? {
        let path = path(of: key)
        let descriptor = open(path.cString, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        let slice = HeldSlice(OpenFile(owning: descriptor))
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0, status.st_size > 0
        else { return nil }
        // Used now: the last to go. Where that can't be noted it goes earlier.
        _ = utimensat(AT_FDCWD, path.cString, nil, 0)
        return slice
    }

    /// Gives an unnamed file of the same file system its name. Where that is not possible, it is not kept.
    func keep(_ descriptor: CInt, as key: String) {
        _ = linkat(
            AT_FDCWD, FilePath("/proc/self/fd/\(descriptor)").cString, AT_FDCWD, path(of: key).cString,
            AT_SYMLINK_FOLLOW)
        removeOldest()
    }

    /// Forgets a slice that did not join after all.
    func forget(_ key: String) { unlink(path(of: key).cString) }

    /// A new unnamed file where it can get a name; nil where the directory is not ours.
    func newFile() -> HeldSlice? {
        if mkdir(directory.cString, 0o700) != 0 && errno != EEXIST { return nil }
        var status = stat()
        guard lstat(directory.cString, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == geteuid(), status.st_mode & 0o077 == 0
        else { return nil }
        guard let file = try? openUnnamedFile(in: directory, doing: "encode padding") else { return nil }
        return HeldSlice(file)
    }

    private func path(of key: String) -> FilePath {
        let hash = StreamHash()
        hash.begin(digest: true, crc32: false)
        Array(key.utf8).withUnsafeBytes { hash.add($0) }
        return directory.appending("\(hash.finish().checksum).mp4")
    }

    private func removeOldest() {
        guard let listing = opendir(directory.cString) else { return }
        defer { closedir(listing) }
        var found: [(path: FilePath, used: Int)] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let path = directory.appending(name)
            var status = stat()
            guard name.hasSuffix(".mp4"), lstat(path.cString, &status) == 0 else { continue }
            found.append((path, status.st_mtim.tv_sec))
        }
        for old in found.sorted(by: { $0.used < $1.used }).dropLast(most) { unlink(old.path.cString) }
    }
}

/// A slice, open.
final class HeldSlice {
    private let file: OpenFile
    var descriptor: CInt { file.descriptor }
    init(_ file: consuming OpenFile) { self.file = file }
}
