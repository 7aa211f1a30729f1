internal import Postgres
internal import Vocabulary

/// The rows that a recorder writes, with the columns that its generation of tables has.
struct RecorderModelRows: Sendable {
    private let columns: [String: Set<String>]

    init(_ session: Session) throws {
        var columns: [String: Set<String>] = [:]
        let rows = try session.query(
            """
            select table_name::text as name, column_name::text as col
            from information_schema.columns where table_schema = 'callrec'
            """)
        for row in rows { columns[try row.text("name"), default: []].insert(try row.text("col")) }
        guard columns["couples"] != nil else {
            throw RecorderModelFailure("the database has no callrec tables: prepare it first")
        }
        self.columns = columns
    }

    /// Whether media rows can carry a detached envelope.
    var haveProperties: Bool { columns["cfiles"]?.contains("props") == true }

    struct Leg: Sendable {
        var call: Int64?
        var sid: String
        var start: WallTime
        var plan: RecorderModelPlan.Recording
        var external: [[String]]
    }

    /// A call where none is given, and a recording that is still being made. Gives both ids.
    func begin(_ leg: Leg, _ session: Session) throws -> (call: Int64, recording: Int64) {
        let call =
            try leg.call
            ?? insert(
                "calls",
                [("start_ts", Value(leg.start)), ("stop_ts", Value(leg.start)), ("length", 0), ("cplcnt", 1)], session)
        if leg.call != nil {
            try session.execute("update callrec.calls set cplcnt = cplcnt + 1 where id = $1", [.integer(call)])
        }
        let caller = leg.plan.caller
        let agent = String(4000 + leg.plan.agent)
        let recording = try insert(
            "couples",
            [
                ("callid", .integer(call)), ("start_ts", Value(leg.start)), ("stop_ts", Value(leg.start)),
                ("created_ts", Value(leg.start)), ("length", 0), ("callingip", "192.0.2.10"),
                ("calledip", .text("198.51.100.\(leg.plan.agent)")), ("callingnr", .text(caller)),
                ("originalcallednr", "3000"), ("finalcallednr", .text(agent)),
                ("callingpartyname", "Zákazník \"A\" & syn"), ("calledpartyname", .text("Agent \(leg.plan.agent)")),
                ("cpltype", "NORMAL"), ("problemstatus", "NO_PROBLEM"), ("protected", false),
                ("sid", .text(leg.sid)), ("state", "EXT_DATA_SAVED"), ("direction", "INCOMING"),
                ("calledagent", .text("agent\(leg.plan.agent)")),
            ], session)
        try add(leg.external, to: recording, at: leg.start, session)
        return (call, recording)
    }

    struct Media: Sendable {
        var kind: MediaKind
        var path: FilePath
        var size: Int64
        var crc32: UInt32?
        var keyID: String?
        var start: WallTime
        var stop: WallTime
        var properties: String?
    }

    /// What the decoder leaves: media rows, more external data, and when the call ended. Gives the media rows' ids.
    func decode(
        _ media: [Media], external: [[String]], recording: Int64, start: WallTime, stop: WallTime, _ session: Session
    ) throws -> [Int64] {
        let ids = try media.enumerated().map { order, one in
            try insert(
                "cfiles",
                [
                    ("sgid", .integer(recording * 10 + Int64(order))), ("cplid", .integer(recording)),
                    ("cftype", .text(one.kind.rawValue)), ("cktype", one.crc32 == nil ? nil : "CRC32"),
                    ("ckvalue", Value(one.crc32.map { Int64($0) })), ("cfsize", .integer(one.size)),
                    ("cfpath", .rawText(one.path.bytes)), ("enc_key_id", Value(one.keyID)),
                    ("start_ts", Value(one.start)), ("stop_ts", Value(one.stop)), ("props", Value(one.properties)),
                ], session)
        }
        try add(external, to: recording, at: stop, session)
        try session.execute(
            "update callrec.couples set stop_ts = $2, length = $3 where id = $1",
            [.integer(recording), Value(stop), .integer((stop.microseconds - start.microseconds) / 1_000_000)])
        return ids
    }

    func finish(recording: Int64, call: Int64, stop: WallTime, _ session: Session) throws {
        try session.execute("update callrec.couples set state = 'FINISHED' where id = $1", [.integer(recording)])
        try session.execute(
            """
            update callrec.calls set stop_ts = greatest(stop_ts, $2),
                length = extract(epoch from greatest(stop_ts, $2) - start_ts)::integer
            where id = $1
            """, [.integer(call), Value(stop)])
    }

    private func add(_ external: [[String]], to recording: Int64, at time: WallTime, _ session: Session) throws {
        for datum in external where datum.count == 2 {
            try session.execute(
                "insert into callrec.couple_extdata (cplid, key, value, created_ts) values ($1, $2, $3, $4)",
                [.integer(recording), .text(datum[0]), .text(datum[1]), Value(time)])
        }
    }

    /// One row with those of the values whose columns exist. Gives its id.
    private func insert(_ table: String, _ values: [(String, Value)], _ session: Session) throws -> Int64 {
        let known = values.filter { columns[table]?.contains($0.0) == true }
        let places = (1...known.count).map { "$\($0)" }.joined(separator: ", ")
        let row = try session.first(
            "insert into callrec.\(table) (\(known.map(\.0).joined(separator: ", "))) values (\(places)) returning id",
            known.map(\.1))
        guard let row else { throw RecorderModelFailure("no row came back from an insert into \(table)") }
        return try row.integer("id")
    }
}
