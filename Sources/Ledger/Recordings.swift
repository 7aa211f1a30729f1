package import Postgres
package import Vocabulary

/// The ledger's row of each recording, whatever its sources: what two halves of a recording meet on.
///
/// Locks are taken in this order, everywhere: keeper, recordings, calls, accounts, transfers, mux jobs, intents,
/// sightings, replicas, afterlooks, awaited screens, tallies. Within each kind one statement takes them all, in the order of its key.
/// Whoever keeps to it never waits in a circle.
package enum Recordings {
    /// Locks the rows of `sids`, made where they are missing, until the transaction ends. Once in a transaction, and
    /// before anything that comes later in the order of locks.
    ///
    /// - Throws: ``LedgerError`` `wrongIsolation` in a transaction with one snapshot: it would not see what the
    ///   transaction that it waited for has committed.
    package static func lock(_ sids: some Sequence<Sid>, in session: Session) throws {
        let sids = Value.sids(Set(sids))
        try session.send(
            """
            insert into takeup.recording (sid)
            select sid from unnest($1::text[]) as sid order by sid collate "C"
            on conflict do nothing
            """, [sids])
        // `no key update`: rows that refer to a recording can be inserted meanwhile.
        let locked = try session.query(
            """
            select current_setting('transaction_isolation') as isolation from takeup.recording
            where sid = any($1::text[]) order by sid for no key update
            """, [sids])
        guard try locked.first?.text("isolation") ?? "read committed" == "read committed" else {
            throw LedgerError(
                code: .wrongIsolation,
                sentence: "Recordings are locked in a transaction that cannot see what it waited for.")
        }
    }
}
