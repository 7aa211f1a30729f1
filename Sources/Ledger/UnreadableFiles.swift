package import Postgres
package import Vocabulary

/// Files that are there and that their mount does not give.
extension Transfers {
    /// More of one mount have one cause.
    package static let unreadableOneByOne = 2

    /// Those whose attempts failed so often at least, the first first.
    package static func unreadable(
        mount: MountPath, failures: Int, limit: Int, in session: Session
    ) throws -> [Transfer] {
        try session.query(
            """
            select \(Transfer.columns.text(of: "transfer")) from takeup.transfer
            where mount = $1 and state in ('waiting', 'claimed') and unreadable_since is not null and failures >= $2
            order by unreadable_since, id limit $3
            """, [Value(mount), Value(failures), Value(limit)]
        ).map(Transfer.init)
    }

    /// How many, and since when.
    package static func unreadableCount(
        mount: MountPath, failures: Int, in session: Session
    ) throws -> MissingCount {
        let row = try session.first(
            """
            select count(*) as files, \(SQL.microseconds("min(unreadable_since)")) as first from takeup.transfer
            where mount = $1 and state in ('waiting', 'claimed') and unreadable_since is not null and failures >= $2
            """, [Value(mount), Value(failures)])
        return MissingCount(files: try row?.count("files") ?? 0, first: try row?.optionalInstant("first"))
    }
}
