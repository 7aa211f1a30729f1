internal import Glibc
package import Settings

/// Who copies belong to, as numbers.
package struct Ownership: Hashable, Sendable {
    /// Nil: whoever we run as.
    package let user: UInt32?
    package let group: UInt32?

    package struct Unknown: Error, CustomStringConvertible {
        let what: String
        package var description: String {
            "\(what) of `replay.ownership` is not known on this machine: create it, or leave the setting out"
        }
    }

    /// Throws ``Unknown`` for a name that this machine does not know.
    package init(_ settings: OwnershipSettings) throws {
        user = try settings.user.map { name in
            guard let entry = getpwnam(name) else { throw Unknown(what: "The user \(name)") }
            return entry.pointee.pw_uid
        }
        group = try settings.group.map { name in
            guard let entry = getgrnam(name) else { throw Unknown(what: "The group \(name)") }
            return entry.pointee.gr_gid
        }
    }
}
