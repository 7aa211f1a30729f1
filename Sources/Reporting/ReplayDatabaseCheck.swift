internal import Catalogs
internal import Ledger
internal import Postgres
internal import Settings

/// The replay's database: its version, its callrec tables, our rights there, and the ledger.
struct ReplayDatabaseCheck: Sendable {
    let site: SiteCheck

    static let subject = "replay database"
    /// What the commit's statements need.
    private static let oldest = 120_000

    var reach: DatabaseReach {
        DatabaseReach(settings: site.settings.replay.database, label: "replay", environment: site.environment)
    }

    var check: Check {
        Check(late: reach.late(ReplayDatabaseCheck.subject)) { await look() }
    }

    private func look() async -> [CheckFinding] {
        do {
            return try await reach.database().perform { session in try examine(session) }
        } catch {
            return [reach.failure(error, of: ReplayDatabaseCheck.subject)]
        }
    }

    private func examine(_ session: Session) throws -> [CheckFinding] {
        let version = serverVersionText(session.serverVersion)
        guard session.serverVersion >= ReplayDatabaseCheck.oldest else {
            return [fail("PostgreSQL \(version) is too old.", "The replay's database needs PostgreSQL 12 or later.")]
        }
        let catalog: ReplayCatalog
        do {
            catalog = try ReplayCatalog(reading: session)
        } catch let error as CatalogError {
            return [fail(error.sentence, "Check that dbname is the replay's callrec database.")]
        }
        let unwritable = try CatalogRights.unwritable(on: session)
        guard unwritable.isEmpty else {
            return [
                fail(
                    "The role can't read and write \(unwritable.joined(separator: ", ")).",
                    "Grant it select, insert and update there.")
            ]
        }
        return try ledger(session, start: "PostgreSQL \(version), callrec tables") + (try voiceTags(catalog, session))
    }

    /// What is missing here stops nothing else, so it is no failure.
    private func voiceTags(_ catalog: ReplayCatalog, _ session: Session) throws -> [CheckFinding] {
        let collects = site.settings.sources.contains { $0.isEnabled && $0.synchronize.index }
        guard site.settings.synchro.voiceTags, collects, catalog.columns.has(table: "voice_tags") else { return [] }
        let lacking = try CatalogRights.lackingForVoiceTags(on: session)
        if lacking.isEmpty { return [] }
        return [
            CheckFinding(
                .warn, ReplayDatabaseCheck.subject,
                "The role can't add to \(lacking.joined(separator: ", ")): voice tags stay at the recorders.",
                hint: "Run units/sql/replay-role.sql again and restart the agents; or set voice_tags = false.")
        ]
    }

    private func ledger(_ session: Session, start: String) throws -> [CheckFinding] {
        let standing = try Migrations.version(in: session)
        if standing > Migrations.current {
            return [
                fail(
                    "\(start), but the ledger has schema version \(standing) and this program knows only up to"
                        + " \(Migrations.current).", "Install the version of Takeup that the agents run.")
            ]
        }
        if standing == 0 {
            let mayMake = try session.first("select has_database_privilege(current_database(), 'create') as may")
            guard try mayMake?.boolean("may") == true else {
                return [
                    fail(
                        "\(start), but there is no ledger and the role may not make it.",
                        "Let the database's owner grant it: grant create on database … to …")
                ]
            }
            return [ok("\(start); the ledger will be made by the first agent")]
        }
        if standing < Migrations.current {
            return [ok("\(start); the ledger's schema \(standing) will be brought up to date by the first agent")]
        }
        let found = ok("\(start), ledger schema \(standing)")
        guard let reason = try Marking.stopped(in: session) else { return [found] }
        return [
            found,
            CheckFinding(
                .warn, ReplayDatabaseCheck.subject, "Marking is stopped: \(reason)",
                hint: "Run `takeup audit`; marking begins again when it has passed."),
        ]
    }

    private func ok(_ what: String) -> CheckFinding { CheckFinding(.ok, ReplayDatabaseCheck.subject, what) }
    private func fail(_ what: String, _ hint: String) -> CheckFinding {
        CheckFinding(.fail, ReplayDatabaseCheck.subject, what, hint: hint)
    }
}
