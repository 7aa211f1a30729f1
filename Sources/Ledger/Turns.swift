package import Postgres
package import Vocabulary

/// Sources of one group take turns: one at a time, and who waited longest next.
package enum Turns {
    /// Asks for the group's turn for `source`, or lengthens it where `holder` has it for that source. Ask again until
    /// it is given: who asked within `patience` is waited for, a dead one is not.
    ///
    /// Inside a *read committed* transaction.
    package static func take(
        group: String, source: SourceName, holder: Holder, lease: Duration, patience: Duration, in session: Session
    ) throws -> Bool {
        let names: [Value] = [.text(group), Value(source)]
        try session.execute(
            "insert into takeup.source_group (name) values ($1) on conflict do nothing", [.text(group)])
        // Everything about a group happens while its row is locked.
        let standing = try session.first(
            """
            select source, holder, coalesce(lease_until >= statement_timestamp(), false) as runs
            from takeup.source_group where name = $1 for update
            """, [.text(group)])
        try session.execute(
            """
            insert into takeup.source_turn (group_name, source, asked_at) values ($1, $2, statement_timestamp())
            on conflict (group_name, source) do update set asked_at = excluded.asked_at
            """, names)
        let isOurs =
            try standing?.optionalName("source") == source && standing?.optionalName("holder") == holder
        if !isOurs {
            if try standing?.boolean("runs") == true { return false }
            // A turn that ran out counts as one that was had.
            if let last = try standing?.optionalName("source", as: SourceName.self) {
                try end(group: group, source: last, in: session)
                try session.execute(
                    "update takeup.source_group set source = null, holder = null where name = $1", [.text(group)])
            }
            if try isBehind(names, patience, in: session) { return false }
        }
        try session.execute(
            """
            update takeup.source_group set source = $2, holder = $3, lease_until = statement_timestamp() + $4::interval
            where name = $1
            """, names + [Value(holder), Value(lease)])
        return true
    }

    /// Whether another source of the group asks, too, and had its last turn before ours.
    private static func isBehind(_ names: [Value], _ patience: Duration, in session: Session) throws -> Bool {
        try session.query(
            """
            select from takeup.source_turn as other
            join takeup.source_turn as own on own.group_name = other.group_name and own.source = $2
            where other.group_name = $1 and other.source <> $2
                and other.asked_at > statement_timestamp() - $3::interval
                and coalesce(other.ended_at, '-infinity') < coalesce(own.ended_at, '-infinity')
            limit 1
            """, names + [Value(patience)]
        ).isEmpty == false
    }

    /// Ends the turn, for the next source of the group. In a transaction.
    package static func yield(group: String, source: SourceName, holder: Holder, in session: Session) throws {
        let yielded = try session.execute(
            """
            update takeup.source_group set source = null, holder = null, lease_until = null
            where name = $1 and source = $2 and holder = $3
            """, [.text(group), Value(source), Value(holder)])
        if yielded == 0 { return }
        try end(group: group, source: source, in: session)
        try session.execute(
            "update takeup.source_turn set asked_at = '-infinity' where group_name = $1 and source = $2",
            [.text(group), Value(source)])
    }

    private static func end(group: String, source: SourceName, in session: Session) throws {
        try session.execute(
            "update takeup.source_turn set ended_at = clock_timestamp() where group_name = $1 and source = $2",
            [.text(group), Value(source)])
    }
}
