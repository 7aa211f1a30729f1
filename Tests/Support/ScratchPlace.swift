internal import Glibc
internal import Synchronization

/// Where sites and recorders have their directories.
package enum ScratchPlace {
    private static let chosen = Mutex("/tmp")

    package static var root: String { chosen.withLock { $0 } }

    /// For measuring: below a directory whose children ext4 spreads over the disk (`chattr +T`). It does not give inodes
    /// again that were freed within the last minutes, and looks at each of them for every new file: what an earlier run
    /// removed would be measured.
    package static func spread() throws {
        let path = "/tmp/takeup-spread-\(geteuid())"
        try ChildProcess.run(["/bin/mkdir", "-p", path])
        // No other file system needs it, or knows it.
        _ = try? ChildProcess.run(["/bin/sh", "-c", "/usr/bin/chattr +T \(path) 2>/dev/null"])
        chosen.withLock { $0 = path }
    }

    /// Writes out what lies in the cache, whoever left it there: the kernel does so half a minute later by itself, in the
    /// middle of what is measured then.
    package static func settle() { sync() }
}
