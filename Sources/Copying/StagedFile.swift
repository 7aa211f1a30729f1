internal import Files
internal import Vocabulary

/// A copy on its way: written, without its final name. Whoever holds it publishes or discards it; let go unnamed, it
/// vanishes, and named, its token finds it.
final class StagedFile: Sendable {
    let order: CopyOrder
    let file: HeldFile
    /// nil where the file has no name at all.
    let name: FilePath?
    let directory: HeldFile
    let source: HeldFile
    let sourceObservation: FileObservation
    let digests: StreamDigests
    let digest: Digest
    /// Made durable and read back by itself.
    let isLarge: Bool
    /// Past the cache, where that goes.
    let isDirect: Bool
    /// What the disk gave back of it, past the cache and after it was durable; nil as long as nobody asked.
    let readBack: StreamDigests?

    init(
        order: CopyOrder, file: HeldFile, name: FilePath?, directory: HeldFile, source: HeldFile,
        sourceObservation: FileObservation, digests: StreamDigests, digest: Digest, isLarge: Bool,
        isDirect: Bool, readBack: StreamDigests?
    ) {
        self.order = order
        self.file = file
        self.name = name
        self.directory = directory
        self.source = source
        self.sourceObservation = sourceObservation
        self.digests = digests
        self.digest = digest
        self.isLarge = isLarge
        self.isDirect = isDirect
        self.readBack = readBack
    }

    /// Takes the file away. What fails here is left for the sweep, which knows the token.
    func discard(with calls: any FileCalls) {
        if let name { try? calls.unlink(name, in: directory.descriptor) }
        try? file.close(with: calls)
        letGoOfSource(with: calls)
    }

    /// Here and not when the last holder goes: closing can hang on a dead mount, so it belongs on the threads.
    func letGoOfSource(with calls: any FileCalls) { try? source.close(with: calls) }

    var ready: ReadyCopy {
        ReadyCopy(token: order.token, path: order.path, size: digests.byteCount, digest: digest)
    }
}
