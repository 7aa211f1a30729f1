package import Files
internal import Vocabulary

/// Why an order did not become a copy. The staged file is gone, or is found by its token.
package struct CopyError: Error, Retryable, Hashable, CustomStringConvertible {
    package enum Code: String, CaseIterable, Hashable, Sendable {
        case sourceMissing, sourceChanged, sourceUnreadable, sourceEscapes
        /// The source's CRC-32 is not the row's.
        case crcMismatch
        /// No bytes left, no inodes left, or our allowance used up.
        case volumeFull, inodes, quota
        case volumeReadOnly
        /// Not mounted, or gone meanwhile.
        case volumeAbsent
        /// Another volume is where it was.
        case volumeReplaced
        /// What lies behind an open volume has forgotten it.
        case volumeStale
        /// The volume gave other bytes back than it was given.
        case digestMismatch
        /// The kernel could not make it durable. Never tried again on the same bytes.
        case durability
        /// The name is taken by other bytes.
        case nameConflict
        /// The volume cannot hold such a name, or such a size.
        case unsupportedName
        case notPermitted, timeout, inputOutput
        /// The caller's lease is no longer held; nothing was published.
        case leaseLost
        case cancelled
        /// Descriptors or memory have run out here.
        case exhausted
    }

    /// Where on its way the order was.
    package enum Step: String, CaseIterable, Hashable, Comparable, Sendable {
        case prepare, open, reserve, copy, sync, verify, lookAgain, lease, publish, settle
        private var rank: Int { CopyError.Step.order.firstIndex(of: self) ?? 0 }
        private static let order: [Step] = [
            .prepare, .open, .reserve, .copy, .sync, .verify, .lookAgain, .lease, .publish, .settle,
        ]
        package static func < (one: Step, other: Step) -> Bool { one.rank < other.rank }
    }

    package let code: Code
    package let step: Step
    /// A sentence part for people, without names.
    package let detail: String?
    package let cause: FileError?

    package init(_ code: Code, at step: Step, detail: String? = nil, cause: FileError? = nil) {
        self.code = code
        self.step = step
        self.detail = detail
        self.cause = cause
    }

    /// Whether the final name may exist: then it is garbage until swept or adopted.
    package var mayBePublished: Bool { step >= .publish && code != .nameConflict && code != .unsupportedName }

    /// Whether it was written whole and never given its name, and never will be.
    package var isWithheld: Bool { step > .copy && step < .publish }

    /// Whether a hidden file or the final name may be there: what was put away failed silently, or hangs.
    package var mayHaveLeftFiles: Bool { step >= .reserve }

    /// Whether the same order can succeed later without a person's help.
    package var isTransient: Bool {
        switch code {
        case .sourceMissing, .sourceChanged, .sourceUnreadable, .volumeFull, .inodes, .quota, .volumeReadOnly,
            .volumeAbsent, .volumeReplaced, .volumeStale, .digestMismatch, .durability, .timeout, .inputOutput,
            .leaseLost, .cancelled, .exhausted:
            true
        case .sourceEscapes, .crcMismatch, .nameConflict, .unsupportedName, .notPermitted: false
        }
    }

    /// What is told where the source gave other bytes the second time: then nothing is known against the volume.
    static let sourceDiffers = "the source gave other bytes the second time"

    /// Whether the volume is to be suspected.
    package var blamesVolume: Bool {
        switch code {
        case .digestMismatch: detail != CopyError.sourceDiffers
        case .durability, .inputOutput: true
        case .sourceMissing, .sourceChanged, .sourceUnreadable, .sourceEscapes, .crcMismatch, .volumeFull, .inodes,
            .quota, .volumeReadOnly, .volumeAbsent, .volumeReplaced, .volumeStale, .nameConflict, .unsupportedName,
            .notPermitted, .timeout, .leaseLost, .cancelled, .exhausted:
            false
        }
    }

    /// Whether an input or output error is the disk's: a directory that others removed meanwhile, or one that is busy, is
    /// none.
    package var isFromDisk: Bool {
        guard let cause else { return true }
        switch cause.code {
        case .inputOutput, .other: return true
        case .notFound, .notDirectory, .exists, .noSpace, .quota, .readOnly, .tooLarge, .stale, .notPermitted,
            .unsupported, .nameTooLong, .crossesDevice, .escapes, .busy, .timeout, .interrupted, .exhausted:
            return false
        }
    }

    package var description: String {
        "copy, \(step.rawValue): \(code.rawValue)" + (detail.map { ", \($0)" } ?? "")
            + (cause.map { " (\($0))" } ?? "")
    }
}

extension CopyError {
    /// A failed call about the source.
    package init(source error: FileError, at step: Step) {
        let code: Code =
            switch error.code {
            case .notFound, .notDirectory: .sourceMissing
            case .escapes: .sourceEscapes
            case .exhausted: .exhausted
            case .exists, .noSpace, .quota, .readOnly, .tooLarge, .inputOutput, .stale, .notPermitted, .unsupported,
                .nameTooLong, .crossesDevice, .busy, .timeout, .interrupted, .other:
                .sourceUnreadable
            }
        self.init(code, at: step, cause: error)
    }

    /// A failed call about the volume. No bytes and no inodes left are one number; `isOutOfInodes` tells them apart.
    package init(volume error: FileError, at step: Step, isOutOfInodes: Bool = false) {
        let code: Code =
            switch error.code {
            case .noSpace: isOutOfInodes ? .inodes : .volumeFull
            case .quota: .quota
            case .readOnly: .volumeReadOnly
            case .stale: .volumeStale
            case .tooLarge, .nameTooLong, .unsupported, .escapes: .unsupportedName
            case .notPermitted: .notPermitted
            case .timeout: .timeout
            case .exhausted: .exhausted
            case .inputOutput, .notFound, .notDirectory, .exists, .crossesDevice, .busy, .interrupted, .other:
                step == .sync || step == .settle ? .durability : .inputOutput
            }
        self.init(code, at: step, cause: error)
    }
}
