package import Planning
package import Postgres
package import Vocabulary

/// Which recording waits for a screen: at a recorder by its id there, at a GIR site by the call recording's id.
package struct ScreenWaitKey: Hashable, Sendable {
    package enum Site: String, CaseIterable, Hashable, Sendable {
        case callrec
        case gir
    }

    package var site: Site
    /// Of a GIR site its own name.
    package var source: SourceName
    package var reference: String

    package init(site: Site, source: SourceName, reference: String) {
        self.site = site
        self.source = source
        self.reference = reference
    }

    package init(_ recording: RecordingReference) {
        self.init(site: .callrec, source: recording.source, reference: String(recording.id))
    }

    /// At a recorder; nil otherwise.
    package var recordingID: Int64? { site == .callrec ? Int64(reference) : nil }
}

/// A recording that announced a screen and has none yet.
package struct WaitingScreen: Hashable, Sendable {
    package enum State: String, CaseIterable, Hashable, Sendable {
        /// Looked for from `notBefore` on. Goes to `givenUp`, or ends with its screen.
        case waiting
        /// Not looked for any more. Ends with its screen.
        case givenUp = "given_up"
    }

    package var key: ScreenWaitKey
    /// Nil at a site that has none.
    package var sid: Sid?
    package var announcement: ScreenAnnouncement
    package var state: State
    package var since: Instant
    /// Since then, by the ledger's clock.
    package var age: Duration
    package var looks: Int
    package var notBefore: Instant

    static let columns = ColumnList(
        plain: ["site", "source", "reference", "sid", "announced_by", "state", "looks"], times: ["since", "not_before"])

    init(_ row: Row) throws {
        key = ScreenWaitKey(
            site: try row.word("site"), source: try row.name("source"), reference: try row.text("reference"))
        sid = try row.optionalText("sid").map { Sid($0) }
        announcement = try row.word("announced_by")
        state = try row.word("state")
        since = try row.instant("since")
        age = try row.optionalSpan("age") ?? .zero
        looks = try row.count("looks")
        notBefore = try row.instant("not_before")
    }
}

/// The backlog of recordings that announced a screen. How long they wait is ``screenWait(age:rules:)``; who looks for a
/// screen is the site's own service.
package enum ScreenWaits {
    private static let selected =
        "\(WaitingScreen.columns.text(of: "screen_wait")), "
        + "(extract(epoch from statement_timestamp() - screen_wait.since) * 1000000)::bigint as age"

    /// What is there already stays as it is, also what was given up.
    /// - Returns: how many are new.
    @discardableResult
    package static func begin(
        _ waits: [(key: ScreenWaitKey, sid: Sid?, announcement: ScreenAnnouncement)], firstLookAfter pause: Duration,
        in session: Session
    ) throws -> Int {
        if waits.isEmpty { return 0 }
        return try session.execute(
            """
            insert into takeup.screen_wait (site, source, reference, sid, announced_by, not_before)
            select *, statement_timestamp() + $6::interval
            from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                as given(site, source, reference, sid, announced_by)
            order by given.site, given.source collate "C", given.reference collate "C"
            on conflict (site, source, reference) do nothing
            """,
            [
                .texts(waits.map(\.key.site.rawValue)), .names(waits.map(\.key.source)),
                .texts(waits.map(\.key.reference)), .texts(waits.map { $0.sid?.rawValue }),
                .texts(waits.map(\.announcement.rawValue)), Value(pause),
            ])
    }

    /// Those of a source whose time has come, who waits longest first.
    package static func due(
        _ site: ScreenWaitKey.Site, _ source: SourceName, limit: Int, in session: Session
    ) throws -> [WaitingScreen] {
        try session.query(
            """
            select \(selected) from takeup.screen_wait
            where site = $1 and source = $2 and state = 'waiting' and not_before <= statement_timestamp()
            order by screen_wait.not_before limit $3
            """, [.text(site.rawValue), Value(source), Value(limit)]
        ).map(WaitingScreen.init)
    }

    /// How long until one is due; zero or less: one is. Nil where none waits.
    package static func nextDue(
        _ site: ScreenWaitKey.Site, _ source: SourceName, in session: Session
    ) throws -> Duration? {
        try session.first(
            """
            select (extract(epoch from min(not_before) - statement_timestamp()) * 1000000)::bigint as span
            from takeup.screen_wait where site = $1 and source = $2 and state = 'waiting'
            """, [.text(site.rawValue), Value(source)])?.optionalSpan("span")
    }

    /// Writes down what was decided of those that were looked at.
    package static func note(_ decisions: [ScreenWaitKey: ScreenWait], in session: Session) throws {
        if decisions.isEmpty { return }
        let given = decisions.map { key, decision -> (key: ScreenWaitKey, pause: Duration?) in
            switch decision {
            case .look(let pause): (key, pause)
            case .giveUp: (key, nil)
            }
        }
        try session.execute(
            """
            with chosen as (
                select standing.site, standing.source, standing.reference, given.pause
                from takeup.screen_wait as standing
                join unnest($1::text[], $2::text[], $3::text[], $4::interval[])
                    as given(site, source, reference, pause) using (site, source, reference)
                where standing.state = 'waiting'
                order by standing.site, standing.source, standing.reference for no key update of standing
            )
            update takeup.screen_wait as standing set looks = looks + 1,
                state = case when chosen.pause is null then 'given_up' else 'waiting' end,
                not_before = statement_timestamp() + coalesce(chosen.pause, interval '0')
            from chosen where standing.site = chosen.site and standing.source = chosen.source
                and standing.reference = chosen.reference
            """,
            [
                .texts(given.map(\.key.site.rawValue)), .names(given.map(\.key.source)),
                .texts(given.map(\.key.reference)), .spans(given.map(\.pause)),
            ])
    }

    /// These have their screens: waiting or given up, it is over.
    /// - Returns: how many had waited.
    @discardableResult
    package static func end(_ keys: some Sequence<ScreenWaitKey>, in session: Session) throws -> Int {
        let keys = Array(keys)
        if keys.isEmpty { return 0 }
        return try session.execute(
            """
            delete from takeup.screen_wait where (site, source, reference) in (
                select site, source, reference from takeup.screen_wait
                join unnest($1::text[], $2::text[], $3::text[]) as given(site, source, reference)
                    using (site, source, reference)
                order by site, source, reference for update of screen_wait)
            """,
            [.texts(keys.map(\.site.rawValue)), .names(keys.map(\.source)), .texts(keys.map(\.reference))])
    }

    /// As ``end(_:in:)``, in the commit that brought the screens, while the recordings are locked.
    static func end(sids: some Sequence<Sid>, in session: Session) throws {
        try session.execute(
            """
            delete from takeup.screen_wait where (site, source, reference) in (
                select site, source, reference from takeup.screen_wait where sid = any($1::text[])
                order by site, source, reference for update)
            """, [.sids(sids)])
    }

    /// How long what was given up is listed.
    package static let kept = Duration.seconds(400 * 86_400)

    /// Forgets what was given up, at any site, and has waited for longer than anybody would look for it.
    @discardableResult
    package static func forget(in session: Session) throws -> Int {
        try session.execute(
            "delete from takeup.screen_wait where state = 'given_up' and since < statement_timestamp() - $1::interval",
            [Value(kept)])
    }

    /// The newest first.
    package static func newest(
        _ state: WaitingScreen.State? = nil, source: SourceName? = nil, limit: Int, in session: Session
    ) throws -> [WaitingScreen] {
        try session.query(
            """
            select \(selected) from takeup.screen_wait
            where ($1::text is null or state = $1) and ($2::text is null or source = $2)
            order by screen_wait.since desc, source, reference limit $3
            """, [Value(state?.rawValue), Value(source?.rawValue), Value(limit)]
        ).map(WaitingScreen.init)
    }

    package static func counts(
        source: SourceName? = nil, in session: Session
    ) throws -> [WaitingScreen.State: Int] {
        let rows = try session.query(
            "select state, count(*) from takeup.screen_wait where $1::text is null or source = $1 group by state",
            [Value(source?.rawValue)])
        var counts: [WaitingScreen.State: Int] = [:]
        for row in rows { counts[try row.word("state")] = try row.count("count") }
        return counts
    }
}
