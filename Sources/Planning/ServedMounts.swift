package import Vocabulary

/// The mounts of one source, as a recorder's own paths meet them.
package struct ServedMounts: Hashable, Sendable {
    /// What stands before the recorder's absolute paths on this machine.
    package let prefix: FilePath
    /// What is cut from the front of the recorder's paths in the names of copies.
    package let recorderPrefix: FilePath
    package let mounts: [MountPath]

    package init(prefix: FilePath, recorderPrefix: FilePath, mounts: [MountPath]) {
        self.prefix = prefix
        self.recorderPrefix = recorderPrefix
        self.mounts = mounts
    }

    /// Where a recorder's path lies here.
    package enum Place: Hashable, Sendable {
        case on(MountPath, below: FilePath)
        /// It holds `..`, or is not absolute: rows of others are not followed out of a mount.
        case refused
        /// No mount of the settings holds it: whoever marks it would license the loss of a file nobody copied.
        case unserved
    }

    package func place(of path: FilePath) -> Place {
        guard path.isAbsolute, !path.climbs else { return .refused }
        let here = here(path)
        var best: (MountPath, FilePath)?
        for mount in mounts {
            guard let below = here.relative(to: FilePath(mount.rawValue)) else { continue }
            // Of nested mounts the inner one has the file.
            if let standing = best, standing.1.components.count <= below.components.count { continue }
            best = (mount, below)
        }
        guard let best else { return .unserved }
        return .on(best.0, below: best.1)
    }

    /// A recorder's path as this machine sees it: the prefix, then the path as it stands.
    package func here(_ path: FilePath) -> FilePath {
        let front = prefix.bytes.reversed().drop { $0 == UInt8(ascii: "/") }.reversed()
        return FilePath(bytes: Array(front) + (path.isAbsolute ? [] : [UInt8(ascii: "/")]) + path.bytes)
    }

    /// A mount's path as the recorder names it, without what is cut: it keeps files of two mounts apart.
    package func recorderName(of mount: MountPath) -> FilePath {
        let whole = FilePath(mount.rawValue)
        let own = whole == prefix ? FilePath("") : whole.relative(to: prefix) ?? whole
        let absolute = FilePath(bytes: Array("/".utf8) + own.bytes)
        if absolute.components == recorderPrefix.components { return FilePath("") }
        return absolute.relative(to: recorderPrefix) ?? FilePath(bytes: own.components.joined(separator: [47]))
    }
}
