internal import Planning
package import Postgres
package import Vocabulary

/// Verified copies.
package enum Replicas {
    /// In the commit, while the recordings are locked. A path that another replica has is a unique violation.
    ///
    /// - Returns: the rows, in the order given.
    @discardableResult
    package static func insert(_ replicas: [NewReplica], in session: Session) throws -> [Replica] {
        if replicas.isEmpty { return [] }
        let rows = try session.query(
            """
            insert into takeup.replica (sid, kind, volume_id, path, size, sha256, xxh128, level, authenticity, source,
                source_media_id, transfer_id, replay_media_id, is_result, is_muxable, source_fingerprint, claimed_status,
                claimed_finished, claimed_length)
            select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::bytea[],
                $7::bytea[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[],
                $14::boolean[], $15::boolean[], $16::bytea[], $17::text[], $18::boolean[], $19::integer[])
            returning \(Replica.columns.text(of: "replica"))
            """,
            [
                .sids(replicas.map(\.sid)), .texts(replicas.map(\.kind.rawValue)), .names(replicas.map(\.volume)),
                .byteStrings(replicas.map(\.path.bytes)), .integers(replicas.map(\.size)),
                .byteStrings(replicas.map(\.digest.bytes)), .byteStrings(replicas.map(\.checksum.bytes)),
                .texts(replicas.map(\.level.rawValue)), .texts(replicas.map(\.authenticity.rawValue)),
                .texts(replicas.map { $0.source?.rawValue }), .integers(replicas.map(\.sourceMediaID)),
                .integers(replicas.map { $0.transfer?.rawValue }), .integers(replicas.map(\.replayMediaID)),
                .booleans(replicas.map(\.isResult)), .booleans(replicas.map(\.isMuxable)),
                .byteStrings(replicas.map(\.sourceFingerprint)),
                .texts(replicas.map { $0.claims?.problemStatus }),
                .texts(replicas.map { $0.claims.map { $0.isFinished ? "t" : "f" } }),
                .integers(replicas.map { $0.claims?.length.map(Int64.init) }),
            ])
        try tally(replicas, sign: 1, in: session)
        let inserted = try rows.map(Replica.init)
        let byPlace = Dictionary(inserted.map { ($0.content.place, $0) }, uniquingKeysWith: { first, _ in first })
        return replicas.compactMap { byPlace[$0.place] }
    }

    package static func find(_ ids: some Sequence<Replica.ID>, in session: Session) throws -> [Replica] {
        try session.query(
            "select \(Replica.columns.text(of: "replica")) from takeup.replica where id = any($1::bigint[]) order by id",
            [.numbers(ids)]
        ).map(Replica.init)
    }

    /// Held replicas of recordings, results included, oldest first.
    package static func held(_ sids: some Sequence<Sid>, in session: Session) throws -> [Sid: [Replica]] {
        try session.answer(held(sids))
    }

    package static func held(_ sids: some Sequence<Sid>) -> Question<[Sid: [Replica]]> {
        Question(
            """
            select \(Replica.columns.text(of: "replica")) from unnest($1::text[]) as wanted(sid)
            cross join lateral (
                select * from takeup.replica where sid = wanted.sid and state = 'held' offset 0
            ) as replica
            order by replica.id
            """, [.sids(Set(sids))]
        ) { rows in Dictionary(grouping: try rows.map(Replica.init), by: \.content.sid) }
    }

    /// A page of the held, by id.
    package static func held(after id: Replica.ID, limit: Int, in session: Session) throws -> [Replica] {
        try session.query(
            """
            select \(Replica.columns.text(of: "replica")) from takeup.replica
            where id > $1 and state = 'held' order by id limit $2
            """, [.integer(id.rawValue), Value(limit)]
        ).map(Replica.init)
    }

    /// A page of the held on a volume, at a path or below it, by id. An empty path is all of the volume.
    package static func held(
        on volume: VolumeID, below path: FilePath, after id: Replica.ID, limit: Int, in session: Session
    ) throws -> [Replica] {
        // The index serves a day directory and what is below one.
        let components = path.components
        let day =
            components.count >= 2 ? components[0] + [UInt8(ascii: "/")] + components[1] + [UInt8(ascii: "/")] : nil
        return try session.query(
            """
            select \(Replica.columns.text(of: "replica")) from takeup.replica
            where volume_id = $1 and id > $2 and state = 'held'
                and ($3::bytea = ''::bytea or path = $3::bytea
                    or substring(path from 1 for length($3::bytea) + 1) = $3::bytea || '/'::bytea)
                \(day == nil ? "and $5::bytea is null" : "and \(Manifests.directory(of: "path")) = $5::bytea")
            order by id limit $4
            """,
            [
                Value(volume), .integer(id.rawValue), .bytes(Array(components.joined(separator: [UInt8(ascii: "/")]))),
                Value(limit), day.map { .bytes($0) } ?? .null,
            ]
        ).map(Replica.init)
    }

    /// The files of these copies are not what they were: they count for no source any more, whoever compared them, so that
    /// the next plan of each replaces them in place. What was measured of them is forgotten. Results are left alone.
    package static func doubt(_ ids: some Sequence<Replica.ID>, in session: Session) throws {
        let rows = try session.query(
            """
            update takeup.replica set is_doubted = true
            where id = any (array(
                select id from takeup.replica where id = any($1::bigint[]) and state = 'held' and not is_result
                order by id for no key update))
            returning replay_media_id
            """, [.numbers(ids)])
        try Measurements.forget(
            replayMedia: try rows.compactMap { try $0.optionalInteger("replay_media_id") }, in: session)
    }

    /// Those of these that are held by the ledger alone: gone from their volumes, or in doubt.
    package static func lost(_ ids: some Sequence<Replica.ID>, in session: Session) throws -> Set<Replica.ID> {
        let rows = try session.query(
            """
            select id from takeup.replica
            where id = any($1::bigint[]) and state = 'held' and (is_doubted or gone_at is not null)
            """, [.numbers(ids)])
        return Set(try rows.map { try $0.number("id") })
    }

    /// What has this path, held or retired.
    package static func find(volume: VolumeID, path: FilePath, in session: Session) throws -> Replica? {
        try session.first(
            """
            select \(Replica.columns.text(of: "replica")) from takeup.replica
            where volume_id = $1 and sha256(path) = sha256($2::bytea) and state <> 'removed'
            """, [Value(volume), .bytes(path.bytes)]
        ).map(Replica.init)
    }

    /// The replay's media rows of these replicas.
    package static func bind(_ media: [Replica.ID: Int64], in session: Session) throws {
        let pairs = Array(media)
        try session.execute(
            """
            update takeup.replica set replay_media_id = given.media
            from unnest($1::bigint[], $2::bigint[]) as given(id, media) where replica.id = given.id
            """, [.numbers(pairs.map(\.key)), .integers(pairs.map(\.value))])
    }

    static func tally(_ replicas: [NewReplica], sign: Int64, in session: Session) throws {
        var changes: [String: Tallies.Change] = [:]
        for replica in replicas {
            changes[replica.volume.rawValue, default: .none].items += sign
            changes[replica.volume.rawValue, default: .none].bytes += sign * replica.size
        }
        try Tallies.add(changes, to: .held, in: session)
    }
}

extension NewReplica {
    struct Place: Hashable {
        let volume: VolumeID
        let path: FilePath
    }
    var place: Place { Place(volume: volume, path: path) }
}
