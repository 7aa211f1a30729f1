package import Postgres
package import Vocabulary

/// A source's call that needs one at the replay.
package struct CallWish: Hashable, Sendable {
    package var call: SourceCall
    /// `calls.id` that the ledger has on record; passed over where the replay has removed that call.
    package var known: Int64?
    /// Recordings that are about to hang on it, where they are new to the replay: a new call spans them at once.
    package var legs: [SourceRecording]

    package init(_ call: SourceCall, known: Int64? = nil, legs: [SourceRecording] = []) {
        self.call = call
        self.known = known
        self.legs = legs
    }
}

extension ReplayCatalog {
    /// The replay's calls that stand for a source's: the one that is known to, else the one that a leg of it already
    /// hangs on, else a new one. Three statements for any number.
    ///
    /// Two recordings of one call that are committed at the same time must not make two: the caller holds a lock on
    /// each of the source's calls, and the transaction is *read committed*.
    /// - Parameter spares: gives at most so many calls that stand empty, to be used before new ones are made.
    /// - Returns: `calls.id` at the replay, in the order of the wishes, and which of them are new.
    package func ensureCalls(
        _ wishes: [CallWish], spares: (Int) throws -> [Int64] = { _ in [] }, on session: Session
    ) throws -> [(id: Int64, isNew: Bool)] {
        var found = try known(wishes, on: session)
        try findByLegs(wishes, &found, on: session)
        let missing = wishes.indices.filter { found[$0] == nil }
        // Times and count of one that is used again are set with those of all that grew.
        let reused = missing.isEmpty ? [] : try standing(spares(missing.count), on: session)
        let fresh = missing.dropFirst(reused.count)
        let made = try insert(into: "calls", callIdentity, fresh.map { row(of: wishes[$0]) }, on: session)
        for (place, id) in zip(missing, reused + made) { found[place] = id }
        let new = Set(missing)
        return wishes.indices.compactMap { place in found[place].map { ($0, new.contains(place)) } }
    }

    /// Of these calls, those that are still there and still empty.
    private func standing(_ calls: [Int64], on session: Session) throws -> [Int64] {
        if calls.isEmpty { return [] }
        return try session.query(
            """
            select c.id from callrec.calls c where c.id = any($1::bigint[])
                and not exists (select 1 from callrec.couples p where p.callid = c.id)
            order by c.id for no key update
            """, [.integers(calls)]
        ).map { try $0.integer("id") }
    }

    /// On which calls recordings hang.
    package func calls(of sids: some Sequence<Sid>, on session: Session) throws -> [Sid: Int64] {
        let rows = try session.query(
            "select sid, callid from callrec.couples where sid = any($1::text[])",
            [.texts(Set(sids).map(\.rawValue))])
        return Dictionary(
            try rows.map { (Sid(try $0.text("sid")), try $0.integer("callid")) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Hangs all recordings of one call on another, and leaves it empty.
    package func moveRecordings(ofCall emptied: Int64, to standing: Int64, on session: Session) throws {
        try session.execute(
            """
            update callrec.couples set callid = $2 where id = any (array(
                select id from callrec.couples where callid = $1 order by id for no key update))
            """, [.integer(emptied), .integer(standing)])
        guard columns.has("cplcnt", in: "calls") else { return }
        try session.execute("update callrec.calls set cplcnt = 0 where id = $1", [.integer(emptied)])
    }

    private func known(_ wishes: [CallWish], on session: Session) throws -> [Int: Int64] {
        let ids = wishes.compactMap(\.known)
        if ids.isEmpty { return [:] }
        let standing = Set(
            try session.query(
                "select id from callrec.calls where id = any($1::bigint[]) order by id for share", [.integers(ids)]
            ).map { try $0.integer("id") })
        var found: [Int: Int64] = [:]
        for (place, wish) in wishes.enumerated() {
            if let known = wish.known, standing.contains(known) { found[place] = known }
        }
        return found
    }

    private func findByLegs(_ wishes: [CallWish], _ found: inout [Int: Int64], on session: Session) throws {
        var places: [Int] = []
        var sids: [String] = []
        for (place, wish) in wishes.enumerated() where found[place] == nil {
            for leg in wish.call.legs {
                places.append(place)
                sids.append(leg.rawValue)
            }
        }
        if places.isEmpty { return }
        for row in try session.query(
            """
            select leg.place, min(p.callid) as id
            from unnest($1::bigint[], $2::text[]) as leg(place, sid) join callrec.couples p on p.sid = leg.sid
            group by leg.place
            """, [.integers(places.map(Int64.init)), .texts(sids)])
        { found[Int(try row.integer("place"))] = try row.integer("id") }
    }

    private func row(of wish: CallWish) -> [(String, Value)] {
        let starts = wish.legs.compactMap { columns.has("start_ts", in: "couples") ? $0.start : $0.stop }
        let stops = wish.legs.compactMap(\.stop)
        guard let start = starts.min(), let stop = stops.max() else {
            return [
                ("start_ts", Value(wish.call.start)), ("stop_ts", Value(wish.call.stop)),
                ("length", Value(wish.call.length)), ("cplcnt", 0),
            ]
        }
        // As `refreshCalls` will find it, so that it has nothing to change.
        let seconds = (stop.microseconds - start.microseconds + 500_000) / 1_000_000
        return [
            ("start_ts", Value(start)), ("stop_ts", Value(stop)),
            ("length", .integer(max(0, min(Int64(Int32.max), seconds)))),
            ("cplcnt", .integer(Int64(wish.legs.count))),
        ]
    }

    /// Makes the calls' times the first start and the last stop of their recordings, and their counts theirs. Once after
    /// the recordings of a commit.
    package func refreshCalls(_ ids: some Sequence<Int64>, on session: Session) throws {
        let ids = Set(ids).sorted()
        let start = columns.has("start_ts", in: "couples") ? "start_ts" : "stop_ts"
        let facts = [
            ("cplcnt", "legs.number"), ("start_ts", "legs.start_at"), ("stop_ts", "legs.stop_at"),
            ("length", "legs.seconds"),
        ].filter { columns.has($0.0, in: "calls") }
        guard !facts.isEmpty, !ids.isEmpty else { return }
        let standing = facts.map { "calls.\($0.0)" }.joined(separator: ", ")
        let wanted = facts.map(\.1).joined(separator: ", ")
        try session.send(
            """
            update callrec.calls set \(facts.map { "\($0.0) = \($0.1)" }.joined(separator: ", "))
            from (
                select callid, count(*)::integer as number, min(\(start)) as start_at, max(stop_ts) as stop_at,
                    greatest(0, least(2147483647, extract(epoch from max(stop_ts) - min(\(start)))))::integer as seconds
                from callrec.couples where callid = any($1::bigint[]) group by callid) legs
            where calls.id = legs.callid and (\(standing)) is distinct from (\(wanted))
            """, [.integers(ids)])
    }
}
