package import Postgres
package import Vocabulary

/// Finding and removing what was written and never committed.
extension Intents {
    /// Condemns intents whose lease ended more than `grace` ago and gives them, with those that another sweeper
    /// condemned and did not finish. From here on nothing can be committed with them, and no new intent gets their
    /// final path, so removing the staged name and the final path removes nothing of anyone else's. One whose final
    /// path a replica has loses it: the name is the replica's, even where the bytes are the same.
    ///
    /// What a ledger that went back in time calls uncommitted may have been committed, and be the only copy left: while
    /// marking is stopped, and for transfers of sources whose marks the caller has not compared with what it remembers,
    /// no intent is condemned that may have published. Of a source that nobody compares any more, as it was taken out of
    /// the settings, that ends with `abandonment`, for a caller that has compared another.
    ///
    /// - Parameters:
    ///   - volumes: those that the caller can reach and has proven.
    ///   - compared: sources for which the caller just found that the ledger knows of all marks it gave.
    ///   - abandonment: since an intent was opened; longer than any agent is away that is to come back.
    ///   - lease: how long the caller may take before another sweeper tries.
    package static func condemn(
        on volumes: some Sequence<VolumeID>, compared: some Sequence<SourceName>, grace: Duration,
        abandonment: Duration, holder: Holder, limit: Int, lease: Duration, in session: Session
    ) throws -> [Intent] {
        let isMarking = try Marking.check(in: session) == nil
        return try session.query(
            """
            update takeup.intent set state = 'condemned', holder = $3,
                lease_until = statement_timestamp() + $5::interval,
                staged_name = coalesce(staged_name, final_path),
                final_path = case when not exists (
                    select from takeup.replica
                    where replica.volume_id = intent.volume_id and sha256(replica.path) = sha256(intent.final_path)
                        and replica.state <> 'removed') then final_path end
            where token = any (array(
                select token from takeup.intent
                where volume_id = any($1::text[])
                    and (state in ('open', 'superseded') and lease_until < statement_timestamp() - $2::interval
                        or state = 'condemned' and lease_until < statement_timestamp())
                    and (ready_sha256 is null or $6::boolean and (mux_job_id is not null or exists (
                        select from takeup.transfer
                        where transfer.id = intent.transfer_id and transfer.source = any($7::text[]))
                        or cardinality($7::text[]) > 0 and opened_at < statement_timestamp() - $8::interval))
                order by token limit $4::bigint for update skip locked))
            returning \(Intent.columns.text(of: "intent"))
            """,
            [
                .names(volumes), Value(grace), Value(holder), Value(limit), Value(lease), .text(isMarking ? "t" : "f"),
                .names(compared), Value(abandonment),
            ]
        ).map(Intent.init)
    }

    /// Whether an intent is still this sweeper's to clear, right before it removes anything: its lease runs, and no
    /// other took it over, and the name is not spared since.
    package static func isCondemned(_ token: FencingToken, holder: Holder, in session: Session) throws -> Bool {
        try session.first(
            """
            select from takeup.intent
            where token = $1 and state = 'condemned' and holder = $2 and lease_until > statement_timestamp()
                and (ready_sha256 is null or (select marking_stopped is null from takeup.meta))
            """, [Value(token), Value(holder)]) != nil
    }

    /// No sweep removes what is under a final name of any intent there is now: what a ledger forgot may have been
    /// committed before. Where nobody is at work with it, an adoption may have the name.
    static func spareNames(in session: Session) throws {
        try session.execute(
            """
            update takeup.intent set ready_size = null, ready_sha256 = null
            where token = any (array(
                select token from takeup.intent where ready_sha256 is not null order by token for no key update))
            """)
    }

    /// Frees final names for files that stand there and are about to be adopted: from intents that fell or whose lease
    /// is over, and which no sweeper is removing for.
    package static func giveUp(_ places: [(volume: VolumeID, path: FilePath)], in session: Session) throws {
        try session.execute(
            """
            update takeup.intent set staged_name = coalesce(staged_name, final_path), final_path = null,
                state = case state when 'open' then 'superseded' else state end
            where token = any (array(
                select token from takeup.intent
                join unnest($1::text[], $2::bytea[]) as place(volume, path)
                    on intent.volume_id = place.volume and sha256(intent.final_path) = sha256(place.path)
                where state in ('open', 'superseded') and lease_until < statement_timestamp()
                    or state in ('condemned', 'swept') and ready_sha256 is null
                order by token for no key update of intent))
            """, [.names(places.map(\.volume)), .byteStrings(places.map(\.path.bytes))])
    }

    /// What these condemned intents left is gone, durably.
    package static func swept(_ tokens: some Sequence<FencingToken>, in session: Session) throws {
        try session.execute(
            """
            update takeup.intent set state = 'swept', lease_until = statement_timestamp()
            where token = any (array(
                select token from takeup.intent where token = any($1::bigint[]) and state = 'condemned'
                order by token for no key update))
            """, [.tokens(tokens)])
    }

    /// Names that appeared after their intents had fallen, published by a worker that stood still: the sweep looks at
    /// them again, or for the first time where the intent is forgotten. Nothing is done about names that a replica or
    /// another intent has.
    ///
    /// - Parameter intents: as they were opened, with what was published; without, where that is not known for sure:
    ///   then nothing is done about one that is forgotten.
    package static func condemnLate(_ intents: [Intent], in session: Session) throws {
        let tokens = Value.tokens(intents.map(\.token))
        try session.execute(
            """
            update takeup.intent set state = 'superseded', lease_until = statement_timestamp()
            where token = any (array(
                select token from takeup.intent
                where token = any($1::bigint[]) and state in ('condemned', 'swept') and final_path is not null
                order by token for no key update))
            """, [tokens])
        try session.execute(
            """
            insert into takeup.intent (transfer_id, mux_job_id, holder, lease_until, volume_id, final_path, ready_size,
                ready_sha256, reserved_bytes, state)
            select transfer, job, holder, statement_timestamp(), volume, path, size, digest, 0, 'superseded'
            from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::bigint[],
                $8::bytea[]) as late(token, transfer, job, holder, volume, path, size, digest)
            where digest is not null and not exists (select from takeup.intent where intent.token = late.token)
                and not exists (
                    select from takeup.replica
                    where replica.volume_id = late.volume and sha256(replica.path) = sha256(late.path)
                        and replica.state <> 'removed')
            on conflict (volume_id, sha256(final_path)) where final_path is not null do nothing
            """,
            [
                tokens, .integers(intents.map { $0.transfer?.rawValue }),
                .integers(intents.map { $0.muxJob?.rawValue }),
                .names(intents.map(\.holder)), .names(intents.map(\.volume)),
                .byteStrings(intents.map { $0.finalPath?.bytes }), .integers(intents.map { $0.ready?.size }),
                .byteStrings(intents.map { $0.ready?.digest.bytes }),
            ])
    }

    /// A worker took its own leftovers away: its intents need no sweep. Its own, and not committed.
    package static func drop(_ tokens: some Sequence<FencingToken>, holder: Holder, in session: Session) throws {
        try session.execute(
            """
            delete from takeup.intent
            where token = any (array(
                select token from takeup.intent
                where token = any($1::bigint[]) and holder = $2 and state in ('open', 'superseded')
                order by token for update))
            """, [.tokens(tokens), Value(holder)])
    }

    /// Forgets swept intents, and so frees their final paths.
    ///
    /// - Parameter age: longer than any sweeper can have stood still between condemning and removing.
    @discardableResult
    package static func forgetSwept(olderThan age: Duration, in session: Session) throws -> Int {
        try session.execute(
            """
            delete from takeup.intent where state = 'swept' and lease_until < statement_timestamp() - $1::interval
            """, [Value(age)])
    }
}
