internal import CLibpq
internal import Glibc

/// A result as libpq holds it, shared by its rows and let go with the last of them: a value becomes one of ours only when
/// it is asked for. Nothing of it changes any more, so its rows may be read on any thread.
final class QueryResult: @unchecked Sendable {
    private let result: OpaquePointer?
    /// Places of the columns by name.
    let columns: [String: Int]

    /// Takes what it is given.
    init(_ result: OpaquePointer?) {
        self.result = result
        var columns: [String: Int] = [:]
        for column in 0..<PQnfields(result) { columns[String(cString: PQfname(result, column))] = Int(column) }
        self.columns = columns
    }

    deinit { PQclear(result) }

    var rows: [Row] { (0..<PQntuples(result)).map { Row(result: self, number: $0) } }

    /// Nil for NULL.
    func withBytes<Value>(_ row: Int32, _ column: Int, _ body: (UnsafeRawBufferPointer) -> Value) -> Value? {
        let column = Int32(column)
        guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return nil }
        return body(UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column))))
    }
}
