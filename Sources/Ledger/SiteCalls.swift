package import Postgres
package import Vocabulary

/// Calls of GIR sites that any number of workers share: who found them, who works on them, and when they are looked at again.
///
/// A site is named by its contact center and the address of its RWS. The call's id is the site's own.
package enum SiteCalls {
    package struct ID: RowNumber {
        package let rawValue: Int64
        package init(rawValue: Int64) { self.rawValue = rawValue }
    }

    /// A call as a search showed it.
    package struct Found: Hashable, Sendable {
        package let id: String
        /// Another one where its media changed.
        package let fingerprint: Digest
        package let start: Instant?

        package init(id: String, fingerprint: Digest, start: Instant?) {
            self.id = id
            self.fingerprint = fingerprint
            self.start = start
        }
    }

    /// A call that is ours until its lease ends.
    package struct Claimed: Hashable, Sendable {
        package let claim: Claim<ID>
        package let call: String
        /// As the last search showed it.
        package let fingerprint: [UInt8]
        package let start: Instant?
        /// In a row.
        package let failures: Int
        /// Names at stores that an earlier holder may have left.
        package let staged: [String]
    }

    /// What a batch looks at once, and nothing else.
    package struct Batch: Hashable, Sendable {
        package let calls: Set<String>
        /// After so many failures in a row a call counts as failed.
        package let mostFailures: Int
        /// One that failed and rests for so long counts as failed, too.
        package let rest: Duration

        package init(calls: Set<String>, mostFailures: Int, rest: Duration) {
            self.calls = calls
            self.mostFailures = mostFailures
            self.rest = rest
        }

        fileprivate var values: [Value] { [.texts(Array(calls)), Value(mostFailures), Value(rest)] }

        /// Whether a call that waits has still to be looked at for a batch, with ``values`` from this parameter on: nobody has
        /// since its search, or it failed and is tried again soon.
        fileprivate static func isOpen(from first: Int) -> String {
            """
            call_id in (select unnest($\(first)::text[])) and failures < $\(first + 1)::bigint and (looked_at = '-infinity'
                or failures > 0 and not_before < looked_at + $\(first + 2)::interval)
            """
        }
    }

    /// Whether a search of this kind is due. Who is told so has to make it: the next one is due after `interval`.
    package static func beginSearch(
        site: String, kind: String, interval: Duration, in session: Session
    ) throws -> Bool {
        try session.execute(
            "insert into takeup.site_search (site, kind) values ($1, $2) on conflict do nothing",
            [.text(site), .text(kind)])
        return try session.execute(
            """
            update takeup.site_search set begun_at = statement_timestamp()
            where site = $1 and kind = $2 and begun_at <= statement_timestamp() - $3::interval
            """, [.text(site), .text(kind), Value(interval)]) > 0
    }

    /// How long until a search of this kind is due; nil where none was ever made.
    package static func untilSearch(
        site: String, kind: String, interval: Duration, in session: Session
    ) throws -> Duration? {
        try session.first(
            """
            select (extract(epoch from begun_at + $3::interval - statement_timestamp()) * 1000000)::bigint as span
            from takeup.site_search where site = $1 and kind = $2
            """, [.text(site), .text(kind), Value(interval)])?.optionalSpan("span")
    }

    /// Takes down what a search showed. New calls, and those whose media changed, are due at once.
    ///
    /// - Parameters:
    ///   - again: those that rest are due, too, if nobody looked at them for so long.
    ///   - wakes: so are those that wait for a later look, and those that failed.
    package static func note(
        _ calls: [Found], site: String, again: Duration, wakes: Bool = false, in session: Session
    ) throws {
        try session.execute(
            """
            insert into takeup.site_call as known (site, call_id, fingerprint, began_at)
            select $1, id, fingerprint, began
            from unnest($2::text[], $3::bytea[], $4::timestamptz[]) as found(id, fingerprint, began) order by id
            on conflict (site, call_id) do update set seen_at = statement_timestamp(),
                fingerprint = excluded.fingerprint,
                state = case when known.state = 'claimed' then 'claimed' else 'waiting' end,
                not_before = statement_timestamp(), failures = 0, looked_at = '-infinity'
            where known.state <> 'claimed' and (
                known.fingerprint <> excluded.fingerprint
                or (known.state <> 'waiting' or $6::boolean) and known.looked_at <= statement_timestamp() - $5::interval
                or $6::boolean and (known.failures > 0 or known.state = 'failed'))
            """,
            [
                .text(site), .texts(calls.map(\.id)), .byteStrings(calls.map(\.fingerprint.bytes)),
                .instants(calls.map(\.start)), Value(again), .boolean(wakes),
            ])
    }

    /// Claims at most `limit` calls: those whose lease ended, then some of the newest, then those longest due.
    ///
    /// - Parameter batch: only what it has still to look at.
    package static func claim(
        site: String, holder: Holder, limit: Int, newest: Int, lease: Duration, batch: Batch? = nil,
        in session: Session
    ) throws -> [Claimed] {
        let isOurs = batch == nil ? "true" : "call_id in (select unnest($6::text[]))"
        let isOpen = batch == nil ? "true" : Batch.isOpen(from: 6)
        return try session.query(
            """
            with expired as (
                select id from takeup.site_call
                where site = $1 and state = 'claimed' and lease_until < statement_timestamp() and \(isOurs)
                order by id limit $3::bigint for no key update skip locked
            ), newest as (
                select id from takeup.site_call
                where site = $1 and state = 'waiting' and not_before <= statement_timestamp() and \(isOpen)
                order by began_at desc nulls last, id limit $4::bigint for no key update skip locked
            ), due as (
                select id from takeup.site_call
                where site = $1 and state = 'waiting' and not_before <= statement_timestamp() and \(isOpen)
                order by not_before, id limit $3::bigint for no key update skip locked
            ), chosen as (
                select id, min(lane) as lane from (
                    select id, 1 as lane from expired union all select id, 2 from newest union all select id, 3 from due
                ) as lanes
                group by id order by min(lane), id limit $3::bigint
            )
            update takeup.site_call set state = 'claimed', holder = $2, attempts = attempts + 1,
                lease_until = statement_timestamp() + $5::interval
            where id = any (array(select id from chosen))
            returning id, call_id, fingerprint, attempts, failures, staged, \(SQL.microseconds("began_at")) as began_at
            """,
            [.text(site), Value(holder), Value(limit), Value(min(newest, limit)), Value(lease)] + (batch?.values ?? [])
        ).map { row in
            Claimed(
                claim: Claim(id: try row.number("id"), holder: holder, attempt: try row.count("attempts")),
                call: try row.text("call_id"), fingerprint: try row.bytes("fingerprint"),
                start: try row.optionalInstant("began_at"),
                failures: try row.count("failures"),
                staged: try row.optionalArray("staged")?.compactMap { $0.map { String(decoding: $0, as: UTF8.self) } }
                    ?? [])
        }
    }

    /// - Returns: those that are still held. Work on any other must stop.
    package static func renew(_ claims: [Claim<ID>], lease: Duration, in session: Session) throws -> Set<ID> {
        let rows = try session.query(
            """
            with held as (\(held))
            update takeup.site_call set lease_until = statement_timestamp() + $4::interval
            from held where site_call.id = held.id returning site_call.id
            """, claims.values + [Value(lease)])
        return Set(try rows.map { try $0.number("id") })
    }

    /// Takes down a name at a store before anything is written there, for whoever comes after us.
    ///
    /// - Returns: whether the claim is still held; otherwise nothing must be written.
    package static func stage(_ address: String, _ claim: Claim<ID>, in session: Session) throws -> Bool {
        try session.query(
            """
            with held as (\(held))
            update takeup.site_call set staged = array_append(array_remove(staged, $4), $4)
            from held where site_call.id = held.id returning site_call.id
            """, [claim].values + [.text(address)]
        ).isEmpty == false
    }

    /// How work on a call ended.
    package enum Ending: Hashable, Sendable {
        /// Nothing is left to do; to be looked at again after a time, or never.
        case looked(again: Duration?)
        /// Again after a time; nil: not unless a search of a batch finds it anew.
        case failed(again: Duration?, error: String)
        /// The worker stops, and did not look.
        case released
    }

    /// - Returns: whether the claim was still held; otherwise nothing changed.
    @discardableResult
    package static func end(_ claim: Claim<ID>, _ ending: Ending, in session: Session) throws -> Bool {
        let change: (state: String, wait: Duration, failures: String, error: String?) =
            switch ending {
            case .looked(let again): (again == nil ? "done" : "waiting", again ?? .zero, "0", nil)
            case .failed(let again, let error):
                (again == nil ? "failed" : "waiting", again ?? .zero, "failures + 1", error)
            case .released: ("waiting", .zero, "failures", nil)
            }
        let isLooked = if case .looked = ending { true } else { false }
        let lookedAt = ending == .released ? "'-infinity'" : "statement_timestamp()"
        return try session.query(
            """
            with held as (\(held))
            update takeup.site_call set state = $4, holder = null, lease_until = null,
                not_before = statement_timestamp() + $5::interval, failures = \(change.failures), last_error = $6,
                looked_at = \(lookedAt)\(isLooked ? ", staged = '{}'" : "")
            from held where site_call.id = held.id returning site_call.id
            """, [claim].values + [.text(change.state), Value(change.wait), Value(change.error)]
        ).isEmpty == false
    }

    /// How many calls of a batch are open, and how many count as failed.
    package static func count(
        _ batch: Batch, site: String, in session: Session
    ) throws -> (open: Int, failed: Int) {
        let row = try session.first(
            """
            select count(*) filter (where state = 'claimed' or is_open) as open,
                count(*) filter (where state = 'failed' or state = 'waiting' and failures > 0 and not is_open) as failed
            from (
                select state, failures, state = 'waiting' and \(Batch.isOpen(from: 2)) as is_open
                from takeup.site_call where site = $1 and call_id in (select unnest($2::text[]))
            ) as calls
            """, [.text(site)] + batch.values)
        return (try row?.count("open") ?? 0, try row?.count("failed") ?? 0)
    }

    /// How long until a call is due or a lease ends; zero or less: one is. Nil where there is none.
    package static func nextDue(site: String, in session: Session) throws -> Duration? {
        try session.first(
            """
            select (extract(epoch from least(
                (select min(not_before) from takeup.site_call where site = $1 and state = 'waiting'),
                (select min(lease_until) from takeup.site_call where site = $1 and state = 'claimed')
            ) - statement_timestamp()) * 1000000)::bigint as span
            """, [.text(site)])?.optionalSpan("span")
    }

    /// Forgets calls that no search has shown and nobody has looked at for so long.
    package static func forget(site: String, after age: Duration, in session: Session) throws {
        try session.execute(
            """
            delete from takeup.site_call where site = $1 and state in ('done', 'failed')
                and greatest(seen_at, looked_at) < statement_timestamp() - $2::interval
            """, [.text(site), Value(age)])
    }

    /// The rows of the claims `$1`, `$2`, `$3` that are still held, locked in order.
    private static let held = """
        select site_call.id from takeup.site_call
        join unnest($1::bigint[], $2::text[], $3::bigint[]) as claim(id, holder, attempt)
            on site_call.id = claim.id and site_call.holder = claim.holder and site_call.attempts = claim.attempt
        where site_call.state = 'claimed' order by site_call.id for no key update of site_call
        """
}

extension [Claim<SiteCalls.ID>] {
    fileprivate var values: [Value] {
        [.numbers(map(\.id)), .names(map(\.holder)), .integers(map { Int64($0.attempt) })]
    }
}
