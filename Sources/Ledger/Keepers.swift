package import Postgres
package import Vocabulary

/// The keeper role of a source, held for a time.
package struct KeeperLease: Hashable, Sendable {
    package var source: SourceName
    package var holder: Holder
    /// Grows with every change of holder.
    package var token: FencingToken
    package var until: Instant

    static let columns = ColumnList(plain: ["source", "holder", "token"], times: ["lease_until"])

    init(_ row: Row) throws {
        source = try row.name("source")
        holder = try row.name("holder")
        token = FencingToken(rawValue: try row.integer("token"))
        until = try row.instant("lease_until")
    }
}

/// Who looks at which source's catalog.
package enum Keepers {
    /// Takes the role where nobody has it, or its lease ended, or lengthens it where `holder` has it. Nil: another
    /// agent has it.
    package static func take(
        source: SourceName, holder: Holder, lease: Duration, in session: Session
    ) throws -> KeeperLease? {
        try session.first(
            """
            insert into takeup.keeper as standing (source, holder, token, lease_until)
            values ($1, $2, nextval('takeup.keeper_token'), statement_timestamp() + $3::interval)
            on conflict (source) do update set
                token = case when standing.holder = excluded.holder then standing.token else excluded.token end,
                holder = excluded.holder, lease_until = excluded.lease_until
            where standing.holder = excluded.holder or standing.lease_until < statement_timestamp()
            returning \(KeeperLease.columns.text(of: "standing"))
            """, [Value(source), Value(holder), Value(lease)]
        ).map(KeeperLease.init)
    }

    /// Whether the lease still stands, also past its end while nobody else took it. Nobody can until the transaction
    /// ends. First in the order of locks.
    package static func confirm(_ lease: KeeperLease, in session: Session) throws -> Bool {
        try session.first(
            "select from takeup.keeper where source = $1 and holder = $2 and token = $3 for share",
            [Value(lease.source), Value(lease.holder), Value(lease.token)]) != nil
    }

    /// Lets another agent take the role at once.
    package static func release(_ lease: KeeperLease, in session: Session) throws {
        try session.execute(
            """
            update takeup.keeper set lease_until = '-infinity'
            where source = $1 and holder = $2 and token = $3
            """, [Value(lease.source), Value(lease.holder), Value(lease.token)])
    }

    /// Those whose lease runs.
    package static func all(in session: Session) throws -> [KeeperLease] {
        try session.query(
            """
            select \(KeeperLease.columns.text(of: "keeper")) from takeup.keeper
            where lease_until >= statement_timestamp() order by source
            """
        ).map(KeeperLease.init)
    }
}
