package import Postgres
package import Vocabulary

/// The rows of volumes.
package enum Volumes {
    /// Makes volumes known, or tells their new name, path and account; credit and state stay. A name belongs to one disk
    /// at a time: a database error where another has it.
    /// - Parameter credit: what a new one begins with.
    package static func register(
        _ volumes: [(id: VolumeID, name: VolumeName, path: FilePath, account: AccountID)],
        credit: (VolumeID) -> Double = { _ in 0 }, in session: Session
    ) throws {
        try session.execute(
            """
            insert into takeup.account (id) select distinct id collate "C" from unnest($1::text[]) as id order by 1
            on conflict do nothing
            """, [.names(volumes.map(\.account))])
        try session.execute(
            """
            insert into takeup.volume as standing (id, name, path, account_id, credit)
            select * from unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::float8[])
                as given(id, name, path, account, credit)
            order by id collate "C"
            on conflict (id) do update set
                name = excluded.name, path = excluded.path, account_id = excluded.account_id, replaced_at = null
            where (standing.name, standing.path, standing.account_id)
                is distinct from (excluded.name, excluded.path, excluded.account_id)
                or standing.replaced_at is not null
            """,
            [
                .names(volumes.map(\.id)), .names(volumes.map(\.name)), .byteStrings(volumes.map(\.path.bytes)),
                .names(volumes.map(\.account)), .reals(volumes.map { credit($0.id) }),
            ])
    }

    /// Another disk gets the name of one that was replaced. What the old one holds stays on record.
    package static func replace(
        _ name: VolumeName, by id: VolumeID, path: FilePath, credit: Double, in session: Session
    ) throws {
        try session.execute(
            """
            update takeup.volume set replaced_at = statement_timestamp()
            where name = $1 and id <> $2 and replaced_at is null
            """, [Value(name), Value(id)])
        let account = try find([id], in: session)[id]?.account ?? AccountID(id.rawValue)
        try register([(id, name, path, account)], credit: { _ in credit }, in: session)
    }

    package static func all(in session: Session) throws -> [KnownVolume] {
        try session.query(
            "select \(KnownVolume.columns.text(of: "volume")) from takeup.volume order by name, id"
        ).map(KnownVolume.init)
    }

    package static func find(_ ids: some Sequence<VolumeID>, in session: Session) throws -> [VolumeID: KnownVolume] {
        try session.answer(find(ids))
    }

    package static func find(_ ids: some Sequence<VolumeID>) -> Question<[VolumeID: KnownVolume]> {
        Question(
            "select \(KnownVolume.columns.text(of: "volume")) from takeup.volume where id = any($1::text[])",
            [.names(ids)]
        ) { rows in
            Dictionary(
                try rows.map(KnownVolume.init).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// After a placement, while the accounts are locked.
    package static func saveCredits(_ credits: [VolumeID: Double], in session: Session) throws {
        let pairs = Array(credits)
        try session.send(
            """
            update takeup.volume set credit = given.credit
            from unnest($1::text[], $2::float8[]) as given(id, credit)
            where volume.id = given.id and volume.id = any (array(
                select id from takeup.volume where id = any($1::text[]) order by id for no key update))
            """, [.names(pairs.map(\.key)), .reals(pairs.map(\.value))])
    }

    /// What the file system said now. Whoever saves several goes by their ids. The peak of a raised alert follows.
    package static func saveSample(
        _ sample: KnownVolume.Sample, of volume: VolumeID, in session: Session
    ) throws {
        let reachable = sample.usedBytes + sample.availableBytes
        let percent = reachable > 0 ? 100 * Double(sample.usedBytes) / Double(reachable) : 0
        try session.send(
            """
            update takeup.volume set total_bytes = $2, available_bytes = $3, used_bytes = $4, total_inodes = $5,
                available_inodes = $6, sampled_at = statement_timestamp(),
                peak_percent = case when incident is not null then greatest(peak_percent, $7::float8) end
            where id = $1
            """,
            [
                Value(volume), .integer(sample.totalBytes), .integer(sample.availableBytes),
                .integer(sample.usedBytes), .integer(sample.totalInodes), .integer(sample.availableInodes),
                .real(percent),
            ])
    }

    /// Moves the volume from one state to another, for whichever process sees it first.
    ///
    /// - Parameter raisesAlert: gives it an incident number, unless it has one; false clears it.
    /// - Returns: the volume as it was and is; nil where it was not in `expected`, so that another process has told of
    ///   the change already.
    package static func move(
        _ volume: VolumeID, from expected: String, to state: String, reason: String?, raisesAlert: Bool,
        in session: Session
    ) throws -> (before: KnownVolume, after: KnownVolume)? {
        let rows = try session.query(
            """
            select \(KnownVolume.columns.text(of: "volume")) from takeup.volume
            where id = $1 and state = $2 for no key update
            """, [Value(volume), .text(expected)])
        guard let before = try rows.first.map(KnownVolume.init) else { return nil }
        let moved = try session.first(
            """
            update takeup.volume set state = $3, reason = $4,
                since = case when state = $3 then since else statement_timestamp() end,
                incident = case when $5::boolean then coalesce(incident, nextval('takeup.incident')) end,
                peak_percent = case when $5::boolean then peak_percent end
            where id = $1 and state = $2
            returning \(KnownVolume.columns.text(of: "volume"))
            """, [Value(volume), .text(expected), .text(state), Value(reason), .boolean(raisesAlert)])
        return try moved.map { (before, try KnownVolume($0)) }
    }
}
