package import Postgres
package import Vocabulary

/// Writing down what was decided about recordings: one transaction for a batch, before anything moves.
package enum Plans {
    /// Holds the plans: a sighting each, its transfers, and nothing else that was promised before.
    ///
    /// Inside a *read committed* transaction, after ``Keepers/confirm(_:in:)``. Transfers that are already under way or
    /// done stay so; one that is done but whose replica is no longer held is opened again. Those no longer promised
    /// are dropped, and a worker that still copies one finds its token gone.
    ///
    /// - Parameter plans: at most one for each recording.
    /// - Returns: the sightings as they stand now.
    @discardableResult
    package static func record(_ plans: [SightingPlan], in session: Session) throws -> [Sighting] {
        if plans.isEmpty { return [] }
        try write(plans, in: session)
        let references = plans.map(\.reference)
        return try session.query(
            """
            select \(Sighting.columns.text(of: "sighting")) from takeup.sighting
            join unnest($1::text[], $2::bigint[]) as planned(source, id)
                on sighting.source = planned.source and sighting.source_id = planned.id
            order by sighting.source, sighting.source_id
            """, batch(references)
        ).map(Sighting.init)
    }

    /// Claims transfers in the moment that they are planned, for an agent that can carry them out at once.
    package struct AtOnce: Sendable {
        package var mount: MountPath
        package var holder: Holder
        package var lease: Duration
        package init(mount: MountPath, holder: Holder, lease: Duration) {
            self.mount = mount
            self.holder = holder
            self.lease = lease
        }
    }

    /// The same for whoever does not want to see the sightings.
    ///
    /// - Parameter moving: those that were transferring when the plans were made. Where one converged since, what was
    ///   committed is not what its plan saw: it is left as it is, and looked at again as its rows are others by now.
    /// - Returns: new transfers that were claimed with their plan. Those that were known before wait, as do copies from other
    ///   mounts and what is to be measured.
    @discardableResult
    package static func write(
        _ plans: [SightingPlan], moving: Set<RecordingReference> = [], claiming atOnce: AtOnce? = nil,
        in session: Session
    ) throws -> [Transfer] {
        if plans.isEmpty { return [] }
        try lockTransfers(of: plans, in: session)
        let overtaken = try overtaken(plans.filter { moving.contains($0.reference) }, in: session)
        let plans = plans.filter { !overtaken.contains($0.reference) }
        if plans.isEmpty { return [] }
        try drop(notIn: plans, in: session)
        try writeSightings(plans, in: session)
        let written = try writeTransfers(plans, claiming: atOnce, in: session)
        try Sightings.converge(plans.map(\.reference).filter { !written.open.contains($0) }, in: session)
        return written.claimed
    }

    private static func batch(_ references: [RecordingReference]) -> [Value] {
        [.names(references.map(\.source)), .integers(references.map(\.id))]
    }

    /// All that the following statements can touch, whatever its state: a commit with a token that fell locks its
    /// transfer, too.
    private static func lockTransfers(of plans: [SightingPlan], in session: Session) throws {
        let promised = plans.flatMap { plan in plan.transfers.map { (plan.reference.source, $0.mediaID) } }
        try session.send(
            """
            select from takeup.transfer
            where id = any (array(
                select known.id from unnest($1::text[], $2::bigint[]) as planned(source, id)
                cross join lateral (
                    select transfer.id from takeup.transfer
                    where transfer.source = planned.source and transfer.source_id = planned.id offset 0) as known
                union
                select known.id from unnest($3::text[], $4::bigint[]) as promised(source, media)
                cross join lateral (
                    select transfer.id from takeup.transfer
                    where transfer.source = promised.source and transfer.source_media_id = promised.media
                    offset 0) as known))
            order by id for no key update
            """, batch(plans.map(\.reference)) + [.names(promised.map(\.0)), .integers(promised.map(\.1))])
    }

    /// With their transfers locked, no commit changes what this sees.
    private static func overtaken(
        _ plans: [SightingPlan], in session: Session
    ) throws -> Set<RecordingReference> {
        if plans.isEmpty { return [] }
        let rows = try session.query(
            """
            select sighting.source, sighting.source_id from takeup.sighting
            join unnest($1::text[], $2::bigint[], $3::bytea[]) as planned(source, id, fingerprint)
                on sighting.source = planned.source and sighting.source_id = planned.id
            where sighting.state = 'converged' and sighting.fingerprint is distinct from planned.fingerprint
            """, batch(plans.map(\.reference)) + [.byteStrings(plans.map(\.fingerprint))])
        return Set(
            try rows.map { RecordingReference(source: try $0.name("source"), id: try $0.integer("source_id")) })
    }

    private static func drop(notIn plans: [SightingPlan], in session: Session) throws {
        try session.send(dropStatement, dropValues(plans))
    }

    static func dropValues(_ plans: [SightingPlan]) -> [Value] {
        let promised = plans.flatMap { plan in plan.transfers.map { (plan.reference.source, $0) } }
        return batch(plans.map(\.reference)) + [
            .names(promised.map(\.0)), .integers(promised.map(\.1.mediaID)),
            .byteStrings(promised.map(\.1.fingerprint)),
        ]
    }

    /// What they have under way is fenced.
    static let dropStatement = """
        with dropped as (
            update takeup.transfer set state = 'dropped', holder = null, lease_until = null,
                changed_at = statement_timestamp()
            from unnest($1::text[], $2::bigint[]) as planned(source, id)
            where transfer.source = planned.source and transfer.source_id = planned.id
                and transfer.state in ('waiting', 'claimed')
                -- A table of hashes, also where joins by hashes are switched off; none of these is ever null.
                and (transfer.source, transfer.source_media_id, transfer.fingerprint) not in (
                    select source collate "C", media, fingerprint
                    from unnest($3::text[], $4::bigint[], $5::bytea[]) as promised(source, media, fingerprint))
            returning transfer.id
        )
        update takeup.intent set state = 'superseded'
        where token = any (array(
            select token from takeup.intent
            where transfer_id in (select id from dropped) and state = 'open' order by token for no key update))
        """

    private static func writeSightings(_ plans: [SightingPlan], in session: Session) throws {
        try session.send(
            """
            insert into takeup.sighting as known (source, source_id, sid, stopped_at, finished_at, state, why,
                not_before, attempts, mark, fingerprint, detail, standing, converged_at, last_error, failures, awaits)
            select source, id, sid, stopped, finished, state, why, statement_timestamp() + delay,
                case when state in ('waiting', 'refused') then 1 else 0 end, mark, fingerprint, detail, standing,
                case when state = 'converged' and fingerprint is not null and mark is distinct from 'E'
                    then statement_timestamp() end,
                failure, case when failure is null then 0 else 1 end, awaits
            from unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                $7::text[], $8::interval[], $9::text[], $10::bytea[], $11::bytea[], $12::text[], $13::text[], $14::text[])
                as plan(source, id, sid, stopped, finished, state, why, delay, mark, fingerprint, detail, standing,
                    failure, awaits)
            order by source collate "C", id
            on conflict (source, source_id) do update set
                sid = excluded.sid, stopped_at = excluded.stopped_at,
                finished_at = coalesce(known.finished_at, excluded.finished_at),
                state = excluded.state, why = excluded.why, not_before = excluded.not_before,
                attempts = case when excluded.attempts > 0 then known.attempts + 1 else 0 end,
                mark = excluded.mark, fingerprint = excluded.fingerprint, detail = excluded.detail,
                standing = excluded.standing, awaits = excluded.awaits,
                seen_at = statement_timestamp(), changed_at = statement_timestamp(),
                converged_at = excluded.converged_at,
                last_error = coalesce(excluded.last_error, known.last_error),
                failures = case when excluded.state = 'transferring' then 0 else known.failures + excluded.failures end
            """,
            batch(plans.map(\.reference)) + [
                .sids(plans.map(\.sid)), .instants(plans.map(\.stopped)), .instants(plans.map(\.finished)),
                .texts(plans.map(\.state.rawValue)), .texts(plans.map(\.why)), .spans(plans.map(\.delay)),
                .texts(plans.map { $0.mark?.rawValue }), .byteStrings(plans.map(\.fingerprint)),
                .byteStrings(plans.map(\.detail)), .texts(plans.map { $0.standing?.rawValue }),
                .texts(plans.map(\.failure)), .texts(plans.map { Awaited.ledgerText(of: $0.awaits) }),
            ])
    }

    /// Gives the recordings that have transfers to do, and what was claimed.
    private static func writeTransfers(
        _ plans: [SightingPlan], claiming atOnce: AtOnce?, in session: Session
    ) throws -> (open: Set<RecordingReference>, claimed: [Transfer]) {
        let promised = plans.flatMap { plan in plan.transfers.map { (plan: plan, transfer: $0) } }
        if promised.isEmpty { return ([], []) }
        let transfers = promised.map(\.transfer)
        let written = try session.query(
            """
            insert into takeup.transfer as known (source, source_id, source_media_id, fingerprint, sid, mount, kind,
                source_path, expected_size, crc32, key_id, properties, recording_start, replaces_media_id,
                purpose, state, attempts, holder, lease_until)
            select plan.*, case when is_claimed then 'claimed' else 'waiting' end,
                case when is_claimed then 1 else 0 end, case when is_claimed then $17 end,
                case when is_claimed then statement_timestamp() + $18::interval end
            from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[],
                $7::text[], $8::bytea[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::timestamp[],
                $14::bigint[], $15::text[])
                as plan(source, id, media, fingerprint, sid, mount, kind, path, size, crc, key, props, start, replaces,
                    purpose)
            cross join lateral (
                select coalesce(plan.mount = $16 and plan.purpose = 'copy', false) as is_claimed) as now
            order by source collate "C", media, fingerprint
            on conflict (source, source_media_id, fingerprint) do update set
                source_id = excluded.source_id, sid = excluded.sid, mount = excluded.mount, kind = excluded.kind,
                source_path = excluded.source_path, expected_size = excluded.expected_size, crc32 = excluded.crc32,
                key_id = excluded.key_id, properties = excluded.properties,
                recording_start = excluded.recording_start, replaces_media_id = excluded.replaces_media_id,
                purpose = excluded.purpose,
                state = case when known.state in ('dropped', 'done') then 'waiting' else known.state end,
                not_before =
                    case when known.state in ('dropped', 'done') then statement_timestamp() else known.not_before end,
                failures = case when known.state in ('dropped', 'done') then 0 else known.failures end,
                faults = case when known.state in ('dropped', 'done') then 0 else known.faults end,
                missing_since = case when known.state in ('dropped', 'done') then null else known.missing_since end,
                unreadable_since =
                    case when known.state in ('dropped', 'done') then null else known.unreadable_since end
            where known.state <> 'done' or not known.found_absent and not exists (
                select from takeup.replica
                where replica.transfer_id = known.id and replica.state = 'held' and replica.sid = excluded.sid
                    and not replica.is_doubted)
            returning xmax = 0 as is_new, \(Transfer.columns.text(of: "known"))
            """,
            [
                .names(promised.map(\.plan.reference.source)), .integers(promised.map(\.plan.reference.id)),
                .integers(transfers.map(\.mediaID)), .byteStrings(transfers.map(\.fingerprint)),
                .sids(promised.map(\.plan.sid)), .names(transfers.map(\.mount)),
                .texts(transfers.map(\.kind.rawValue)), .byteStrings(transfers.map(\.path.bytes)),
                .integers(transfers.map(\.expectedSize)), .integers(transfers.map { $0.crc32.map { Int64($0) } }),
                .texts(transfers.map(\.keyID)), .texts(transfers.map(\.properties)),
                .wallTimes(transfers.map(\.recordingStart)), .integers(transfers.map(\.replacesMediaID)),
                .texts(transfers.map(\.purpose.rawValue)), Value(atOnce?.mount), Value(atOnce?.holder),
                Value(atOnce?.lease ?? .zero),
            ])
        let waiting = try written.filter { try $0.text("state") == "waiting" }
        try WorkChannel.notify(mounts: waiting.map { try $0.name("mount", as: MountPath.self) }, in: session)
        let open = try written.filter { try ["waiting", "claimed"].contains($0.text("state")) }
        let claimed = try open.filter { try $0.boolean("is_new") && $0.text("state") == "claimed" }
        return (
            Set(try open.map { RecordingReference(source: try $0.name("source"), id: try $0.integer("source_id")) }),
            try claimed.map(Transfer.init)
        )
    }
}
