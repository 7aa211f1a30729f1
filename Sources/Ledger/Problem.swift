internal import Postgres
package import Vocabulary

/// Something that a person must look at: what, where, since when, what now. Opened once, closed once.
package struct Problem: Hashable, Identifiable, Sendable {
    package struct ID: RowNumber {
        package let rawValue: Int64
        package init(rawValue: Int64) { self.rawValue = rawValue }
    }

    package var id: ID
    /// `missing_file`, `volume_full`: one word for each kind.
    package var kind: String
    /// What it is about, the same text each time. No phone numbers: a reference, a mount, a volume's name.
    package var subject: String
    /// `source/id` of a recording, where it is about one.
    package var reference: String?
    /// A sentence without phone numbers.
    package var what: String
    /// What a person can do.
    package var hint: String?
    /// How often it was met since it was opened.
    package var count: Int
    package var opened: Instant
    package var last: Instant
    package var closed: Instant?

    /// Whether the call that gave this opened it.
    package var isNew: Bool { count == 1 && closed == nil }

    static let columns = ColumnList(
        plain: ["id", "kind", "subject", "reference", "what", "hint", "count"],
        times: ["opened_at", "last_at", "closed_at"])

    init(_ row: Row) throws {
        id = try row.number("id")
        kind = try row.text("kind")
        subject = try row.text("subject")
        reference = try row.optionalText("reference")
        what = try row.text("what")
        hint = try row.optionalText("hint")
        count = try row.count("count")
        opened = try row.instant("opened_at")
        last = try row.instant("last_at")
        closed = try row.optionalInstant("closed_at")
    }
}
