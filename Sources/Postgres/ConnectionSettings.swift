/// How to reach a database.
package struct ConnectionSettings: Sendable {
    /// A libpq connection string (`host=… dbname=…`) or URI; without the password where one is given apart.
    package var connectionString: String
    /// Never printed.
    package var password: String?
    /// What `pg_stat_activity` shows of us.
    package var applicationName: String
    /// How a message names the database: `replay`, `source rec_cluster_B`.
    package var label: String
    package var connectTimeout: Duration
    /// The longest that one statement may take; zero: no limit.
    package var statementTimeout: Duration
    /// The longest that a transaction may wait for its next statement, on servers that can end it (9.6 and later). None
    /// of ours waits for a file or for a person, so one that does belongs to a process that stands still or to a host
    /// that is gone, and holds up all others by what it has locked.
    package var idleTransactionTimeout: Duration
    /// Sent as `client_encoding`. `SQL_ASCII` leaves bytes as they are.
    package var clientEncoding: String
    /// Whether every statement looks rows up by a key. A plan is kept as it was made, and one that was made while a table was
    /// young goes through all of it for good: the planner is told to take an index where there is one, and to join row by row.
    package var looksUpByKey = false

    package init(
        connectionString: String, password: String? = nil, applicationName: String = "takeup", label: String,
        connectTimeout: Duration = .seconds(5), statementTimeout: Duration = .seconds(60),
        idleTransactionTimeout: Duration = .seconds(15), clientEncoding: String = "UTF8"
    ) {
        self.connectionString = connectionString
        self.password = password
        self.applicationName = applicationName
        self.label = label
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.idleTransactionTimeout = idleTransactionTimeout
        self.clientEncoding = clientEncoding
    }

    /// What libpq takes. Later keywords win, so the site's string comes first (libpq, `expand_dbname`).
    var keywords: [(String, String)] {
        var pairs = [
            ("dbname", connectionString),
            ("application_name", applicationName),
            ("connect_timeout", String(max(2, connectTimeout.components.seconds))),
            ("client_encoding", clientEncoding),
            ("tcp_user_timeout", "15000"), ("keepalives_idle", "15"), ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
        ]
        if let password { pairs.append(("password", password)) }
        return pairs
    }

    /// A message of libpq's or the server's in which no password of ours is left.
    func withoutPassword(_ message: String) -> String {
        guard let password, !password.isEmpty else { return message }
        return message.split(separator: password, omittingEmptySubsequences: false).joined(separator: "***")
    }
}
