package import Postgres
package import Vocabulary

/// A file of a mount that no row names, for longer than the grace time.
package struct OrphanFile: Hashable, Sendable {
    /// Below the mount.
    package var path: FilePath
    /// Bytes.
    package var size: Int64
    /// By the clock of its server.
    package var modified: Instant
    /// Since it was first seen without a row, by the ledger's clock.
    package var age: Duration

    package init(path: FilePath, size: Int64, modified: Instant, age: Duration) {
        self.path = path
        self.size = size
        self.modified = modified
        self.age = age
    }
}

/// Which files of a mount no row names, as its agent found: for people who look, and for the agent after it.
package enum OrphanFiles {
    /// Writes down what came and went.
    /// - Parameters:
    ///   - changed: those that are new, or have another size or time. Since when one is known is kept.
    ///   - gone: paths of those that are none any more.
    package static func write(
        mount: MountPath, source: SourceName, changed: [OrphanFile], gone: [FilePath], in session: Session
    ) throws {
        if !gone.isEmpty {
            try session.execute(
                """
                delete from takeup.orphan where mount = $1 and sha256(path) in (
                    select sha256(path) from unnest($2::bytea[]) as gone(path))
                """, [Value(mount), .byteStrings(gone.map(\.bytes))])
        }
        if changed.isEmpty { return }
        try session.execute(
            """
            insert into takeup.orphan as known (mount, source, path, size, modified, since)
            select $1, $2, path, size, modified, statement_timestamp() - age
            from unnest($3::bytea[], $4::bigint[], $5::timestamptz[], $6::interval[])
                as given(path, size, modified, age)
            on conflict (mount, sha256(path)) do update set
                source = excluded.source, size = excluded.size, modified = excluded.modified
            """,
            [
                Value(mount), Value(source), .byteStrings(changed.map(\.path.bytes)), .integers(changed.map(\.size)),
                .instants(changed.map(\.modified)), .spans(changed.map(\.age)),
            ])
    }

    /// All of a mount, or the newest by their own times.
    package static func find(mount: MountPath, newest limit: Int? = nil, in session: Session) throws -> [OrphanFile] {
        try session.query(
            """
            select path, size, \(SQL.microseconds("modified")) as modified,
                (extract(epoch from statement_timestamp() - since) * 1000000)::bigint as age
            from takeup.orphan where mount = $1 order by orphan.modified desc, path desc limit $2
            """, [Value(mount), Value(limit)]
        ).map { row in
            OrphanFile(
                path: try row.path("path"), size: try row.integer("size"), modified: try row.instant("modified"),
                age: try row.optionalSpan("age") ?? .zero)
        }
    }

    package static func count(mount: MountPath, in session: Session) throws -> Int {
        try session.first("select count(*) from takeup.orphan where mount = $1", [Value(mount)])?.count("count") ?? 0
    }

    /// Those of mounts that the source does not have any more.
    package static func forget(source: SourceName, except mounts: [MountPath], in session: Session) throws {
        try session.execute(
            "delete from takeup.orphan where source = $1 and mount <> all ($2::text[])",
            [Value(source), .names(mounts)])
    }
}
