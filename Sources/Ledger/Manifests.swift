package import Postgres
package import Vocabulary

/// A directory of one source and day on one volume.
package struct DayDirectory: Hashable, Sendable {
    package var volume: VolumeID
    /// `<source>/<day>`, below the volume's root.
    package var path: FilePath

    package init(volume: VolumeID, path: FilePath) {
        self.volume = volume
        self.path = path
    }

    package var source: SourceName { SourceName(String(decoding: path.components.first ?? [], as: UTF8.self)) }
    /// `YYYYMMDD`, or a word where recordings have no date.
    package var day: String { String(decoding: path.lastComponent, as: UTF8.self) }
}

/// A manifest as it was written, or was about to be.
package struct ManifestSeal: Hashable, Sendable {
    package var generation: Int64
    package var digest: Digest
    /// Of the list of what was removed; nil where there is none.
    package var removedDigest: Digest?
    package var files: Int64
    package var removed: Int64
    package var keyID: String?
    /// Of the list's signature, and of that of what was removed; nil where there is none.
    package var signatureDigest: Digest?
    package var removedSignatureDigest: Digest?
    /// Nil until its names are durable.
    package var sealed: Instant?

    package init(
        generation: Int64, digest: Digest, removedDigest: Digest?, files: Int64, removed: Int64, keyID: String?,
        signatureDigest: Digest?, removedSignatureDigest: Digest?
    ) {
        self.generation = generation
        self.digest = digest
        self.removedDigest = removedDigest
        self.files = files
        self.removed = removed
        self.keyID = keyID
        self.signatureDigest = signatureDigest
        self.removedSignatureDigest = removedSignatureDigest
    }
}

/// Day directories and their manifests.
package enum Manifests {
    /// The first two components of a path with the slash behind them, in SQL.
    static func directory(of path: String) -> String {
        let first = "position('/'::bytea in \(path))"
        return """
            (substring(\(path) from 1 for \(first) + position('/'::bytea in substring(\(path) from \(first) + 1))))
            """
    }

    /// Makes directories of new replicas known, and due. Gives whether more may be left.
    ///
    /// - Parameter age: since a replica's commit, longer than any transaction may be open: ids are given before.
    package static func follow(olderThan age: Duration, limit: Int, in session: Session) throws -> Bool {
        let last =
            try session.first("select replica_id from takeup.manifest_progress for no key update")?
            .integer("replica_id") ?? 0
        let ids = try session.query(
            """
            select id from takeup.replica where id > $1 and committed_at < statement_timestamp() - $2::interval
            order by id limit $3
            """, [.integer(last), Value(age), Value(limit)]
        ).map { try $0.integer("id") }
        guard let end = ids.last else { return false }
        try session.execute(
            """
            insert into takeup.day_directory as known (volume_id, directory)
            select volume_id, substring(part from 1 for length(part) - 1) from (
                select distinct volume_id, \(directory(of: "path")) as part from takeup.replica
                where id > $1 and id <= $2
            ) as given where length(part) > 1 order by volume_id collate "C", part
            on conflict (volume_id, directory) do update set is_due = true where not known.is_due
            """, [.integer(last), .integer(end)])
        try session.execute("update takeup.manifest_progress set replica_id = $1", [.integer(end)])
        return ids.count == limit
    }

    /// Directories that lost copies since their last manifest: replaced, or removed by the replay's own tools.
    package static func followLosses(in session: Session) throws {
        try session.execute(
            """
            update takeup.day_directory as known set is_due = true from (
                select volume_id, \(directory(of: "path")) as part, max(greatest(put_aside_at, gone_at)) as lost_at
                from takeup.replica
                where state = 'retired' and put_aside_at is not null
                    or gone_at > statement_timestamp() - interval '3 days'
                group by 1, 2
            ) as lost
            where known.volume_id = lost.volume_id and known.directory || '/'::bytea = lost.part and not known.is_due
                and lost.lost_at > (
                    select max(made_at) from takeup.manifest_seal as seal
                    where seal.volume_id = known.volume_id and seal.directory = known.directory)
            """)
    }

    /// Those that were sealed without a signature.
    package static func followUnsigned(on volumes: some Sequence<VolumeID>, in session: Session) throws {
        try session.execute(
            """
            update takeup.day_directory as known set is_due = true
            where not is_due and volume_id = any($1::text[]) and (
                select key_id from takeup.manifest_seal as seal
                where seal.volume_id = known.volume_id and seal.directory = known.directory
                order by generation desc limit 1) is null
            """, [.names(volumes)])
    }

    /// What is on its way to a directory.
    package struct Busy: Hashable, Sendable {
        /// Files still to be copied.
        package var transfers: Int
        /// Copies under way, or left of dead attempts.
        package var intents: Int
        /// Pairs still to be muxed.
        package var muxJobs: Int
        /// Why most of the transfers wait.
        package var why: String?
    }

    /// What is on its way to directories, by `<source>/<day>` of whatever volume.
    package static func busy(in session: Session) throws -> [FilePath: Busy] {
        let rows = try session.query(
            """
            select busy, sum(transfers)::bigint as transfers, sum(intents)::bigint as intents,
                sum(jobs)::bigint as jobs, max(why) as why
            from (
                select convert_to(source || '/' || coalesce(to_char(recording_start, 'YYYYMMDD'), 'undated') || '/', 'UTF8')
                    as busy, count(*) as transfers, 0 as intents, 0 as jobs,
                    mode() within group (order by last_error) as why
                from takeup.transfer where state in ('waiting', 'claimed') and purpose = 'copy' group by 1
                union all
                select \(directory(of: "final_path")), 0, count(*), 0, null from takeup.intent
                where final_path is not null and state <> 'swept' group by 1
                union all
                select \(directory(of: "replica.path")), 0, 0, count(*), null from takeup.mux_job
                join takeup.replica on replica.id = mux_job.sound_id
                where mux_job.state in ('waiting', 'claimed') group by 1
            ) as parts group by busy
            """)
        return Dictionary(
            try rows.map { row in
                (
                    FilePath(bytes: try row.bytes("busy").dropLast()),
                    Busy(
                        transfers: try row.count("transfers"), intents: try row.count("intents"),
                        muxJobs: try row.count("jobs"), why: try row.optionalText("why"))
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Directories that wait for a manifest, on whatever volume, as `<source>/<day>`.
    package static func due(in session: Session) throws -> [FilePath] {
        try session.query(
            "select distinct directory from takeup.day_directory where is_due order by directory"
        ).map { try $0.path("directory") }
    }

    /// Directories whose manifest is to be written, behind `last`.
    package static func due(
        on volume: VolumeID, after last: FilePath, limit: Int, in session: Session
    ) throws -> [DayDirectory] {
        try session.query(
            """
            select directory from takeup.day_directory
            where volume_id = $1 and is_due and directory > $2 order by directory limit $3
            """, [Value(volume), .bytes(last.bytes), Value(limit)]
        ).map { DayDirectory(volume: volume, path: try $0.path("directory")) }
    }

    /// Directories whose manifest was looked at longest ago.
    package static func toLook(
        on volume: VolumeID, olderThan age: Duration, limit: Int, in session: Session
    ) throws -> [DayDirectory] {
        try session.query(
            """
            select directory from takeup.day_directory
            where volume_id = $1 and not is_due and looked_at < statement_timestamp() - $2::interval
            order by looked_at limit $3
            """, [Value(volume), Value(age), Value(limit)]
        ).map { DayDirectory(volume: volume, path: try $0.path("directory")) }
    }

    /// Makes one ours for `lease`. False where another works on it.
    package static func claim(
        _ directory: DayDirectory, holder: Holder, lease: Duration, in session: Session
    ) throws -> Bool {
        try session.execute(
            """
            update takeup.day_directory set holder = $3, lease_until = statement_timestamp() + $4::interval
            where volume_id = $1 and directory = $2
                and (lease_until is null or lease_until < statement_timestamp() or holder = $3)
            """, [Value(directory.volume), .bytes(directory.path.bytes), Value(holder), Value(lease)]) == 1
    }

    /// Lets go of it, looked at now. `isDue` is what it is from now on.
    package static func release(
        _ directory: DayDirectory, isDue: Bool, holder: Holder, in session: Session
    ) throws {
        try session.execute(
            """
            update takeup.day_directory set holder = null, lease_until = null, looked_at = statement_timestamp(),
                is_due = $4::boolean
            where volume_id = $1 and directory = $2 and holder = $3
            """, [Value(directory.volume), .bytes(directory.path.bytes), Value(holder), .boolean(isDue)])
    }

    /// Whether it is still ours.
    package static func isHeld(_ directory: DayDirectory, holder: Holder, in session: Session) throws -> Bool {
        try session.first(
            """
            select from takeup.day_directory
            where volume_id = $1 and directory = $2 and holder = $3 and lease_until > statement_timestamp()
            """, [Value(directory.volume), .bytes(directory.path.bytes), Value(holder)]) != nil
    }

    /// The newest first.
    package static func seals(of directory: DayDirectory, limit: Int, in session: Session) throws -> [ManifestSeal] {
        try session.query(
            """
            select generation, sha256, removed_sha256, files, removed, key_id, signature_sha256,
                removed_signature_sha256, \(SQL.microseconds("sealed_at")) as sealed
            from takeup.manifest_seal where volume_id = $1 and directory = $2 order by generation desc limit $3
            """, [Value(directory.volume), .bytes(directory.path.bytes), Value(limit)]
        ).map { row in
            guard let digest = Digest(bytes: try row.bytes("sha256")) else {
                throw LedgerError(code: .unknownWord, sentence: "The ledger holds a digest of another length.")
            }
            var seal = ManifestSeal(
                generation: try row.integer("generation"), digest: digest,
                removedDigest: try row.optionalBytes("removed_sha256").flatMap { Digest(bytes: $0) },
                files: try row.integer("files"), removed: try row.integer("removed"),
                keyID: try row.optionalText("key_id"),
                signatureDigest: try row.optionalBytes("signature_sha256").flatMap { Digest(bytes: $0) },
                removedSignatureDigest: try row.optionalBytes("removed_signature_sha256").flatMap { Digest(bytes: $0) })
            seal.sealed = try row.optionalInstant("sealed")
            return seal
        }
    }

    /// Before its names appear.
    package static func begin(_ seal: ManifestSeal, of directory: DayDirectory, in session: Session) throws {
        try session.execute(
            """
            insert into takeup.manifest_seal (volume_id, directory, generation, sha256, removed_sha256, files, removed,
                key_id, signature_sha256, removed_signature_sha256)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                Value(directory.volume), .bytes(directory.path.bytes), .integer(seal.generation),
                .bytes(seal.digest.bytes), seal.removedDigest.map { .bytes($0.bytes) } ?? .null,
                .integer(seal.files), .integer(seal.removed), Value(seal.keyID),
                seal.signatureDigest.map { .bytes($0.bytes) } ?? .null,
                seal.removedSignatureDigest.map { .bytes($0.bytes) } ?? .null,
            ])
    }

    /// Its names are durable.
    package static func finish(_ seal: ManifestSeal, of directory: DayDirectory, in session: Session) throws {
        try session.execute(
            """
            update takeup.manifest_seal set sealed_at = statement_timestamp()
            where volume_id = $1 and directory = $2 and generation = $3 and sealed_at is null
            """, [Value(directory.volume), .bytes(directory.path.bytes), .integer(seal.generation)])
    }

    /// Replicas that are held below a directory, by path.
    package static func held(in directory: DayDirectory, in session: Session) throws -> [Replica] {
        try session.query(
            """
            select \(Replica.columns.text(of: "replica")) from takeup.replica
            where \(Manifests.directory(of: "path")) = $2 and volume_id = $1 and state = 'held' order by path
            """, [Value(directory.volume), .bytes(directory.path.bytes + [UInt8(ascii: "/")])]
        ).map(Replica.init)
    }

    /// When a copy last came there; nil where none is held.
    package static func newest(in directory: DayDirectory, in session: Session) throws -> Duration? {
        try session.first(
            """
            select (extract(epoch from statement_timestamp() - max(committed_at)) * 1000000)::bigint as age
            from takeup.replica where \(Manifests.directory(of: "path")) = $2 and volume_id = $1 and state = 'held'
            """, [Value(directory.volume), .bytes(directory.path.bytes + [UInt8(ascii: "/")])]
        )?.optionalSpan("age")
    }
}
