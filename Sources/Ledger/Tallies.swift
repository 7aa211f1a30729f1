internal import Postgres
internal import Vocabulary

/// Running totals that would be dear to count. Each is spread over a few rows, so that commits do not queue for one.
enum Tallies {
    enum Total: String {
        /// Held replicas and their bytes, by volume id.
        case held
        /// Marks set, by source.
        case marks
    }
    struct Change {
        var items: Int64
        var bytes: Int64
        static var none: Change { Change(items: 0, bytes: 0) }
    }

    /// Last in the order of locks.
    static func add(_ changes: [String: Change], to total: Total, in session: Session) throws {
        let changes = changes.filter { $0.value.items != 0 || $0.value.bytes != 0 }.map { ($0.key, $0.value) }
        if changes.isEmpty { return }
        try session.send(
            """
            insert into takeup.tally as standing (what, name, slot, items, bytes)
            select $1, name, pg_backend_pid() % 8, items, bytes
            from unnest($2::text[], $3::bigint[], $4::bigint[]) as change(name, items, bytes)
            order by name collate "C"
            on conflict (what, name, slot) do update set
                items = standing.items + excluded.items, bytes = standing.bytes + excluded.bytes
            """,
            [
                .text(total.rawValue), .texts(changes.map(\.0)), .integers(changes.map(\.1.items)),
                .integers(changes.map(\.1.bytes)),
            ])
    }
}
