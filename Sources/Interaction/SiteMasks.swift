package import Planning

/// What a medium's record says of when it was masked. No document says what stands in it: names of members are in
/// ``SiteDialect``, and what cannot be read is told apart from nothing.
package enum SiteMasks: Hashable, Sendable {
    case read([RecordedMask])
    /// Something was masked, and nobody knows when.
    case unreadable

    package static let none = SiteMasks.read([])

    init(_ value: JSONValue?, dialect: SiteDialect) {
        switch value {
        case nil, .null: self = .none
        case .list(let entries):
            let masks = entries.map { SiteMasks.mask($0, dialect) }
            self = masks.contains(nil) ? .unreadable : .read(masks.compactMap(\.self))
        case .bool, .number, .text, .object: self = .unreadable
        }
    }

    private static func mask(_ entry: JSONValue, _ dialect: SiteDialect) -> RecordedMask? {
        if let text = entry.text { return RecordedMask(text) }
        guard let members = entry.members,
            let start = dialect.maskStarts.lazy.compactMap({ members[$0] }).first.flatMap(moment)
        else { return nil }
        guard let end = dialect.maskEnds.lazy.compactMap({ members[$0] }).first, end != .null else {
            return RecordedMask(start: start, end: nil)
        }
        return moment(end).map { RecordedMask(start: start, end: $0) }
    }

    private static func moment(_ value: JSONValue) -> MaskMoment? { value.text.flatMap { MaskMoment($0) } }
}
