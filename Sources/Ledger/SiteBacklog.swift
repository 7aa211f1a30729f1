package import Postgres
package import Vocabulary

/// What is not done at GIR sites though calls were looked at, for a person. Screens that are awaited are in ``ScreenWaits``, by the
/// number of their call's row: ids of calls are shown nowhere.
package enum SiteBacklog {
    /// A call whose result could not be made.
    package struct Failing: Hashable, Sendable {
        package let call: SiteCalls.ID
        /// The contact center.
        package let site: String
        /// When it began.
        package let start: Instant?
        /// In a row.
        package let failures: Int
        /// Nil: it is not tried again.
        package let notBefore: Instant?
        package let error: String
    }

    /// - Parameter site: a contact center, at whatever RWS; nil: all of them.
    package static func countFailing(site: String?, in session: Session) throws -> Int {
        try session.first(
            "select count(*) from takeup.site_call where failures > 0 and ($1::text is null or split_part(site, ' ', 1) = $1)",
            [Value(site)]
        )?.count("count") ?? 0
    }

    /// The newest first.
    package static func failing(site: String?, limit: Int, in session: Session) throws -> [Failing] {
        try session.query(
            """
            select id, split_part(site, ' ', 1) as center, failures, state, coalesce(last_error, '') as error,
                \(SQL.microseconds("began_at")) as began_at, \(SQL.microseconds("not_before")) as not_before
            from takeup.site_call where failures > 0 and ($1::text is null or split_part(site, ' ', 1) = $1)
            order by site_call.began_at desc nulls last, id desc limit $2
            """, [Value(site), Value(limit)]
        ).map { row in
            Failing(
                call: try row.number("id"), site: try row.text("center"), start: try row.optionalInstant("began_at"),
                failures: try row.count("failures"),
                notBefore: try row.text("state") == "failed" ? nil : try row.instant("not_before"),
                error: try row.text("error"))
        }
    }

    /// What is known of waits for screens goes with the calls that are forgotten.
    ///
    /// - Parameter site: a contact center, at whatever RWS.
    package static func forget(site: String, in session: Session) throws {
        try session.execute(
            """
            delete from takeup.screen_wait where (site, source, reference) in (
                select waiting.site, waiting.source, waiting.reference from takeup.screen_wait as waiting
                where waiting.site = 'gir' and waiting.source = $1
                    and not exists (select 1 from takeup.site_call where site_call.id = waiting.reference::bigint)
                order by waiting.site, waiting.source, waiting.reference for update)
            """, [.text(site)])
    }
}
