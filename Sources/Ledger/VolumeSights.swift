package import Postgres
package import Vocabulary

/// How a volume looks from one process, where it can't be used from there.
package struct VolumeSight: Hashable, Sendable {
    package var volume: VolumeName
    package var host: String
    package var holder: Holder
    /// The planner's word: absent, hung, readonly.
    package var state: String
    package var reason: String?
    package var since: Instant
    /// When the process last said so.
    package var seen: Instant
    package var incident: Int64

    static let columns = ColumnList(
        plain: ["volume", "host", "holder", "state", "reason", "incident"], times: ["since", "seen_at"])

    init(_ row: Row) throws {
        volume = try row.name("volume")
        host = try row.text("host")
        holder = try row.name("holder")
        state = try row.text("state")
        reason = try row.optionalText("reason")
        since = try row.instant("since")
        seen = try row.instant("seen_at")
        incident = try row.integer("incident")
    }
}

/// Volumes that can't be used from some processes: a row each. One raise and one clear for a host, however many of its
/// processes meet it, and over their restarts.
package enum VolumeSights {
    /// A process that has said nothing for so long is gone.
    private static let silence = Duration.seconds(60)

    package static func all(in session: Session) throws -> [VolumeSight] {
        try session.answer(all())
    }

    package static func all() -> Question<[VolumeSight]> {
        Question(
            "select \(VolumeSight.columns.text(of: "volume_sight")) from takeup.volume_sight order by volume, host, since",
            []
        ) { rows in try rows.map(VolumeSight.init) }
    }

    /// This process can't use the volume, or still can't.
    /// - Returns: whether nobody on this host said so before, and the outage as it stands.
    package static func note(
        _ volume: VolumeName, host: String, holder: Holder, state: String, reason: String?, in session: Session
    ) throws -> (isNew: Bool, sight: VolumeSight) {
        try lock(volume, host, in: session)
        let standing = try session.query(
            "select \(VolumeSight.columns.text(of: "volume_sight")) from takeup.volume_sight where volume = $1 and host = $2",
            [Value(volume), .text(host)]
        ).map(VolumeSight.init)
        let row = try session.first(
            """
            insert into takeup.volume_sight as standing (volume, host, holder, state, reason, since, incident)
            values ($1, $2, $3, $4, $5,
                coalesce((select min(since) from takeup.volume_sight where volume = $1 and host = $2),
                    statement_timestamp()),
                coalesce((select min(incident) from takeup.volume_sight where volume = $1 and host = $2),
                    nextval('takeup.incident')))
            on conflict (volume, host, holder) do update set state = excluded.state, reason = excluded.reason,
                seen_at = statement_timestamp()
            returning \(VolumeSight.columns.text(of: "standing"))
            """, [Value(volume), .text(host), Value(holder), .text(state), Value(reason)])
        guard let row else { preconditionFailure("an insert that updates on conflict returned no row") }
        return (!standing.contains { $0.state == state }, try VolumeSight(row))
    }

    /// This process can use it.
    /// - Returns: the outage where it is over for the host: nobody else there says otherwise.
    package static func clear(
        _ volume: VolumeName, host: String, holder: Holder, in session: Session
    ) throws -> VolumeSight? {
        try lock(volume, host, in: session)
        let gone = try session.query(
            """
            delete from takeup.volume_sight
            where volume = $1 and host = $2
                and (holder = $3 or seen_at < statement_timestamp() - $4::interval)
            returning \(VolumeSight.columns.text(of: "volume_sight"))
            """, [Value(volume), .text(host), Value(holder), Value(silence)]
        ).map(VolumeSight.init)
        let left = try session.first(
            "select 1 from takeup.volume_sight where volume = $1 and host = $2 limit 1", [Value(volume), .text(host)])
        return left == nil ? gone.min { $0.since < $1.since } : nil
    }

    private static func lock(_ volume: VolumeName, _ host: String, in session: Session) throws {
        try session.send(
            "select pg_advisory_xact_lock(hashtext('takeup volume sight'), hashtext($1 || '@' || $2))",
            [Value(volume), .text(host)])
    }
}
