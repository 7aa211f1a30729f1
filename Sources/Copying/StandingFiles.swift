internal import Files
package import Vocabulary

/// Looking at files that stand on a volume under their names already. Nothing is changed.
extension Copier {
    /// Its size in bytes; nil where there is no regular file of that name on the proven volume.
    package func size(of path: FilePath) async throws(CopyError) -> Int64? {
        try await swept { session, _ throws(CopyError) in
            guard let directory = try session.directory(path.parent) else { return nil }
            return try session.regularFile(FilePath(bytes: path.lastComponent), in: directory)?.1.size
        }
    }

    /// Reads it whole, back from the disk where that can be proven, and makes it durable first. Nil where there is none.
    ///
    /// - Parameters:
    ///   - token: of the order that the result is for.
    ///   - isAcceptable: asked with the open descriptor before the long read; nil is given where it says no.
    package func examine(
        _ path: FilePath, token: FencingToken = FencingToken(rawValue: 0),
        isAcceptable: @escaping @Sendable (CInt, Int64) -> Bool = { _, _ in true }
    ) async throws(CopyError) -> Copied? {
        let workspaces = workspaces
        return try await swept { session, pulse throws(CopyError) in
            guard let directory = try session.directory(path.parent) else { return nil }
            let name = FilePath(bytes: path.lastComponent)
            guard let (file, observation) = try session.regularFile(name, in: directory),
                isAcceptable(file.descriptor, observation.size)
            else { return nil }
            try session.attempt(.sync) { () throws(FileError) in try session.calls.syncFile(file.descriptor) }
            let verification = Verification(session: session, workspaces: workspaces, rereadsSource: false)
            let (found, _) = try workspaces.with { (workspace) throws(CopyError) in
                try verification.digest(file, length: observation.size, workspace, pulse, takesCRC: true)
            }
            guard let digest = found.digest, found.byteCount == observation.size else { return nil }
            return Copied(
                token: token, path: path, size: found.byteCount, digest: digest, checksum: found.checksum,
                crc32: found.crc32, level: .size, alreadyThere: true, source: observation)
        }
    }
}
