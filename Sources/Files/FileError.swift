internal import Glibc
package import Vocabulary

/// The calls to the kernel that this module makes, as errors, faults and tests name them.
package enum FileCall: String, CaseIterable, Hashable, Sendable {
    case open, openBeneath, createUnnamed, createNamed, makeDirectory, list
    case observe, observeName, fileSystem
    case read, write, allocate, setDirect, setMode, setOwner, setTimes
    case listAttributes, readAttribute, setAttribute
    case syncFile, syncDirectory, syncFileSystem, dropCache, residentPages
    case link, linkName, rename, replace, unlink, close
}

/// A call to the kernel about a file that failed.
package struct FileError: Error, Retryable, Hashable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        case notFound, notDirectory, exists, noSpace, quota, readOnly, tooLarge, inputOutput
        /// The server or the file system behind a descriptor is gone (ESTALE, ENOTCONN).
        case stale
        case notPermitted, unsupported, nameTooLong, crossesDevice
        /// A path led out of the directory that it must stay beneath.
        case escapes
        case busy, timeout, interrupted
        /// Descriptors or memory have run out.
        case exhausted
        case other
    }

    package let code: Code
    /// What was being done, without a name: "write".
    package let doing: String
    /// To what. Kept out of ``description``, since names may hold phone numbers.
    package let path: FilePath?
    /// errno, where a call gave one.
    package let number: CInt?

    package init(_ code: Code, doing: String, path: FilePath? = nil, number: CInt? = nil) {
        self.code = code
        self.doing = doing
        self.path = path
        self.number = number
    }

    /// The error of a call that failed with `number`.
    package init(_ call: FileCall, number: CInt, path: FilePath? = nil) {
        self.init(FileError.code(of: number, in: call), doing: call.doing, path: path, number: number)
    }

    /// Whether the same call can succeed later without a person's help.
    package var isTransient: Bool {
        switch code {
        case .notFound, .noSpace, .quota, .inputOutput, .stale, .busy, .timeout, .interrupted, .exhausted, .readOnly:
            true
        case .notDirectory, .exists, .tooLarge, .notPermitted, .unsupported, .nameTooLong, .crossesDevice, .escapes,
            .other:
            false
        }
    }

    /// Whether it was close(2) that failed: what was written before may be lost.
    package var isOfClosing: Bool { doing == FileCall.close.doing }

    package var description: String {
        doing + ": " + code.rawValue + (number.map { " (\(FileError.name(of: $0)))" } ?? "")
    }

    /// What a number means depends on the call: EXDEV is a refused escape for one and another file system for the next.
    private static func code(of number: CInt, in call: FileCall) -> Code {
        switch (call, number) {
        case (.openBeneath, EXDEV), (.openBeneath, ELOOP): .escapes
        case (.createUnnamed, EISDIR), (.createUnnamed, EINVAL), (.rename, EINVAL), (.open, EINVAL),
            (.allocate, EINVAL), (.setDirect, EINVAL), (.syncDirectory, EINVAL), (.linkName, EPERM),
            (.linkName, EMLINK),
            // A name that the file system does not allow.
            (.makeDirectory, EINVAL), (.createNamed, EINVAL), (.link, EINVAL), (.linkName, EINVAL):
            .unsupported
        case (.readAttribute, ENODATA), (.setAttribute, ENODATA): .notFound
        // What a disk says of a medium's error and of broken protection information, where no cache stands between.
        case (.read, EILSEQ), (.write, EILSEQ), (.syncFile, EILSEQ): .inputOutput
        default: general[number] ?? .other
        }
    }

    private static let general: [CInt: Code] = [
        ENOENT: .notFound, ENODATA: .inputOutput, EBADE: .inputOutput, E2BIG: .tooLarge, ERANGE: .tooLarge,
        ENOTDIR: .notDirectory,
        EEXIST: .exists, ENOSPC: .noSpace, EDQUOT: .quota,
        EROFS: .readOnly, EFBIG: .tooLarge, EIO: .inputOutput, ENXIO: .inputOutput, EREMOTEIO: .inputOutput,
        EUCLEAN: .inputOutput, ESTALE: .stale, ENOTCONN: .stale, EHOSTDOWN: .stale, ENODEV: .stale,
        EACCES: .notPermitted, EPERM: .notPermitted, EOPNOTSUPP: .unsupported, ENOSYS: .unsupported,
        EILSEQ: .unsupported, ENAMETOOLONG: .nameTooLong, EXDEV: .crossesDevice, ELOOP: .escapes, EBUSY: .busy,
        EAGAIN: .busy, ETIMEDOUT: .timeout, EINTR: .interrupted, EMFILE: .exhausted, ENFILE: .exhausted,
        ENOMEM: .exhausted,
    ]

    private static let names: [CInt: String] = [
        ENOENT: "ENOENT", ENOTDIR: "ENOTDIR", EEXIST: "EEXIST", ENOSPC: "ENOSPC", EDQUOT: "EDQUOT", EROFS: "EROFS",
        EFBIG: "EFBIG", EIO: "EIO", ENXIO: "ENXIO", EREMOTEIO: "EREMOTEIO", EUCLEAN: "EUCLEAN", ESTALE: "ESTALE",
        ENOTCONN: "ENOTCONN", EHOSTDOWN: "EHOSTDOWN", ENODEV: "ENODEV", EACCES: "EACCES", EPERM: "EPERM",
        EOPNOTSUPP: "EOPNOTSUPP", ENOSYS: "ENOSYS", EILSEQ: "EILSEQ", ENAMETOOLONG: "ENAMETOOLONG", EXDEV: "EXDEV",
        ELOOP: "ELOOP", EBUSY: "EBUSY", EAGAIN: "EAGAIN", ETIMEDOUT: "ETIMEDOUT", EINTR: "EINTR", EMFILE: "EMFILE",
        ENFILE: "ENFILE", ENOMEM: "ENOMEM", EINVAL: "EINVAL", EISDIR: "EISDIR", EBADF: "EBADF", EMLINK: "EMLINK",
        ENOTEMPTY: "ENOTEMPTY", ENODATA: "ENODATA", E2BIG: "E2BIG", ERANGE: "ERANGE",
    ]

    private static func name(of number: CInt) -> String { names[number] ?? "errno \(number)" }
}

extension FileCall {
    fileprivate var doing: String {
        switch self {
        case .open: "open"
        case .openBeneath: "open beneath a directory"
        case .createUnnamed: "create an unnamed file"
        case .createNamed: "create a file"
        case .makeDirectory: "make a directory"
        case .list: "list a directory"
        case .observe, .observeName: "look at a file"
        case .fileSystem: "look at a file system"
        case .read: "read"
        case .write: "write"
        case .allocate: "reserve space"
        case .setDirect: "turn to reading and writing past the cache"
        case .setMode: "set the mode"
        case .setOwner: "set the owner"
        case .setTimes: "set the times"
        case .listAttributes: "list extended attributes"
        case .readAttribute: "read an extended attribute"
        case .setAttribute: "set an extended attribute"
        case .syncFile: "make a file durable"
        case .syncDirectory: "make a directory durable"
        case .syncFileSystem: "make a file system durable"
        case .dropCache: "drop a file from the cache"
        case .residentPages: "count pages in the cache"
        case .link, .linkName: "link"
        case .rename, .replace: "rename"
        case .unlink: "unlink"
        case .close: "close"
        }
    }
}

/// Makes the call again while a signal interrupts it. Not for `fsync`, `syncfs` and `close`, which are never tried
/// again: a second try can report success for data that is lost.
package func uninterrupted<Value: ~Copyable>(
    _ call: () throws(FileError) -> Value
) throws(FileError) -> Value {
    while true {
        do {
            return try call()
        } catch {
            if error.code != .interrupted { throw error }
        }
    }
}
