internal import CLibpq
internal import CLinux
internal import Glibc
internal import Vocabulary

/// One connection, used by one thread at a time: what a body given to ``Database`` works with.
///
/// Not Sendable on purpose: it lives inside the closure that got it. All calls block.
package final class Session {
    fileprivate let connection: OpaquePointer
    fileprivate let label: String
    private var prepared: [String: String] = [:]
    /// Statements on their way whose answers nobody has waited for yet, in order.
    private var unanswered: [Sent] = []
    /// How long the server was waited for, since the connection was made: what statements cost it, and the way there.
    package private(set) var timeAtServer: Duration = .zero
    /// Counts every name ever given, so that none is given twice.
    private var statementCount = 0
    /// Statements with a name of their own, beyond which new ones are sent unprepared.
    private static let preparedLimit = 500

    private struct Sent {
        let sql: String
        /// Announces `sql` to the server; its answer has no rows.
        let isPreparation: Bool
    }

    /// Throws ``PostgresError`` with code `unreachable` or `permission`.
    init(_ settings: ConnectionSettings) throws {
        label = settings.label
        try Session.refuseUnreadable(settings)
        var keys: [UnsafePointer<CChar>?] = []
        var values: [UnsafePointer<CChar>?] = []
        var copies: [UnsafeMutablePointer<CChar>] = []
        defer { copies.forEach { $0.deallocate() } }
        func keep(_ text: String) -> UnsafePointer<CChar> {
            let bytes = Array(text.utf8CString)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            copy.initialize(from: bytes, count: bytes.count)
            copies.append(copy)
            return UnsafePointer(copy)
        }
        for (key, value) in settings.keywords {
            keys.append(keep(key))
            values.append(keep(value))
        }
        keys.append(nil)
        values.append(nil)
        guard let connection = PQconnectdbParams(&keys, &values, 1) else {
            throw PostgresError(code: .unreachable, doing: "connect to \(label)", message: "out of memory")
        }
        guard PQstatus(connection) == CONNECTION_OK else {
            let message = settings.withoutPassword(Session.cleaned(PQerrorMessage(connection)))
            PQfinish(connection)
            let refused = message.contains("authentication failed") || message.contains("no pg_hba.conf entry")
            throw PostgresError(
                code: refused ? .permission : .unreachable, doing: "connect to \(label)", message: message)
        }
        self.connection = connection
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        // Such a server converts nothing, and refuses to send bytes that are not of another encoding asked for.
        if let encoding = PQparameterStatus(connection, "server_encoding"), strcmp(encoding, "SQL_ASCII") == 0 {
            PQsetClientEncoding(connection, "SQL_ASCII")
        }
        // From here on `deinit` closes the connection, also when this throws.
        try execute("set statement_timeout = \(settings.statementTimeout.wholeMilliseconds)")
        if serverVersion >= 90600 {
            let limit = settings.idleTransactionTimeout.wholeMilliseconds
            try execute("set idle_in_transaction_session_timeout = \(limit)")
        }
        try execute("set datestyle = 'ISO, YMD'")
        try execute("set timezone = 'UTC'")
        try execute("set bytea_output = 'hex'")
        try execute("set extra_float_digits = 3")
        try execute("set standard_conforming_strings = on")
        // Compiling a statement costs more than any of ours takes.
        if serverVersion >= 110_000 { try execute("set jit = off") }
        if settings.looksUpByKey {
            for way in ["seqscan", "hashjoin", "mergejoin"] { try execute("set enable_\(way) = off") }
        }
    }

    deinit { PQfinish(connection) }

    /// `150018` for 15.18, `90124` for 9.1.24.
    package var serverVersion: Int { Int(PQserverVersion(connection)) }

    /// Whether the connection still stands as far as can be seen without a round trip.
    var stands: Bool {
        guard PQstatus(connection) == CONNECTION_OK, unanswered.isEmpty else { return false }
        // A server that went away has said so and closed the socket; libpq notices when it reads to the end.
        var waits = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
        while poll(&waits, 1, 0) > 0 {
            guard PQconsumeInput(connection) == 1, PQstatus(connection) == CONNECTION_OK else { return false }
        }
        return true
    }

    /// Whether a statement of the open transaction failed: COMMIT would roll back, and call it done.
    var hasFailed: Bool { PQtransactionStatus(connection) == PQTRANS_INERROR }

    /// Whether statements belong to a transaction; also one that has failed and waits for its end.
    package var isInTransaction: Bool { PQtransactionStatus(connection) != PQTRANS_IDLE }

    /// Runs one statement and gives its rows. `$1` and on stand for `values`.
    @discardableResult
    package func query(_ sql: String, _ values: [Value] = []) throws -> [Row] {
        QueryResult(try run(sql, values)).rows
    }

    /// Runs one statement and gives the number of rows it changed.
    @discardableResult
    package func execute(_ sql: String, _ values: [Value] = []) throws -> Int {
        let result = try run(sql, values)
        defer { PQclear(result) }
        return Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    /// The only row; nil when there is none. More than one is the statement's fault and throws.
    package func first(_ sql: String, _ values: [Value] = []) throws -> Row? {
        let rows = try query(sql, values)
        guard rows.count <= 1 else {
            throw PostgresError(code: .schema, doing: "query \(label)", message: "more than one row")
        }
        return rows.first
    }

    /// Runs several statements at once, without values: definitions and migrations.
    package func script(_ sql: String) throws {
        try settle()
        let result = PQexec(connection, sql)
        defer { PQclear(result) }
        try check(result)
    }

    private func run(_ sql: String, _ values: [Value]) throws -> OpaquePointer? {
        guard unanswered.isEmpty else {
            try send(sql, values)
            return try collect(last: 1)[0]
        }
        let result = try withPointers(values) { pointers in
            let begun = ContinuousClock.now
            defer { timeAtServer += ContinuousClock.now - begun }
            if isUnprepared(sql) {
                return PQexecParams(connection, sql, Int32(values.count), nil, pointers, nil, nil, 0)
            }
            let name = try statementName(sql)
            return PQexecPrepared(connection, name, Int32(values.count), pointers, nil, nil, 0)
        }
        do {
            try check(result)
        } catch {
            PQclear(result)
            forget(sql, after: error)
            throw error
        }
        return result
    }

    /// A plan can die with a table that changed under it; the next call prepares it anew.
    private func forget(_ sql: String, after error: any Error) {
        if (error as? PostgresError)?.sqlState == "0A000" { prepared[sql] = nil }
    }

    private func isUnprepared(_ sql: String) -> Bool {
        isUtility(sql) || prepared[sql] == nil && prepared.count >= Session.preparedLimit
    }

    /// Statements that are run once, or that can't be prepared.
    private func isUtility(_ sql: String) -> Bool {
        let word = sql.prefix(8).lowercased()
        return ["set ", "begin", "commit", "rollback", "listen", "notify", "create ", "drop ", "alter "]
            .contains { word.hasPrefix($0) }
    }

    private func statementName(_ sql: String) throws -> String {
        if let name = prepared[sql] { return name }
        let name = fresh()
        let result = PQprepare(connection, name, sql, 0, nil)
        defer { PQclear(result) }
        try check(result)
        prepared[sql] = name
        return name
    }

    private func fresh() -> String {
        let name = "s\(statementCount)"
        statementCount += 1
        return name
    }

    private func withPointers<Outcome>(
        _ values: [Value], _ body: ([UnsafePointer<CChar>?]) throws -> Outcome
    ) rethrows -> Outcome {
        // One at a time: a batch's snapshots are long.
        let texts = values.map { value in value.wireText.map(Session.terminated) }
        defer { texts.forEach { $0?.deallocate() } }
        return try body(texts.map { UnsafePointer($0) })
    }

    private static func terminated(_ text: [UInt8]) -> UnsafeMutablePointer<CChar> {
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
        text.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: copy, count: text.count).copyMemory(from: $0) }
        copy[text.count] = 0
        return copy
    }

    private func check(_ result: OpaquePointer?) throws {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return
        default: break
        }
        // PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY and PG_DIAG_CONSTRAINT_NAME are character macros.
        func field(_ code: Character) -> String {
            guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return "" }
            return String(cString: text)
        }
        let state = field("C")
        if state.isEmpty || PQstatus(connection) != CONNECTION_OK {
            throw PostgresError(
                code: .connectionLost, sqlState: state, doing: "query \(label)",
                message: Session.cleaned(PQerrorMessage(connection)))
        }
        // The server quotes values in messages of classes 22 and 23; those may be phone numbers.
        let quotesValues = state.hasPrefix("22") || state.hasPrefix("23")
        // What a trigger of others raises is worth reading, but for the numbers in it.
        let message = quotesValues ? "" : state.hasPrefix("P0") ? Session.withoutNumbers(field("M")) : field("M")
        throw PostgresError(
            code: PostgresError.code(ofSQLState: state), sqlState: state, doing: "query \(label)",
            message: message, constraint: field("n"))
    }

    // MARK: Several statements, one wait

    /// Sends a statement whose outcome nobody needs to see: it goes on its way with the next one that is waited for, and
    /// costs no wait of its own. An error of it is thrown by that one; it is not passed over.
    package func send(_ sql: String, _ values: [Value] = []) throws {
        try withPointers(values) { pointers in
            let begun = ContinuousClock.now
            defer { timeAtServer += ContinuousClock.now - begun }
            if PQpipelineStatus(connection) == PQ_PIPELINE_OFF { try sent(PQenterPipelineMode(connection)) }
            if isUnprepared(sql) {
                try sent(PQsendQueryParams(connection, sql, Int32(values.count), nil, pointers, nil, nil, 0))
            } else {
                let name = prepared[sql] ?? fresh()
                if prepared[sql] == nil {
                    try sent(PQsendPrepare(connection, name, sql, 0, nil))
                    unanswered.append(Sent(sql: sql, isPreparation: true))
                    prepared[sql] = name
                }
                try sent(PQsendQueryPrepared(connection, name, Int32(values.count), pointers, nil, nil, 0))
            }
        }
        unanswered.append(Sent(sql: sql, isPreparation: false))
    }

    /// Waits for all that was sent; throws the first error among it.
    package func settle() throws {
        if !unanswered.isEmpty { _ = try collect(last: 0) }
    }

    /// Asks several questions with one wait for all of them.
    package func ask<each Answer>(_ questions: repeat Question<each Answer>) throws -> (repeat each Answer) {
        var count = 0
        for question in repeat each questions {
            try send(question.sql, question.values)
            count += 1
        }
        var results = try collect(last: count)[...]
        defer { results.forEach { PQclear($0) } }
        func answer<One>(_ question: Question<One>) throws -> One {
            try question.read(QueryResult(results.removeFirst()).rows)
        }
        return (repeat try answer(each questions))
    }

    private func sent(_ outcome: CInt) throws {
        guard outcome == 1 else {
            throw PostgresError(
                code: .connectionLost, doing: "query \(label)", message: Session.cleaned(PQerrorMessage(connection)))
        }
    }

    /// Waits for the answers to all that was sent, and gives the last ones, which the caller clears. The server takes
    /// nothing after an error; the first one is thrown.
    private func collect(last count: Int) throws -> [OpaquePointer?] {
        let waiting = unanswered
        unanswered = []
        let begun = ContinuousClock.now
        defer { timeAtServer += ContinuousClock.now - begun }
        try sent(PQpipelineSync(connection))
        var failure: (any Error)?
        var results: [OpaquePointer?] = []
        let answers = waiting.count { !$0.isPreparation }
        for (place, one) in waiting.enumerated() {
            let result = PQgetResult(connection)
            do {
                try check(result)
            } catch {
                if failure == nil { failure = error }
                forget(one.sql, after: error)
                // What was to be prepared after an error never was.
                if one.isPreparation { prepared[one.sql] = nil }
            }
            let isWanted = !one.isPreparation && waiting[place...].count { !$0.isPreparation } <= count
            if isWanted { results.append(result) } else { PQclear(result) }
            while let more = PQgetResult(connection) { PQclear(more) }
        }
        assert(failure != nil || results.count == min(count, answers))
        PQclear(PQgetResult(connection))
        if PQexitPipelineMode(connection) != 1 && failure == nil {
            failure = PostgresError(
                code: .connectionLost, doing: "query \(label)", message: Session.cleaned(PQerrorMessage(connection)))
        }
        if let failure {
            results.forEach { PQclear($0) }
            throw failure
        }
        return results
    }

    /// libpq's own complaint about a string that it can't read quotes the string, password and all.
    private static func refuseUnreadable(_ settings: ConnectionSettings) throws {
        let string = settings.connectionString
        let isURI = string.hasPrefix("postgres://") || string.hasPrefix("postgresql://")
        guard isURI || string.contains("=") else { return }
        guard let options = PQconninfoParse(string, nil) else {
            throw PostgresError(
                code: .badSettings, doing: "connect to \(settings.label)",
                message: "the connection string cannot be read: it needs keyword=value pairs or a postgresql:// address"
            )
        }
        PQconninfoFree(options)
    }

    /// A message in which every run of four digits and more is `#`: it may be a phone number.
    static func withoutNumbers(_ message: String) -> String {
        var text = ""
        var digits = ""
        for character in message + "\0" {
            if character.isASCII && character.isNumber {
                digits.append(character)
            } else {
                text += digits.count >= 4 ? "#" : digits
                digits = ""
                text.append(character)
            }
        }
        return String(text.dropLast())
    }

    /// libpq's message in one line.
    private static func cleaned(_ message: UnsafePointer<CChar>?) -> String {
        guard let message else { return "" }
        let lines = String(cString: message).split(separator: "\n").map { line in
            String(line.drop { $0 == " " || $0 == "\t" })
        }
        return lines.joined(separator: " ")
    }
}

extension Session {
    /// For `poll(2)`.
    var socket: CInt { PQsocket(connection) }

    /// Notifications that have arrived. Throws `connectionLost` when the connection broke.
    func takeNotifications() throws -> [ListenerEvent] {
        guard PQconsumeInput(connection) == 1, PQstatus(connection) == CONNECTION_OK else {
            throw PostgresError(code: .connectionLost, doing: "listen to \(label)", message: "the server closed it")
        }
        var arrived: [ListenerEvent] = []
        while let notification = PQnotifies(connection) {
            arrived.append(
                .notified(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra)))
            PQfreemem(notification)
        }
        return arrived
    }
}
