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
    ///
    /// Where the volume came to share another account meanwhile, the sums of both cannot be compared: all of both counts.
    package func reserved(
        since earlier: AccountStanding, isSameAccount: Bool = true
    ) -> (bytes: Int64, files: Int64) {
        guard isSameAccount else {
            return (
                earlier.unallocatedBytes + unallocatedBytes, earlier.unallocatedFiles + unallocatedFiles
            )
        }
        return (
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
    ///
    /// The answer is which they are: those that the volumes had when the lock was asked for.
    package static func lock(of volumes: some Sequence<VolumeID>) -> Question<Set<AccountID>> {
        Question(
            """
            select id from takeup.account
            where id = any (array(select account_id from takeup.volume where id = any($1::text[])))
            order by id for no key update
            """, [.names(Set(volumes))]
        ) { rows in Set(try rows.map { try $0.name("id") }) }
    }

    /// While volumes come to share accounts.
    package static func lockAll(in session: Session) throws {
        try session.send("select from takeup.account order by id for no key update")
    }

    /// Lets all volumes of some accounts share others.
    package static func join(_ accounts: [AccountID: AccountID], in session: Session) throws {
        if accounts.isEmpty { return }
        let pairs = Array(accounts)
        try session.execute(
            """
            update takeup.volume set account_id = given.other
            from unnest($1::text[], $2::text[]) as given(one, other)
            where volume.account_id = given.one and volume.id = any (array(
                select id from takeup.volume where account_id = any($1::text[]) order by id for no key update))
            """, [.names(pairs.map(\.key)), .names(pairs.map(\.value))])
    }

    /// Of the account that each volume has now.
    package static func standing(
        of volumes: some Sequence<VolumeID>
    ) -> Question<[VolumeID: (account: AccountID, standing: AccountStanding)]> {
        Question(
            """
            select asked.id as volume_id, account.id, account.promised_bytes, account.promised_files, account.largest_bytes,
                coalesce(open.bytes, 0) as bytes, coalesce(open.files, 0) as files, coalesce(open.largest, 0) as largest
            from takeup.volume as asked join takeup.account on account.id = asked.account_id
            left join (
                select volume.account_id,
                    sum(greatest(0, intent.reserved_bytes - intent.allocated_bytes))::bigint as bytes,
                    count(*) filter (where intent.allocated_bytes < intent.reserved_bytes) as files,
                    max(intent.reserved_bytes) as largest
                from takeup.intent join takeup.volume on volume.id = intent.volume_id
                where intent.state = 'open' group by volume.account_id
            ) as open on open.account_id = account.id
            where asked.id = any($1::text[])
            """, [.names(volumes)]
        ) { rows in
            let standings = try rows.map { row in
                (
                    try row.name("volume_id", as: VolumeID.self),
                    (
                        account: try row.name("id", as: AccountID.self),
                        standing: AccountStanding(
                            unallocatedBytes: try row.integer("bytes"), unallocatedFiles: try row.integer("files"),
                            largestUnderWay: try row.integer("largest"),
                            promisedBytes: try row.integer("promised_bytes"),
                            promisedFiles: try row.integer("promised_files"),
                            largestEver: try row.integer("largest_bytes"))
                    )
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
