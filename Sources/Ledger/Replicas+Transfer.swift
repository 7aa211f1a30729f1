package import Postgres

extension Replicas {
    /// The copy that a transfer made, where it still serves.
    package static func held(of transfer: Transfer.ID, in session: Session) throws -> Replica? {
        try session.first(
            """
            select \(Replica.columns.text(of: "replica")) from takeup.replica
            where transfer_id = $1 and state = 'held' order by id desc limit 1
            """, [.integer(transfer.rawValue)]
        ).map(Replica.init)
    }
}
