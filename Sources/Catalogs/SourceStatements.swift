internal import Vocabulary

/// The statements of a source, for the columns that it has. Nothing newer than PostgreSQL 9.1.
struct SourceStatements: Sendable {
    private let columns: CatalogColumns
    init(columns: CatalogColumns) { self.columns = columns }

    /// `$1` stop from, `$2` id after (where stop is just that), `$3` stop before, `$4` limit, `$5` zone.
    ///
    /// An index leads by `stop_ts` only, and before PostgreSQL 13 an order by `(stop_ts, id)` sorts everything that
    /// is left. So the page's last `stop_ts` is found first, by the index alone; what is sorted is then the page
    /// and its ties.
    func page(_ query: SourceQuery) -> String {
        switch query.order {
        case .oldestFirst: pageFromOldest(query)
        case .newestFirst: pageFromNewest(query)
        }
    }

    private func pageFromOldest(_ query: SourceQuery) -> String {
        let wanted =
            predicate(query) + " and p.stop_ts >= $1::timestamp and p.stop_ts < $3::timestamp"
            + " and (p.stop_ts > $1::timestamp or p.id > $2::bigint)"
        return """
            select \(recordingColumns(zone: "$5"))
            from callrec.couples p left join callrec.calls c on c.id = p.callid
            where \(wanted) and p.stop_ts <= (
                select max(edge.stop_ts) from (
                    select p.stop_ts from callrec.couples p where \(wanted) order by p.stop_ts limit $4::bigint) edge)
            order by p.stop_ts, p.id limit $4::bigint
            """
    }

    /// The same from the newest: `$1` stop from, `$2` id before (where stop is just `$3`), `$3` stop up to, `$4` limit,
    /// `$5` zone.
    private func pageFromNewest(_ query: SourceQuery) -> String {
        let wanted =
            predicate(query) + " and p.stop_ts >= $1::timestamp and p.stop_ts <= $3::timestamp"
            + " and (p.stop_ts < $3::timestamp or p.id < $2::bigint)"
        return """
            select \(recordingColumns(zone: "$5"))
            from callrec.couples p left join callrec.calls c on c.id = p.callid
            where \(wanted) and p.stop_ts >= (
                select min(edge.stop_ts) from (
                    select p.stop_ts from callrec.couples p where \(wanted)
                    order by p.stop_ts desc limit $4::bigint) edge)
            order by p.stop_ts desc, p.id desc limit $4::bigint
            """
    }

    /// `$1` stop from, `$2` stop before, `$3` limit, `$4` zone.
    func newest(_ query: SourceQuery) -> String {
        let wanted = predicate(query) + " and p.stop_ts >= $1::timestamp and p.stop_ts < $2::timestamp"
        return """
            select \(recordingColumns(zone: "$4"))
            from callrec.couples p left join callrec.calls c on c.id = p.callid
            where \(wanted) and p.stop_ts >= (
                select min(edge.stop_ts) from (
                    select p.stop_ts from callrec.couples p where \(wanted)
                    order by p.stop_ts desc limit $3::bigint) edge)
            order by p.stop_ts desc, p.id desc limit $3::bigint
            """
    }

    /// `$1` ids, `$2` zone.
    var byID: String {
        """
        select \(recordingColumns(zone: "$2"))
        from callrec.couples p left join callrec.calls c on c.id = p.callid
        where p.id = any($1::bigint[]) order by p.stop_ts, p.id
        """
    }

    /// The same rows as `statement` gives, but only what can't be of a wrong encoding; without the zone's parameter.
    func keysOnly(_ statement: String) -> String {
        guard let cut = statement.firstRange(of: "\nfrom callrec.couples p left join") else { return statement }
        return "select p.id, p.stop_ts as stop_at" + statement[cut.lowerBound...]
    }

    var media: String {
        let optional = ["enc_key_id", "start_ts", "stop_ts", "props"].map { self.optional($0, in: "cfiles", as: "f") }
        let carried = columns.carriedOfMedia.map { "f.\($0) as carried_\($0)" }
        return """
            select \((["f.cplid, f.id, f.cftype, f.cfsize, f.cfpath"] + optional + carried).joined(separator: ", "))
            from callrec.cfiles f where f.cplid = any($1::bigint[]) order by f.cplid, f.id
            """
    }

    var externalData: String {
        """
        select e.cplid, e.key, e.value, \(optional("created_ts", in: "couple_extdata", as: "e"))
        from callrec.couple_extdata e where e.cplid = any($1::bigint[])
        """
    }

    /// Locks recordings against a mark by others and, by their foreign keys, against new media and metadata.
    ///
    /// Who waits while holding locks can make a recorder's own transaction the victim of a deadlock: several are
    /// locked at once or not at all.
    func lock(several: Bool) -> String {
        """
        select id, current_setting('transaction_isolation') as isolation from callrec.couples
        where id = any($1::bigint[]) order by id for update\(several ? " nowait" : "")
        """
    }

    var mark: String { "update callrec.couples set synchronized = $2 where id = any($1::bigint[])" }

    private func predicate(_ query: SourceQuery) -> String {
        func letters(_ marks: Set<Mark>) -> String {
            marks.isEmpty
                ? "false"
                : "p.synchronized in (" + marks.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ") + ")"
        }
        let marked =
            switch query.marks {
            case .none: "p.synchronized is null"
            case .noneOr(let marks): "(p.synchronized is null or \(letters(marks)))"
            case .only(let marks): letters(marks)
            }
        return marked + (query.onlyFinished ? " and p.state = 'FINISHED'" : "")
    }

    private func recordingColumns(zone: String) -> String {
        let optionalColumns = [
            "start_ts", "length", "problemstatus", "protected", "deleted", "archived", "mixed",
        ].map { optional($0, in: "couples", as: "p") }
        let ofCall = ["start_ts", "stop_ts", "length"].map { name in
            (columns.has(name, in: "calls") ? "c.\(name)" : "null") + " as call_\(name)"
        }
        // An instant past the last that PostgreSQL can hold would fail the statement; such a stop is refused anyway.
        let instant = """
            case when p.stop_ts between timestamp '0001-01-03' and timestamp '9999-12-29'
            then p.stop_ts at time zone \(zone)::text end as stop_instant
            """
        // Without an index on `callid` the legs would cost a scan for each row.
        let legs =
            columns.indexed.contains("callid")
            ? "(select array_agg(o.sid::text order by o.id) from callrec.couples o where o.callid = p.callid)"
            : "null::text[]"
        let fixed = [
            "p.id, p.callid, p.sid, p.stop_ts as stop_at, p.state, p.synchronized", instant, "c.id as call_id",
            legs + " as call_legs",
        ]
        let carried = columns.carriedOfRecording.map { "p.\($0) as carried_\($0)" }
        return (fixed + optionalColumns + ofCall + carried).joined(separator: ", ")
    }

    private func optional(_ name: String, in table: String, as alias: String) -> String {
        columns.has(name, in: table) ? "\(alias).\(name)" : "null as \(name)"
    }
}
