package import Postgres
package import Vocabulary

/// Opening, keeping and closing intents.
package enum Intents {
    /// Opens an intent for each request, and supersedes every older intent of the same work. After
    /// ``Accounts/lock(_:in:)``, in one transaction with the placement that it holds.
    ///
    /// - Parameter requests: at most one for each work.
    /// - Returns: an outcome for each request, in their order.
    package static func open(
        _ requests: [IntentRequest], lease: Duration, in session: Session
    ) throws -> [IntentOutcome] {
        let transfers = requests.compactMap { $0.work.transfer }
        let jobs = requests.compactMap { $0.work.muxJob }
        let heldTransfers = try numbers(session.query(Transfers.heldClaims, transfers.values), Transfer.ID.self)
        let heldJobs =
            jobs.isEmpty ? [] : try numbers(session.query(MuxJobs.heldClaims, jobs.values), MuxJob.ID.self)
        let held = requests.filter { request in
            switch request.work {
            case .transfer(let claim): heldTransfers.contains(claim.id)
            case .muxJob(let claim): heldJobs.contains(claim.id)
            }
        }
        try supersede(for: held, in: session)
        let opened = try insert(held, lease: lease, in: session)
        return requests.map { request in
            if let intent = opened[request.work.key] { return .opened(intent) }
            return held.contains(request) ? .pathTaken : .notHeld
        }
    }

    private static func numbers<Number: RowNumber>(_ rows: [Row], _ type: Number.Type) throws -> Set<Number> {
        Set(try rows.map { try $0.number("id") })
    }

    /// The row of the work is locked, so no intent of it is opened or closed meanwhile. An older intent with the same
    /// final path hands it over, unless it was ready to publish: what it may have published need not be what the new
    /// one brings, and only its own row knows what to sweep.
    private static func supersede(for requests: [IntentRequest], in session: Session) throws {
        try session.send(
            """
            with older as (
                select intent.token, intent.ready_sha256 is null
                        and intent.volume_id = request.volume and intent.final_path = request.path as is_given
                from takeup.intent
                join unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])
                    as request(transfer, job, volume, path)
                    on intent.transfer_id = request.transfer or intent.mux_job_id = request.job
                where intent.state in ('open', 'superseded') and intent.token = any (array(
                    -- Mostly there are none: a look-up for each, whatever the planner thinks of the whole table.
                    select known.token from unnest($1::bigint[], $2::bigint[]) as wanted(transfer, job)
                    cross join lateral (
                        select token from takeup.intent where transfer_id = wanted.transfer
                        union all
                        select token from takeup.intent where mux_job_id = wanted.job) as known))
                order by intent.token for no key update of intent
            )
            update takeup.intent set state = 'superseded',
                final_path = case when older.is_given then null else final_path end,
                staged_name = case when older.is_given then coalesce(staged_name, final_path) else staged_name end
            from older where intent.token = older.token
            """,
            [
                .integers(requests.map { $0.work.key.transfer }), .integers(requests.map { $0.work.key.muxJob }),
                .names(requests.map(\.volume)), .byteStrings(requests.map(\.finalPath.bytes)),
            ])
    }

    private static func insert(
        _ requests: [IntentRequest], lease: Duration, in session: Session
    ) throws -> [Intent.Work.Key: Intent] {
        if requests.isEmpty { return [:] }
        let rows = try session.query(
            """
            insert into takeup.intent (transfer_id, mux_job_id, holder, lease_until, volume_id, staged_name, final_path,
                reserved_bytes)
            select transfer, job, holder, statement_timestamp() + $8::interval, volume, staged, path, reserved
            from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bigint[])
                as request(transfer, job, holder, volume, staged, path, reserved)
            where (
                -- A look-up for each, whatever the planner thinks of the whole table.
                select true from takeup.replica
                where replica.volume_id = request.volume and sha256(replica.path) = sha256(request.path)
                    and replica.state <> 'removed'
                limit 1) is null
            order by volume collate "C", sha256(path)
            on conflict (volume_id, sha256(final_path)) where final_path is not null do nothing
            returning \(Intent.columns.text(of: "intent"))
            """,
            [
                .integers(requests.map { $0.work.key.transfer }), .integers(requests.map { $0.work.key.muxJob }),
                .names(requests.map(\.work.holder)), .names(requests.map(\.volume)),
                .byteStrings(requests.map { $0.stagedName?.bytes }), .byteStrings(requests.map(\.finalPath.bytes)),
                .integers(requests.map(\.reservedBytes)), Value(lease),
            ])
        let intents = try rows.map(Intent.init)
        return Dictionary(intents.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// These are verified and about to get their final names: writes down what they are, so that a sweep knows them,
    /// and that their space is taken now, where it is, so that it is not counted twice; and lengthens their leases. Before the first
    /// name appears.
    ///
    /// - Parameter isAllocated: the file system shows what is written as used at once.
    /// - Returns: those that are still held. No other may be published.
    @discardableResult
    package static func ready(
        _ ready: [FencingToken: Intent.Ready], isAllocated: Bool = true, lease: Duration, in session: Session
    ) throws -> Set<FencingToken> {
        let pairs = Array(ready)
        // What counts is that it is written.
        let written = try session.query(
            """
            with held as (
                select intent.token, given.size, given.digest
                \(heldIntents(
                    "unnest($1::bigint[], $3::bigint[], $4::bytea[]) as given(token, size, digest)",
                    lock: "for no key update"))
            )
            update takeup.intent set lease_until = statement_timestamp() + $2::interval, ready_size = held.size,
                ready_sha256 = held.digest,
                allocated_bytes = greatest(allocated_bytes, case when $5::boolean then held.size end)
            from held where intent.token = held.token
            returning intent.token
            """,
            [
                .tokens(pairs.map(\.key)), Value(lease), .integers(pairs.map(\.value.size)),
                .byteStrings(pairs.map(\.value.digest.bytes)), .boolean(isAllocated),
            ])
        return Set(try written.map { FencingToken(rawValue: try $0.integer("token")) })
    }

    /// The space of these is taken, and shown as used: it is promised no more.
    package static func allocated(_ tokens: some Sequence<FencingToken>, in session: Session) throws {
        try session.execute(
            """
            update takeup.intent set allocated_bytes = reserved_bytes
            where token = any (array(
                select token from takeup.intent where token = any($1::bigint[]) and state = 'open'
                order by token for no key update))
            """, [.tokens(tokens)])
    }

    /// These were called ready, and failed before they got their names, for good: whoever tries again may have the path.
    /// A worker that ends before it says so leaves that to the sweep.
    package static func withhold(_ tokens: some Sequence<FencingToken>, holder: Holder, in session: Session) throws {
        try session.execute(
            """
            update takeup.intent set ready_size = null, ready_sha256 = null
            where token = any (array(
                select token from takeup.intent
                where token = any($1::bigint[]) and holder = $2 and state in ('open', 'superseded')
                    and ready_sha256 is not null
                order by token for no key update))
            """, [.tokens(tokens), Value(holder)])
    }

    /// Lengthens the lease of intents and of the work that they are for.
    ///
    /// - Returns: those that are still held. Work on any other must stop.
    package static func renew(
        _ tokens: some Sequence<FencingToken>, lease: Duration, in session: Session
    ) throws -> Set<FencingToken> {
        let tokens = Value.tokens(tokens)
        try renewWork(tokens, lease: lease, in: session)
        let renewed = try session.query(
            """
            with held as (select intent.token \(heldIntents(lock: "for no key update")))
            update takeup.intent set lease_until = statement_timestamp() + $2::interval
            from held where intent.token = held.token
            returning intent.token
            """, [tokens, Value(lease)])
        return Set(try renewed.map { FencingToken(rawValue: try $0.integer("token")) })
    }

    /// The lease is the holder's own: another one who claimed the work meanwhile keeps what it has.
    private static func renewWork(_ tokens: Value, lease: Duration, in session: Session) throws {
        for work in ["transfer", "mux_job"] {
            try session.send(
                """
                with held as (
                    select work.id from takeup.\(work) as work
                    join takeup.intent on intent.\(work)_id = work.id and intent.holder = work.holder
                    where intent.token = any($1::bigint[]) and intent.state = 'open' and work.state = 'claimed'
                    order by work.id for no key update of work
                )
                update takeup.\(work) as work set lease_until = statement_timestamp() + $2::interval
                from held where work.id = held.id
                """, [tokens, Value(lease)])
        }
    }

    /// The tokens that could be committed with now: for a look before a dear step. Only
    /// ``lockHeld(_:in:)`` decides.
    package static func isHeld(
        _ tokens: some Sequence<FencingToken>, in session: Session
    ) throws -> Set<FencingToken> {
        let rows = try session.query(
            "select intent.token \(heldIntents())", [.tokens(tokens)])
        return Set(try rows.map { FencingToken(rawValue: try $0.integer("token")) })
    }

    /// Those of the tokens `$1` that are open and whose work is claimed, in order; locked as `lock` says.
    ///
    /// Each is looked up by its key: while statistics are young an index by state looks as good to the planner, and all that
    /// was open since the last vacuum would be gone through. `is true` keeps the condition from being used so.
    private static func heldIntents(
        _ given: String = "unnest($1::bigint[]) as given(token)", lock: String = "offset 0"
    ) -> String {
        """
        from (select * from \(given) order by token) as given
        cross join lateral (
            select token, transfer_id, mux_job_id from takeup.intent
            where token = given.token and (state = 'open') is true
            \(lock)
        ) as intent
        where coalesce(
            (select state from takeup.transfer where id = intent.transfer_id),
            (select state from takeup.mux_job where id = intent.mux_job_id)) = 'claimed'
        """
    }

    /// The work of the tokens `$1`: an array of the column's values, each looked up by its key.
    private static func workOfTokens(_ column: String, where condition: String = "true") -> String {
        """
        array(
            select intent.\(column) from unnest($1::bigint[]) as given(token)
            cross join lateral (
                select \(column) from takeup.intent where token = given.token and (\(condition)) is true offset 0
            ) as intent
            where intent.\(column) is not null)
        """
    }

    /// The test of the commit: which tokens still stand. They cannot be taken away until the transaction ends.
    /// After ``Recordings/lock(_:in:)`` and calls. What is committed for any other token would be done twice.
    package static func lockHeld(
        _ tokens: some Sequence<FencingToken>, in session: Session
    ) throws -> Set<FencingToken> {
        let tokens = Value.tokens(tokens)
        for work in ["transfer", "mux_job"] {
            try session.send(
                """
                select from takeup.\(work) as work
                where work.id = any (\(workOfTokens("\(work)_id")))
                order by work.id for no key update
                """, [tokens])
        }
        let rows = try session.query(
            "select intent.token \(heldIntents(lock: "for update"))", [tokens])
        return Set(try rows.map { FencingToken(rawValue: try $0.integer("token")) })
    }

    /// The work of these intents is done: their transfers become `done` and the rows go away. In the commit, after
    /// ``lockHeld(_:in:)``. A mux job is finished by ``MuxJobs/finish(_:result:in:)`` before.
    package static func close(_ tokens: some Sequence<FencingToken>, in session: Session) throws {
        let tokens = Value.tokens(tokens)
        try session.send(
            """
            update takeup.transfer set state = 'done', holder = null, lease_until = null, last_error = null,
                missing_since = null, unreadable_since = null, changed_at = statement_timestamp()
            where (state = 'claimed') is true and id = any (\(workOfTokens("transfer_id", where: "state = 'open'")))
            """, [tokens])
        try session.send(
            "delete from takeup.intent where token = any($1::bigint[]) and (state = 'open') is true", [tokens])
    }

    package static func find(_ tokens: some Sequence<FencingToken>, in session: Session) throws -> [Intent] {
        try session.query(
            """
            select \(Intent.columns.text(of: "intent")) from takeup.intent
            where token = any($1::bigint[]) order by token
            """, [.tokens(tokens)]
        ).map(Intent.init)
    }

    /// Fences the open intents of work whose rows this transaction has locked.
    static func supersede(ofTransfers ids: [Transfer.ID], in session: Session) throws {
        try supersede(of: "transfer_id", .numbers(ids), in: session)
    }
    static func supersede(ofMuxJobs ids: [MuxJob.ID], in session: Session) throws {
        try supersede(of: "mux_job_id", .numbers(ids), in: session)
    }
    private static func supersede(of column: String, _ ids: Value, in session: Session) throws {
        try session.send(
            """
            update takeup.intent set state = 'superseded'
            where token = any (array(
                select token from takeup.intent where \(column) = any($1::bigint[]) and state = 'open'
                order by token for no key update))
            """, [ids])
    }
}

extension Intent {
    var key: Work.Key { Work.Key(transfer: transfer?.rawValue, muxJob: muxJob?.rawValue) }
}

extension Intent.Work {
    /// The row that the work is, without who claimed it.
    struct Key: Hashable {
        let transfer: Int64?
        let muxJob: Int64?
    }
    var key: Key { Key(transfer: transfer?.id.rawValue, muxJob: muxJob?.id.rawValue) }
    var transfer: Claim<Transfer.ID>? {
        switch self {
        case .transfer(let claim): claim
        case .muxJob: nil
        }
    }
    var muxJob: Claim<MuxJob.ID>? {
        switch self {
        case .transfer: nil
        case .muxJob(let claim): claim
        }
    }
    var holder: Holder {
        switch self {
        case .transfer(let claim): claim.holder
        case .muxJob(let claim): claim.holder
        }
    }
}
