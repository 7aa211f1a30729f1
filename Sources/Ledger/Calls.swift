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
        try session.execute(
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

    /// Records the replay's `calls.id` of calls that this transaction has locked.
    package static func bind(_ calls: [CallReference: Int64], in session: Session) throws {
        let pairs = Array(calls)
        try session.execute(
            """
            update takeup.call set replay_call_id = bound.replay_id
            from unnest($1::text[], $2::bigint[], $3::bigint[]) as bound(source, id, replay_id)
            where call.source = bound.source and call.source_call_id = bound.id
            """,
            [.names(pairs.map(\.key.source)), .integers(pairs.map(\.key.id)), .integers(pairs.map(\.value))])
    }
}
