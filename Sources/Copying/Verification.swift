internal import Files
internal import Glibc
internal import Vocabulary

/// Reads staged files back from the disk, not from the cache, and compares.
struct Verification: Sendable {
    let session: CopySession
    let workspaces: Workspaces
    let rereadsSource: Bool
    /// Nil: as fast as it goes.
    let pace: ReadPace?
    /// Of a second reading of the source.
    private let sourcePace: SourcePace?
    private var calls: any FileCalls { session.calls }

    init(
        session: CopySession, workspaces: Workspaces, rereadsSource: Bool, pace: ReadPace? = nil,
        sourcePace: SourcePace? = nil
    ) {
        self.sourcePace = sourcePace
        self.pace = pace
        self.session = session
        self.workspaces = workspaces
        self.rereadsSource = rereadsSource
    }

    /// The level that was proven. The staged file must be durable: pages that are not written yet stay in the cache.
    func verify(_ staged: StagedFile, pulse: Pulse) throws(CopyError) -> VerificationLevel {
        let reached = try workspaces.with(for: staged.digests.byteCount) { (workspace) throws(CopyError) in
            let (found, level) = try readBackStaged(staged, workspace, pulse)
            guard found.byteCount == staged.digests.byteCount, found.checksum == staged.digests.checksum else {
                throw mismatch(of: staged, workspace, pulse)
            }
            guard rereadsSource else { return level }
            let again = try rereadSource(staged, workspace, pulse)
            guard again == staged.digests.checksum else {
                throw CopyError(.sourceChanged, at: .verify, detail: "it gave other bytes the second time")
            }
            // The name of a level stands for all that is below it.
            return level == .readBack ? VerificationLevel.sourceReread : level
        }
        try lookAgain(staged)
        return reached
    }

    /// Reads a published file whole: its digests, and how far they prove the disk. For files that are durable.
    func digest(
        _ file: HeldFile, length: Int64, _ workspace: Workspace, _ pulse: Pulse, takesCRC: Bool = false
    ) throws(CopyError) -> (StreamDigests, VerificationLevel) {
        try readBack(file, length: length, takesDigest: true, takesCRC: takesCRC, workspace, pulse)
    }

    /// A large one past the cache, after its pages were proven gone all the same.
    private func readBackStaged(
        _ staged: StagedFile, _ workspace: Workspace, _ pulse: Pulse
    ) throws(CopyError) -> (StreamDigests, VerificationLevel) {
        if let found = staged.readBack { return (found, .readBack) }
        let (file, length) = (staged.file, staged.digests.byteCount)
        // Its end may have gone through the cache when it was written.
        guard staged.isDirect, calls.turnsDirect(file, true) else {
            return try readBack(file, length: length, workspace, pulse)
        }
        do throws(CopyError) {
            return try readBack(file, length: length, workspace, pulse)
        } catch {
            // A read that fell short leaves an odd place to go on from.
            guard error.cause?.number == EINVAL, calls.turnsDirect(file, false) else { throw error }
            return try readBack(file, length: length, workspace, pulse)
        }
    }

    private func readBack(
        _ file: HeldFile, length: Int64, takesDigest: Bool = false, takesCRC: Bool = false, _ workspace: Workspace,
        _ pulse: Pulse
    ) throws(CopyError) -> (StreamDigests, VerificationLevel) {
        if try isOutOfCache(file, length: length) {
            return (try read(file, length, takesDigest, takesCRC, workspace, pulse), .readBack)
        }
        if let direct = session.openDirect(file) {
            do throws(CopyError) {
                return (try read(direct, length, takesDigest, takesCRC, workspace, pulse), .readBack)
            } catch {
                // Only what cannot be read past the cache is read through it: a disk's error is not to hide behind that.
                guard error.cause?.number == EINVAL || error.cause?.code == .unsupported else { throw error }
            }
        }
        return (try read(file, length, takesDigest, takesCRC, workspace, pulse), .stream)
    }

    private func isOutOfCache(_ file: HeldFile, length: Int64) throws(CopyError) -> Bool {
        try session.dropsCache(of: file, 0..<length)
    }

    private func read(
        _ file: HeldFile, _ length: Int64, _ takesDigest: Bool, _ takesCRC: Bool, _ workspace: Workspace, _ pulse: Pulse
    ) throws(CopyError) -> StreamDigests {
        try digestAll(of: file, length, takesDigest, takesCRC, workspace.block.count, workspace, pulse) {
            (call) throws(CopyError) in
            try session.attempt(.verify, call)
        }
    }

    private func rereadSource(
        _ staged: StagedFile, _ workspace: Workspace, _ pulse: Pulse
    ) throws(CopyError) -> Checksum128 {
        // Best effort: pages that others use stay.
        try? calls.dropCache(staged.source.descriptor)
        let pace: SourcePace? = if case .beneath = staged.order.source { sourcePace } else { nil }
        let most = min(pace?.block ?? workspace.block.count, workspace.block.count)
        var left = staged.digests.byteCount
        return try digestAll(of: staged.source, staged.digests.byteCount, false, false, most, workspace, pulse) {
            (call) throws(CopyError) in
            if left > 0 { try pace?.wait(for: Int(min(left, Int64(most))), pulse) }
            let count = try onSource(.verify, call)
            left -= Int64(count)
            return count
        }.checksum
    }

    private func digestAll(
        of file: HeldFile, _ length: Int64, _ takesDigest: Bool, _ takesCRC: Bool, _ most: Int,
        _ workspace: Workspace, _ pulse: Pulse,
        attempt: (() throws(FileError) -> Int) throws(CopyError) -> Int
    ) throws(CopyError) -> StreamDigests {
        workspace.hash.begin(digest: takesDigest, crc32: takesCRC)
        let part = workspace.part(for: length, most: most)
        var offset: Int64 = 0
        while true {
            try beat(pulse, .verify)
            let count = try attempt { () throws(FileError) in
                try uninterrupted { () throws(FileError) in
                    try calls.read(file.descriptor, into: part, at: offset)
                }
            }
            workspace.hash.add(UnsafeRawBufferPointer(rebasing: workspace.block[..<count]))
            offset += Int64(count)
            try pace?.take(count, pulse)
            // At the expected length a part of a block has nothing behind it; reading on past the cache there is refused.
            if count == 0 || (offset >= length && count < part.count) { break }
        }
        return workspace.hash.finish()
    }

    /// Reads the source once more to say which side is to be suspected.
    private func mismatch(of staged: StagedFile, _ workspace: Workspace, _ pulse: Pulse) -> CopyError {
        let again = try? rereadSource(staged, workspace, pulse)
        let detail =
            switch again {
            case staged.digests.checksum: "the volume gave other bytes back than it was given"
            case nil: "other bytes came back, and the source cannot be read a second time"
            case .some: CopyError.sourceDiffers
            }
        return CopyError(.digestMismatch, at: .verify, detail: detail)
    }

    /// The source once more, before its copy gets a name: unchanged since before it was read.
    private func lookAgain(_ staged: StagedFile) throws(CopyError) {
        let found = try onSource(.lookAgain) { () throws(FileError) in
            try uninterrupted { () throws(FileError) in try calls.observe(staged.source.descriptor) }
        }
        guard found.isUnchanged(since: staged.sourceObservation) else {
            throw CopyError(.sourceChanged, at: .lookAgain, detail: "it changed while it was copied")
        }
    }
}
