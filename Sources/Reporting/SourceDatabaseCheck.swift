internal import Catalogs
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary

/// A source's database: its version, its callrec tables, our rights there, what waits there, and that it is not the
/// replay's own.
struct SourceDatabaseCheck: Sendable {
    let site: SiteCheck
    let source: SourceSettings

    /// What the reading statements are written for.
    private static let oldest = 90_100
    private static let countLimit = 1_000_000

    var subject: String { "source \(source.name)" }
    var reach: DatabaseReach {
        DatabaseReach(settings: source.database, label: subject, environment: site.environment)
    }

    var checks: [Check] {
        guard source.isEnabled else {
            let found = CheckFinding(.ok, subject, "not enabled, not looked at")
            return [Check(late: nil) { [found] }]
        }
        return [
            Check(late: reach.late(subject)) { await look() },
            // Where either can't be reached, that is said by the check of its own.
            Check(late: nil) { await compare() },
        ]
    }

    private func look() async -> [CheckFinding] {
        do {
            return try await reach.database().perform { session in try examine(session) }
        } catch {
            return [reach.failure(error, of: subject)]
        }
    }

    private func compare() async -> [CheckFinding] {
        let replay = ReplayDatabaseCheck(site: site).reach
        guard let one = try? replay.connection(), let other = try? reach.connection(),
            let isSame = try? await SameDatabase.isReached(by: one, and: other), isSame
        else { return await compareWithOthers() }
        return [fail("It is the replay's own database, reached in another way.", "Name the recorder's database.")]
    }

    /// With the enabled sources that stand before it in the settings.
    private func compareWithOthers() async -> [CheckFinding] {
        guard let own = await instance() else { return [] }
        for other in site.settings.sources.prefix(while: { $0.name != source.name }) where other.isEnabled {
            guard await SourceDatabaseCheck(site: site, source: other).instance() == own else { continue }
            return [
                fail(
                    "It is the database of source \(other.name), reached in another way.",
                    "Put the mounts of one recorder into one source.")
            ]
        }
        return []
    }

    private func instance() async -> DatabaseInstance? {
        try? await reach.database().perform { session in try DatabaseInstance(reading: session) }
    }

    private func examine(_ session: Session) throws -> [CheckFinding] {
        let version = serverVersionText(session.serverVersion)
        guard session.serverVersion >= SourceDatabaseCheck.oldest else {
            return [fail("PostgreSQL \(version) is too old.", "Sources need PostgreSQL 9.1 or later.")]
        }
        let catalog: SourceCatalog
        do {
            catalog = try SourceCatalog(
                source: source.name, timeZone: source.timeZone,
                collectsVoiceTags: site.settings.synchro.voiceTags && source.synchronize.index, reading: session)
        } catch let error as CatalogError {
            return [fail(error.sentence, "Check that dbname is the recorder's callrec database.")]
        } catch let error as PostgresError where error.code == .badValue {
            return [
                fail("Its PostgreSQL does not know the time zone \(source.timeZone).", "Name one that both know.")
            ]
        }
        let unreadable = try CatalogRights.unreadable(on: session)
        guard unreadable.isEmpty else {
            return [fail("The role can't read \(unreadable.joined(separator: ", ")).", "Grant it select there.")]
        }
        let wake =
            try SourceNotification.isInstalled(on: session)
            ? "notifies" : "polled every \(HumanText.span(site.settings.synchro.sleepPeriod))"
        let found = "PostgreSQL \(version), callrec tables, \(wake), \(try waiting(catalog, session))"
        return [CheckFinding(.ok, subject, found)] + (try marks(session)) + voiceTags(catalog)
            + (try definitions(catalog, session))
    }

    private func waiting(_ catalog: SourceCatalog, _ session: Session) throws -> String {
        let stops = source.interval.stops(at: try catalog.localNow(on: session))
        let limit = SourceDatabaseCheck.countLimit
        let within = try catalog.unmarkedCount(within: stops, limit: limit, on: session)
        let before = try catalog.unmarkedCount(before: stops.lowerBound, limit: limit, on: session)
        return "\(count(within)) unmarked in the interval, \(count(before)) before it"
    }

    private func count(_ number: Int) -> String {
        HumanText.count(number) + (number == SourceDatabaseCheck.countLimit ? " or more" : "")
    }

    private func marks(_ session: Session) throws -> [CheckFinding] {
        let isNeverMarked = source.leavesBytesUncopied && !source.allowMarkWithoutCopy
        if try isNeverMarked || CatalogRights.maySetMarks(on: session) { return [] }
        return [
            fail(
                "The role can't set marks.",
                "Let the recorder's administrator: grant update (synchronized) on callrec.couples to …")
        ]
    }

    /// What is missing here stops nothing else, so it is no failure.
    private func voiceTags(_ catalog: SourceCatalog) -> [CheckFinding] {
        switch catalog.voiceTags {
        case .off, .absent, .on(isIndexed: true): []
        case .denied(let tables):
            [
                CheckFinding(
                    .warn, subject,
                    "The role can't read \(tables.joined(separator: ", ")): voice tags stay at the recorder.",
                    hint: "Grant it select there, as units/sql/source-role.sql does, and restart the agents; or set"
                        + " voice_tags = false.")
            ]
        case .on(isIndexed: false):
            [
                CheckFinding(
                    .warn, subject, "callrec.voice_tags has no index on cfileid: each look reads the whole table.",
                    hint: "Let the recorder's administrator: create index on callrec.voice_tags (cfileid).")
            ]
        }
    }

    private func definitions(_ catalog: SourceCatalog, _ session: Session) throws -> [CheckFinding] {
        guard site.settings.synchro.speechDefinitions else { return [] }
        let lacking = try CatalogRights.lackingForDefinitions(catalog.columns, on: session)
        if lacking.isEmpty { return [] }
        return [
            CheckFinding(
                .warn, subject,
                "The role can't write \(lacking.joined(separator: ", ")): phrases and speech tags of the replay do not"
                    + " get there.",
                hint: "Run units/sql/source-role.sql at the recorder again; or set speech_definitions = false.")
        ]
    }

    private func fail(_ what: String, _ hint: String) -> CheckFinding {
        CheckFinding(.fail, subject, what, hint: hint)
    }
}
