package import Postgres
package import Vocabulary

/// Something that is told once, again from time to time, and once when it is over, by whichever process meets it.
package struct Alert: Hashable, Sendable {
    package var kind: String
    /// What it is about, the same text each time.
    package var subject: String
    /// The same in raise, reminders and clear.
    package var incident: Int64
    package var since: Instant
    /// When it was raised or reminded of last.
    package var told: Instant
    /// When it was met last.
    package var met: Instant

    static let columns = "kind, subject, incident, since_us, told_us, met_us"

    init(_ row: Row) throws {
        kind = try row.text("kind")
        subject = try row.text("subject")
        incident = try row.integer("incident")
        since = Instant(microseconds: try row.integer("since_us"))
        told = Instant(microseconds: try row.integer("told_us"))
        met = Instant(microseconds: try row.integer("met_us"))
    }
}

/// Alerts that stand. Times come from whoever meets them: hosts of one replay keep their clocks within minutes.
package enum Alerts {
    package enum Telling: Hashable, Sendable {
        case raise, remind, nothing
    }

    /// It is met: says whether that is to be told, to one process alone.
    /// - Parameters:
    ///   - incident: where one stands for it already.
    ///   - reminder: from one telling to the next; nil for none.
    package static func meet(
        _ kind: String, _ subject: String, incident: Int64? = nil, at now: Instant, reminder: Duration?,
        in session: Session
    ) throws -> (telling: Telling, alert: Alert) {
        let row = try session.first(
            """
            insert into takeup.alert as standing (kind, subject, incident, since_us, told_us, met_us, told_before_us)
            values ($1, $2, coalesce($3::bigint, nextval('takeup.incident')), $4, $4, $4, $4)
            on conflict (kind, subject) do update set met_us = greatest(standing.met_us, excluded.met_us),
                told_before_us = standing.told_us,
                told_us = case when excluded.told_us - standing.told_us >= $5::bigint
                    then excluded.told_us else standing.told_us end
            returning \(Alert.columns), xmax = 0 as is_new, told_us > told_before_us as is_reminder
            """,
            [
                .text(kind), .text(subject), incident.map { Value.integer($0) } ?? .null, .integer(now.microseconds),
                reminder.map { Value.integer($0.wholeMicroseconds) } ?? .null,
            ])
        guard let row else { preconditionFailure("an insert that updates on conflict returned no row") }
        let alert = try Alert(row)
        if try row.boolean("is_new") { return (.raise, alert) }
        return (try row.boolean("is_reminder") ? .remind : .nothing, alert)
    }

    /// It is over. Nil where it did not stand, or another process has told of it.
    package static func clear(_ kind: String, _ subject: String, in session: Session) throws -> Alert? {
        try session.first(
            "delete from takeup.alert where kind = $1 and subject = $2 returning \(Alert.columns)",
            [.text(kind), .text(subject)]
        ).map(Alert.init)
    }

    /// The same, unless it was met after `instant`.
    package static func clear(
        _ kind: String, _ subject: String, notMetAfter instant: Instant, in session: Session
    ) throws -> Alert? {
        try session.first(
            """
            delete from takeup.alert where kind = $1 and subject = $2 and met_us <= $3 returning \(Alert.columns)
            """, [.text(kind), .text(subject), .integer(instant.microseconds)]
        ).map(Alert.init)
    }

    package static func all(in session: Session) throws -> [Alert] {
        try session.query("select \(Alert.columns) from takeup.alert order by incident, kind, subject").map(Alert.init)
    }
}
