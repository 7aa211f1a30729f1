package import Postgres
package import Vocabulary

/// What is promised on one file system.
package struct AccountStanding: Hashable, Sendable {
    /// Of open intents: what the file system does not show as used yet, and files that are not there yet.
    package var unallocatedBytes: Int64
    package var unallocatedFiles: Int64
    /// The largest file under way.
    package var largestUnderWay: Int64
    /// All that was ever promised: only grows.
    package var promisedBytes: Int64
    package var promisedFiles: Int64
    /// The largest file that was ever promised.
    package var largestEver: Int64

    package init(
        unallocatedBytes: Int64 = 0, unallocatedFiles: Int64 = 0, largestUnderWay: Int64 = 0, promisedBytes: Int64 = 0,
        promisedFiles: Int64 = 0, largestEver: Int64 = 0
    ) {
        self.unallocatedBytes = unallocatedBytes
        self.unallocatedFiles = unallocatedFiles
        self.largestUnderWay = largestUnderWay
        self.promisedBytes = promisedBytes
        self.promisedFiles = promisedFiles
        self.largestEver = largestEver
    }

    /// What is to be counted against space that was read between `earlier` and now: what was not allocated before that,
    /// and all that was promised since, whatever became of it meanwhile. Some bytes may count twice for a moment, none
    /// is left out.
    package func reserved(since earlier: AccountStanding) -> (bytes: Int64, files: Int64) {
        (
            earlier.unallocatedBytes + max(0, promisedBytes - earlier.promisedBytes),
            earlier.unallocatedFiles + max(0, promisedFiles - earlier.promisedFiles)
        )
    }
}

/// What a transaction promises on an account.
package struct AccountPromise: Hashable, Sendable {
    package var bytes: Int64
    package var files: Int64
    package var largest: Int64
    package init(bytes: Int64 = 0, files: Int64 = 0, largest: Int64 = 0) {
        self.bytes = bytes
        self.files = files
        self.largest = largest
    }
}

/// One row for each file system: where placements of all processes and hosts meet.
package enum Accounts {
    /// Locks the rows until the transaction ends. One short transaction decides a placement: lock, read volumes and
    /// reservations, open intents, save credits. No file is touched meanwhile.
    package static func lock(_ accounts: some Sequence<AccountID>, in session: Session) throws {
        try session.send(
            "select from takeup.account where id = any($1::text[]) order by id for no key update",
            [.names(Set(accounts))])
    }

    package static func standing(_ accounts: some Sequence<AccountID>) -> Question<[AccountID: AccountStanding]> {
        Question(
            """
            select account.id, account.promised_bytes, account.promised_files, account.largest_bytes,
                coalesce(open.bytes, 0) as bytes, coalesce(open.files, 0) as files, coalesce(open.largest, 0) as largest
            from takeup.account
            left join (
                select volume.account_id,
                    sum(greatest(0, intent.reserved_bytes - intent.allocated_bytes))::bigint as bytes,
                    count(*) filter (where intent.allocated_bytes < intent.reserved_bytes) as files,
                    max(intent.reserved_bytes) as largest
                from takeup.intent join takeup.volume on volume.id = intent.volume_id
                where intent.state = 'open' group by volume.account_id
            ) as open on open.account_id = account.id
            where account.id = any($1::text[])
            """, [.names(accounts)]
        ) { rows in
            let standings = try rows.map { row in
                (
                    try row.name("id", as: AccountID.self),
                    AccountStanding(
                        unallocatedBytes: try row.integer("bytes"), unallocatedFiles: try row.integer("files"),
                        largestUnderWay: try row.integer("largest"), promisedBytes: try row.integer("promised_bytes"),
                        promisedFiles: try row.integer("promised_files"), largestEver: try row.integer("largest_bytes"))
                )
            }
            return Dictionary(standings, uniquingKeysWith: { first, _ in first })
        }
    }

    /// After ``lock(_:in:)``, with the intents that are opened.
    package static func promise(_ promises: [AccountID: AccountPromise], in session: Session) throws {
        let pairs = promises.filter { $0.value.files > 0 }.map { ($0.key, $0.value) }
        if pairs.isEmpty { return }
        try session.send(
            """
            update takeup.account set promised_bytes = promised_bytes + given.bytes,
                promised_files = promised_files + given.files, largest_bytes = greatest(largest_bytes, given.largest)
            from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) as given(id, bytes, files, largest)
            where account.id = given.id
            """,
            [
                .names(pairs.map(\.0)), .integers(pairs.map(\.1.bytes)), .integers(pairs.map(\.1.files)),
                .integers(pairs.map(\.1.largest)),
            ])
    }
}
