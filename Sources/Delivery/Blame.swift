internal import Catalogs
package import Copying
package import Files
internal import Glibc
internal import Postgres

/// What a failed attempt is to be blamed on. Only what is wrong with the recording itself counts towards giving it up;
/// an outage of anything around it never does.
package enum Blame: Hashable, Sendable {
    case recording
    case surroundings

    /// Of a failed copy. What looks like the file's fault is the mount's where that does not prove itself: the caller
    /// asks it.
    package init(_ error: CopyError) {
        switch error.code {
        case .sourceMissing, .sourceChanged, .sourceEscapes, .crcMismatch: self = .recording
        // Where a volume knows neither links nor renames that replace nothing, every file is refused, whatever its name.
        case .unsupportedName:
            self = error.cause?.code == .unsupported && error.cause?.number != EILSEQ ? .surroundings : .recording
        case .sourceUnreadable: self = error.cause.map(Blame.init(reading:)) ?? .recording
        case .volumeFull, .inodes, .quota, .volumeReadOnly, .volumeAbsent, .volumeReplaced, .volumeStale,
            .digestMismatch,
            .durability, .nameConflict, .notPermitted, .timeout, .inputOutput, .leaseLost, .cancelled, .exhausted:
            self = .surroundings
        }
    }

    /// Of a look or a read at the recorder's file.
    package init(reading error: FileError) {
        switch error.code {
        // A soft mount answers with these when its server is away.
        case .timeout, .exhausted, .stale, .interrupted, .busy: self = .surroundings
        case .notFound, .notDirectory, .escapes, .exists, .noSpace, .quota, .readOnly, .tooLarge, .inputOutput,
            .notPermitted, .unsupported, .nameTooLong, .crossesDevice, .other:
            self = .recording
        }
    }

    /// Of rows that the replay's database did not take.
    package init(committing error: any Error) {
        if let error = error as? CatalogError {
            switch error.code {
            case .path, .ignored: self = .recording
            case .tables, .identities, .gone, .transaction: self = .surroundings
            }
            return
        }
        guard let error = error as? PostgresError else {
            self = .surroundings
            return
        }
        switch error.code {
        case .refused, .badValue, .uniqueViolation: self = .recording
        case .unreachable, .connectionLost, .commitUnknown, .conflict, .timeout, .permission, .badSettings, .schema,
            .resources, .other:
            self = .surroundings
        }
    }
}
