internal import Copying
internal import Planning
internal import Vocabulary

/// What the copies of a group showed of their volume.
struct WriteVerdict: Hashable, Sendable {
    /// How writes went, the failed ones last. What fails for one cause in one group is one write: a burst of errors, and
    /// what one failed sync took with it, say no more than one.
    var writes: [Bool] = []
    /// The size that a quota refused.
    var quota: Int64?
    /// The largest size that could not be reserved, or whose directory not be made, for want of space.
    var refused: Int64?
    /// In the middle of a copy.
    var ranOut = false
    var isReadOnly = false

    init(_ results: [(size: Int64, result: Result<Copied, CopyError>)]) {
        var failures: Set<CopyError.Code> = []
        for (size, result) in results {
            switch result {
            case .success: writes.append(true)
            case .failure(let error):
                switch error.code {
                case .volumeFull:
                    if error.step <= .reserve { refused = max(refused ?? 0, size) } else { ranOut = true }
                case .quota: quota = max(quota ?? 0, size)
                case .volumeReadOnly: isReadOnly = true
                case .durability: failures.insert(.durability)
                case .inputOutput where error.isFromDisk: failures.insert(.inputOutput)
                case .digestMismatch where error.blamesVolume: failures.insert(.digestMismatch)
                case .inputOutput, .digestMismatch, .sourceMissing, .sourceChanged, .sourceUnreadable, .sourceEscapes,
                    .crcMismatch,
                    .inodes, .volumeAbsent, .volumeReplaced, .volumeStale, .nameConflict, .unsupportedName,
                    .notPermitted, .timeout, .leaseLost, .cancelled, .exhausted:
                    break
                }
            }
        }
        writes += [Bool](repeating: false, count: failures.count)
    }

    var hasFailed: Bool { writes.contains(false) }
    var isQuiet: Bool { !hasFailed && quota == nil && refused == nil && !ranOut && !isReadOnly }
}
