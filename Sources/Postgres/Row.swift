package import Vocabulary

/// One row of a result. Columns are asked for by name; a name that the statement does not return, or a value that is
/// not of the type asked for, is a broken statement and throws ``PostgresError`` with code `schema`.
package struct Row: Sendable {
    let result: QueryResult
    let number: Int32

    /// The bytes as they came; nil for NULL.
    package func raw(_ column: String) throws -> [UInt8]? { try read(column) { [UInt8]($0) } }

    private func read<Value>(_ column: String, _ body: (UnsafeRawBufferPointer) -> Value) throws -> Value? {
        guard let place = result.columns[column] else {
            throw PostgresError(
                code: .schema, doing: "read column \(column)", message: "the statement has no such column")
        }
        return result.withBytes(number, place, body)
    }

    /// Whether the statement returned this column, NULL or not.
    package func has(_ column: String) -> Bool { result.columns[column] != nil }

    /// Bytes that are not UTF-8 (possible with `SQL_ASCII`) become replacement characters.
    package func optionalText(_ column: String) throws -> String? {
        try read(column) { String(decoding: $0, as: UTF8.self) }
    }
    package func text(_ column: String) throws -> String { try present(optionalText(column), column) }

    package func optionalInteger(_ column: String) throws -> Int64? {
        guard let text = try optionalText(column) else { return nil }
        guard let number = Int64(text) else { throw wrongType(column, "integer") }
        return number
    }
    package func integer(_ column: String) throws -> Int64 { try present(optionalInteger(column), column) }

    package func optionalReal(_ column: String) throws -> Double? {
        guard let text = try optionalText(column) else { return nil }
        guard let number = Double(text) else { throw wrongType(column, "number") }
        return number
    }
    package func real(_ column: String) throws -> Double { try present(optionalReal(column), column) }

    package func optionalBoolean(_ column: String) throws -> Bool? {
        switch try optionalText(column) {
        case nil: nil
        case "t": true
        case "f": false
        case .some: throw wrongType(column, "boolean")
        }
    }
    package func boolean(_ column: String) throws -> Bool { try present(optionalBoolean(column), column) }

    /// A `bytea` in hexadecimal form (the default since PostgreSQL 9.0).
    package func optionalBytes(_ column: String) throws -> [UInt8]? {
        guard let text = try optionalText(column) else { return nil }
        guard text.hasPrefix("\\x"), let bytes = Hex.bytes(of: String(text.dropFirst(2))) else {
            throw wrongType(column, "bytea")
        }
        return bytes
    }
    package func bytes(_ column: String) throws -> [UInt8] { try present(optionalBytes(column), column) }

    /// The elements of a one-dimensional array, as they came; nil elements are NULL.
    package func optionalArray(_ column: String) throws -> [[UInt8]?]? {
        guard let text = try raw(column) else { return nil }
        guard let elements = ArrayText.elements(of: text) else { throw wrongType(column, "array") }
        return elements
    }

    /// An instant that the statement returns as microseconds since 1970 UTC (`SQL.microseconds`).
    package func optionalInstant(_ column: String) throws -> Instant? {
        try optionalInteger(column).map(Instant.init(microseconds:))
    }
    package func instant(_ column: String) throws -> Instant { try present(optionalInstant(column), column) }

    /// A zone-less time that the statement returns as microseconds since 1970 (`SQL.microseconds`).
    package func optionalWallTime(_ column: String) throws -> WallTime? {
        try optionalInteger(column).map(WallTime.init(microseconds:))
    }

    private func present<Wanted>(_ value: Wanted?, _ column: String) throws -> Wanted {
        guard let value else { throw wrongType(column, "a value that is not NULL") }
        return value
    }
    private func wrongType(_ column: String, _ wanted: String) -> PostgresError {
        PostgresError(code: .schema, doing: "read column \(column)", message: "expected \(wanted)")
    }
}

/// Pieces of SQL that statements share.
package enum SQL {
    /// Microseconds since 1970 of a `timestamp` or `timestamptz` expression, exact, as `bigint`; works on 9.1.
    package static func microseconds(_ expression: String) -> String {
        "(floor(extract(epoch from date_trunc('second', \(expression))))::bigint * 1000000"
            + " + extract(microseconds from \(expression))::bigint % 1000000)"
    }
}
