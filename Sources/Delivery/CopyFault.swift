package import Copying
internal import Files
package import Telemetry
internal import Vocabulary

/// What is told of a failed copy: each fault by an event of its own, with a word for which of its ways it took.
package struct CopyFault: Hashable, Sendable {
    /// Who is to be asked about it, and so who tells.
    package enum Side: Hashable, Sendable {
        /// The volume, or this machine: told by the delivery, which knows the volume.
        case volume
        /// The original: told by whoever asked for the copy, once its mount has proved itself.
        case original
    }

    /// How often.
    package enum Telling: Hashable, Sendable {
        /// Of each copy.
        case each
        /// Once for what one call took with it.
        case together
        /// At most once a minute for each volume or mount, with a count.
        case paced
    }

    package let event: Event
    package let reason: String
    package let resource: Resource?
    package let side: Side
    package let telling: Telling

    static let period = Duration.seconds(60)

    /// A fault at the volume where it was met; nil: before there was one.
    struct Place: Hashable, Sendable {
        let volume: VolumeID?
        let fault: CopyFault
    }

    /// Nil where nothing is to be said of the copy itself: a file that is not there is told of after its grace time, a
    /// lost lease as such, and a stop is none.
    package init?(_ error: CopyError) {
        switch error.code {
        case .sourceMissing, .leaseLost, .cancelled: return nil
        case .sourceChanged: self.init(.sourceChanged, error.step.rawValue, side: .original, telling: .each)
        case .sourceUnreadable: self.init(.sourceUnreadable, CopyFault.why(error), side: .original)
        case .sourceEscapes: self.init(.pathRefused, error.step.rawValue, side: .original, telling: .each)
        case .crcMismatch: self.init(.digestMismatch, "CRC-32", side: .original, telling: .each)
        case .volumeFull where error.step <= .reserve: self.init(.reserveRefused, error.step.rawValue, .bytes)
        case .volumeFull: self.init(.copyEnospc, error.step.rawValue, .bytes)
        case .quota: self.init(.copyQuota, error.step.rawValue, .quota)
        case .inodes: self.init(.copyInodes, error.step.rawValue, .inodes)
        case .volumeReadOnly: self.init(.copyReadonly, error.step.rawValue)
        case .volumeAbsent: self.init(.copyVolumeGone, error.step == .prepare ? "absent" : "unmounted")
        case .volumeReplaced: self.init(.copyWrongDisk, "identity")
        case .volumeStale: self.init(.copyStale, error.step.rawValue)
        case .timeout: self.init(.copyHung, error.step.rawValue)
        case .digestMismatch: self.init(.verifyMismatch, error.blamesVolume ? "volume" : "original", telling: .each)
        case .durability, .inputOutput: self.init(.durabilityFailed, CopyFault.undone(error), telling: .together)
        case .nameConflict: self.init(.nameConflict, "other-content", telling: .each)
        case .unsupportedName: self.init(.copyUnsupported, CopyFault.unfit(error))
        case .notPermitted: self.init(.copyDenied, error.step.rawValue)
        case .exhausted: self.init(.resourceLimit, error.step.rawValue)
        }
    }

    private init(
        _ event: Event, _ reason: String, _ resource: Resource? = nil, side: Side = .volume,
        telling: Telling = .paced
    ) {
        self.event = event
        self.reason = reason
        self.resource = resource
        self.side = side
        self.telling = telling
    }

    package func facts(of error: CopyError) -> [Fact] {
        [.reason(reason), .detail(error)] + (resource.map { [.resource($0)] } ?? [])
            + (error.cause?.number.map { [.errno($0)] } ?? [])
    }

    /// Why an original cannot be read.
    private static func why(_ error: CopyError) -> String {
        switch error.cause?.code {
        case .inputOutput: "disk"
        case .stale, .timeout: "server"
        case .notPermitted: "rights"
        case .notFound, .notDirectory, .exists, .noSpace, .quota, .readOnly, .tooLarge, .unsupported, .nameTooLong,
            .crossesDevice, .escapes, .busy, .interrupted, .exhausted, .other, nil:
            "other"
        }
    }

    /// What a volume did not do.
    private static func undone(_ error: CopyError) -> String {
        if error.cause?.isOfClosing == true { return "close" }
        return switch error.step {
        case .prepare, .settle: "directory"
        case .open, .reserve: "reserve"
        case .copy: "write"
        case .sync: "fsync"
        case .verify, .lookAgain: "read-back"
        case .lease, .publish: "publish"
        }
    }

    /// What a volume cannot hold.
    private static func unfit(_ error: CopyError) -> String {
        switch error.cause?.code {
        case .nameTooLong: "name-too-long"
        case .tooLarge: "size"
        case .unsupported, .notFound, .notDirectory, .exists, .noSpace, .quota, .readOnly, .inputOutput, .stale,
            .notPermitted, .crossesDevice, .escapes, .busy, .timeout, .interrupted, .exhausted, .other, nil:
            "name"
        }
    }
}
