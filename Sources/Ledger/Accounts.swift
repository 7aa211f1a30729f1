package import Postgres
package import Vocabulary

/// One row for each file system: where placements of all processes and hosts meet.
package enum Accounts {
    /// Locks the rows until the transaction ends. One short transaction decides a placement: lock, read volumes and
    /// reservations, open intents, save credits. No file is touched meanwhile.
    package static func lock(_ accounts: some Sequence<AccountID>, in session: Session) throws {
        try session.send(
            "select from takeup.account where id = any($1::text[]) order by id for no key update",
            [.names(Set(accounts))])
    }

    /// Bytes that open intents have reserved and not yet allocated, by account: what the file system does not show as
    /// used yet. Accounts without any are left out.
    package static func reserved(_ accounts: some Sequence<AccountID>) -> Question<[AccountID: Int64]> {
        Question(
            """
            select volume.account_id, sum(greatest(0, intent.reserved_bytes - intent.allocated_bytes))::bigint as bytes
            from takeup.intent join takeup.volume on volume.id = intent.volume_id
            where intent.state = 'open' and volume.account_id = any($1::text[])
            group by volume.account_id
            """, [.names(accounts)]
        ) { rows in
            let sums = try rows.map { (try $0.name("account_id", as: AccountID.self), try $0.integer("bytes")) }
            return Dictionary(sums, uniquingKeysWith: +).filter { $0.value > 0 }
        }
    }
}
