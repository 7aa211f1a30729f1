package import Postgres
package import Vocabulary

extension ReplayCatalog {
    /// The replay's call that stands for a source's: the one that is known to, else the one that a leg of it already
    /// hangs on, else a new one.
    ///
    /// Two recordings of one call that are committed at the same time must not make two: the caller holds a lock on
    /// the source's call, and the transaction is *read committed*.
    /// - Parameter known: what the ledger has on record; passed over where the replay has removed that call.
    /// - Returns: `calls.id` at the replay.
    package func ensureCall(_ call: SourceCall, known: Int64? = nil, on session: Session) throws -> Int64 {
        if let known {
            let row = try session.first("select id from callrec.calls where id = $1 for share", [.integer(known)])
            if let row { return try row.integer("id") }
        }
        let row = try session.first(
            "select min(callid) as id from callrec.couples where sid = any($1::text[])",
            [.texts(call.legs.map(\.rawValue))])
        if let standing = try row?.optionalInteger("id") { return standing }
        return try insert(
            into: "calls", callIdentity,
            [
                ("start_ts", Value(call.start)), ("stop_ts", Value(call.stop)), ("length", Value(call.length)),
                ("cplcnt", 0),
            ], on: session)
    }

    /// Makes a call's times the first start and the last stop of its recordings, and its count theirs. Once after the
    /// recordings of a commit.
    package func refreshCall(_ id: Int64, on session: Session) throws {
        let start = columns.has("start_ts", in: "couples") ? "start_ts" : "stop_ts"
        var facts = [("cplcnt", "legs.number")]
        facts.append(("start_ts", "legs.start_at"))
        facts.append(("stop_ts", "legs.stop_at"))
        facts.append(("length", "legs.seconds"))
        facts = facts.filter { columns.has($0.0, in: "calls") }
        guard !facts.isEmpty else { return }
        let standing = facts.map { "calls.\($0.0)" }.joined(separator: ", ")
        let wanted = facts.map(\.1).joined(separator: ", ")
        try session.execute(
            """
            update callrec.calls set \(facts.map { "\($0.0) = \($0.1)" }.joined(separator: ", "))
            from (
                select count(*)::integer as number, min(\(start)) as start_at, max(stop_ts) as stop_at,
                    greatest(0, least(2147483647, extract(epoch from max(stop_ts) - min(\(start)))))::integer as seconds
                from callrec.couples where callid = $1) legs
            where calls.id = $1 and legs.number > 0 and (\(standing)) is distinct from (\(wanted))
            """, [.integer(id)])
    }

    /// Inserts one row of the values whose columns the replay has. Gives its id.
    func insert(
        into table: String, _ identity: IdentityMaker, _ values: [(String, Value)], on session: Session
    ) throws -> Int64 {
        let known = values.filter { columns.has($0.0, in: table) && $0.1 != .null }
        let names = (identity.column + known.map(\.0)).joined(separator: ", ")
        let places = (identity.value + known.indices.map { "$\($0 + 1)" }).joined(separator: ", ")
        let row = try session.first(
            "insert into callrec.\(table) (\(names)) values (\(places)) returning id", known.map(\.1))
        guard let row else {
            throw CatalogError(code: .ignored, sentence: "The replay did not take a new row of callrec.\(table).")
        }
        return try row.integer("id")
    }
}
