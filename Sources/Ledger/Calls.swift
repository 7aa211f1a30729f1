package import Postgres
package import Vocabulary

/// A call as its source names it.
package struct CallReference: Hashable, Sendable {
    package let source: SourceName
    /// `calls.id` at the source.
    package let id: Int64
    package init(source: SourceName, id: Int64) {
        self.source = source
        self.id = id
    }
}

/// Which call of the replay stands for which call of a source.
package enum Calls {
    /// Locks the rows of `calls`, made where they are missing, and gives the replay's `calls.id` of those that have
    /// one. After ``Recordings/lock(_:in:)``.
    package static func lock(
        _ calls: some Sequence<CallReference>, in session: Session
    ) throws -> [CallReference: Int64] {
        let calls = Array(Set(calls))
        let values: [Value] = [.names(calls.map(\.source)), .integers(calls.map(\.id))]
        try session.send(
            """
            insert into takeup.call (source, source_call_id)
            select source, id from unnest($1::text[], $2::bigint[]) as wanted(source, id)
            order by source collate "C", id
            on conflict do nothing
            """, values)
        let rows = try session.query(
            """
            select call.source, call.source_call_id, call.replay_call_id from takeup.call
            join unnest($1::text[], $2::bigint[]) as wanted(source, id)
                on call.source = wanted.source and call.source_call_id = wanted.id
            order by call.source, call.source_call_id for no key update of call
            """, values)
        var known: [CallReference: Int64] = [:]
        for row in rows {
            let reference = CallReference(source: try row.name("source"), id: try row.integer("source_call_id"))
            known[reference] = try row.optionalInteger("replay_call_id")
        }
        return known
    }

    /// Records the replay's `calls.id` of calls that this transaction has locked, and which of them it made.
    package static func bind(
        _ calls: [CallReference: Int64], made: Set<CallReference> = [], in session: Session
    ) throws {
        if calls.isEmpty { return }
        let pairs = Array(calls)
        try session.send(
            """
            update takeup.call set replay_call_id = bound.replay_id, is_made = call.is_made or bound.is_made
            from unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[]) as bound(source, id, replay_id, is_made)
            where call.source = bound.source and call.source_call_id = bound.id
            """,
            [
                .names(pairs.map(\.key.source)), .integers(pairs.map(\.key.id)), .integers(pairs.map(\.value)),
                .booleans(pairs.map { made.contains($0.key) }),
            ])
    }

    /// What the ledger has bound these calls to, without a lock.
    package static func bound(_ calls: some Sequence<CallReference>) -> Question<[CallReference: Int64]> {
        let calls = Array(Set(calls))
        return Question(
            """
            select call.source, call.source_call_id, call.replay_call_id from takeup.call
            join unnest($1::text[], $2::bigint[]) as wanted(source, id)
                on call.source = wanted.source and call.source_call_id = wanted.id
            where call.replay_call_id is not null
            """, [.names(calls.map(\.source)), .integers(calls.map(\.id))]
        ) { rows in
            let pairs = try rows.map { row in
                (
                    CallReference(source: try row.name("source"), id: try row.integer("source_call_id")),
                    try row.integer("replay_call_id")
                )
            }
            return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
        }
    }

    /// Which of the replay's calls Takeup made: only their recordings may be moved to another.
    package static func made(_ replayCalls: some Sequence<Int64>, in session: Session) throws -> Set<Int64> {
        Set(
            try session.query(
                "select replay_call_id from takeup.call where replay_call_id = any($1::bigint[]) and is_made",
                [.integers(Array(replayCalls))]
            ).map { try $0.integer("replay_call_id") })
    }

    /// The recordings of one of the replay's calls hang on another now: so do the sources' calls, and the emptied one is
    /// spare.
    package static func merge(_ emptied: Int64, into standing: Int64, in session: Session) throws {
        try session.execute(
            """
            update takeup.call set replay_call_id = $2, is_made = false
            where (source, source_call_id) in (
                select source, source_call_id from takeup.call where replay_call_id = $1
                order by source, source_call_id for no key update)
            """, [.integer(emptied), .integer(standing)])
        try session.execute(
            "insert into takeup.spare_call values ($1) on conflict do nothing", [.integer(emptied)])
    }

    /// Takes spare calls of the replay, at most so many, to be used by the caller's transaction.
    package static func takeSpares(atMost count: Int, in session: Session) throws -> [Int64] {
        try session.query(
            """
            delete from takeup.spare_call where replay_call_id = any (array(
                select replay_call_id from takeup.spare_call order by 1 limit $1 for update skip locked))
            returning replay_call_id
            """, [Value(count)]
        ).map { try $0.integer("replay_call_id") }
    }
}
