/// A name or identity that is text underneath. Each concept has a type of its own, so that none is taken for another.
package protocol TextName: RawRepresentable<String>, Hashable, Comparable, Sendable, CustomStringConvertible {
    init(rawValue: String)
}

extension TextName {
    package init(_ text: String) { self.init(rawValue: text) }
    package var description: String { rawValue }
    package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
}

/// The name of a source in the settings (the manual's *sysname*); unique.
package struct SourceName: TextName {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// The name of a volume in the settings; unique.
package struct VolumeName: TextName {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// What a volume's marker file holds: a lower-case UUID, written once by `takeup volume init`.
package struct VolumeID: TextName {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// One file system, as an account of space: the smallest ``VolumeID`` of the volumes that lie on it.
package struct AccountID: TextName {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// The absolute path of a mount as the settings name it; the identity that agents, transfers and the advisory lock use.
package struct MountPath: TextName {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// One running process of Takeup: host, process id and a random part, so that a reused pid is another holder.
package struct Holder: TextName {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// The synchronization id of a recording: the same in every database for the same call leg. Two are the same when their
/// bytes are, as for the database.
///
/// It may be made of phone numbers, so it never goes into text: its description is withheld, and events name a
/// recording by ``RecordingReference``.
package struct Sid: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
    package init(_ text: String) { rawValue = text }
    package var description: String { "(sid withheld)" }
    package static func == (one: Sid, other: Sid) -> Bool { ByteOrder.areSame(one.rawValue, other.rawValue) }
    package func hash(into hasher: inout Hasher) { ByteOrder.hash(rawValue, into: &hasher) }
    package static func < (one: Sid, other: Sid) -> Bool { ByteOrder.precedes(one.rawValue, other.rawValue) }
}

/// A recording as text may name it: the source and the recording's id there. It holds no phone number.
package struct RecordingReference: Hashable, Sendable, CustomStringConvertible {
    package let source: SourceName
    package let id: Int64
    package init(source: SourceName, id: Int64) {
        self.source = source
        self.id = id
    }
    package var description: String { "\(source)/\(id)" }

    /// Of what ``description`` gives.
    package init?(_ description: String) {
        guard let slash = description.lastIndex(of: "/"),
            let id = Int64(description[description.index(after: slash)...])
        else { return nil }
        self.init(source: SourceName(String(description[..<slash])), id: id)
    }
}

/// Proof that an intent is still held: grows with every intent ever made. A late worker's token is no longer there.
package struct FencingToken: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package var description: String { String(rawValue) }
    package static func < (one: FencingToken, other: FencingToken) -> Bool { one.rawValue < other.rawValue }
}
