package import Postgres

/// What a statement had its server go through, by the server's own count.
package enum PlanCost {
    /// The rows that all nodes of the plan gave or threw away, while it was carried out. What it changed stands.
    package static func rows(of statement: String, _ values: [Value], in session: Session) throws -> Int {
        let plan = try session.query(
            "explain (analyze, costs off, timing off, summary off) \(statement)", values
        ).map { try $0.text("QUERY PLAN") }
        var rows = 0
        var loops = 1
        for line in plan {
            // `-> Function Scan on unnest (actual rows=100 loops=100)`, and below it `Rows Removed by Join Filter: 9900`,
            // both for each loop.
            if let given = number(after: "actual rows=", in: line) {
                loops = number(after: "loops=", in: line) ?? 1
                rows += given * loops
            } else if line.contains("Rows Removed by"), let removed = number(after: ": ", in: line) {
                rows += removed * loops
            }
        }
        return rows
    }

    private static func number(after word: String, in line: String) -> Int? {
        guard let range = line.firstRange(of: word) else { return nil }
        return Int(line[range.upperBound...].prefix { $0.isNumber })
    }
}
