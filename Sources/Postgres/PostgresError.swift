internal import Vocabulary

/// A failure of the database or of the way to it. Its text holds no row values: those may be phone numbers.
package struct PostgresError: Retryable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No connection could be made.
        case unreachable
        /// The connection broke; what was under way may or may not have been carried out, except in a transaction,
        /// which was not.
        case connectionLost
        /// COMMIT was sent, its answer was lost, and the server could not be asked in time: committed or not.
        case commitUnknown
        /// Serialization failure or deadlock: run the transaction again.
        case conflict
        case uniqueViolation
        /// Another constraint, or an exception that a trigger raised.
        case refused
        case timeout
        case permission
        /// A connection string that says nothing to libpq.
        case badSettings
        /// A table, column or function that is not there, or SQL that the server does not understand.
        case schema
        /// Values that the database can't take: encoding, range, format, length.
        case badValue
        /// The server is out of something: disk, memory, connections.
        case resources
        case other
    }
    package let code: Code
    /// Five characters; empty where the failure is the connection's.
    package let sqlState: String
    /// What was being done, to which database.
    package let doing: String
    package let message: String
    /// The constraint's name, where one refused.
    package let constraint: String

    package init(code: Code, sqlState: String = "", doing: String, message: String, constraint: String = "") {
        self.code = code
        self.sqlState = sqlState
        self.doing = doing
        self.message = message
        self.constraint = constraint
    }

    package var isTransient: Bool {
        switch code {
        case .unreachable, .connectionLost, .commitUnknown, .conflict, .timeout, .resources: true
        case .uniqueViolation, .refused, .permission, .badSettings, .schema, .badValue, .other: false
        }
    }

    /// Whether the database as a whole is out of reach, so that nothing can be concluded about the work.
    package var isOutage: Bool {
        switch code {
        case .unreachable, .connectionLost, .commitUnknown, .resources: true
        case .conflict, .timeout, .uniqueViolation, .refused, .permission, .badSettings, .schema, .badValue, .other:
            false
        }
    }

    package var description: String {
        "\(doing): \(code.rawValue)" + (sqlState.isEmpty ? "" : " (\(sqlState))")
            + (message.isEmpty ? "" : ": \(message)")
    }

    /// Classes and codes of PostgreSQL's documentation, appendix A.
    static func code(ofSQLState state: String) -> Code {
        switch state {
        case "40001", "40P01": return .conflict
        case "23505": return .uniqueViolation
        case "57014", "55P03": return .timeout
        case "42501": return .permission
        case "57P01", "57P02", "57P03", "25P03": return .connectionLost
        case "P0001": return .refused
        // An index entry or a row of more than a page.
        case "54000": return .badValue
        default: break
        }
        switch state.prefix(2) {
        case "08": return .connectionLost
        case "22": return .badValue
        case "23": return .refused
        case "28": return .permission
        case "42", "3D", "3F": return .schema
        case "53", "58": return .resources
        default: return .other
        }
    }
}
