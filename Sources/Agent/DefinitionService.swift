internal import Catalogs
package import Delivery
package import Ledger
internal import Planning
internal import Postgres
package import Telemetry
internal import Vocabulary

/// Brings the replay's phrases and speech tags to a source. Only the keeper of the source runs it.
///
/// The replay is looked at often; the recorder only where the replay's definitions are others than those that it was
/// given, and from time to time. A recorder that takes none loses nothing else.
package actor DefinitionService {
    private let source: SourceLink
    private let replay: Replay
    private let narrator: any Narrator
    /// What the source was last compared with, and when it is compared again all the same.
    private var given: SpeechDefinitions?
    private var nextCompare = ContinuousClock.now
    /// What was told of last, so that it is told once.
    private var refusal: String?

    package static let period = Duration.seconds(5)
    private static let comparePeriod = Duration.seconds(600)

    package init(source: SourceLink, replay: Replay, narrator: any Narrator) {
        self.source = source
        self.replay = replay
        self.narrator = narrator
    }

    /// One comparison, where one is due.
    /// - Throws: outages only, and ``KeeperLost``.
    package func turn(lease: KeeperLease) async throws {
        guard let tables = SpeechTables(replay.catalog.columns) else { return }
        do {
            let master = try await replay.database.perform { session in try tables.read(on: session) }
            guard master != given || ContinuousClock.now >= nextCompare else { return }
            nextCompare = .now + DefinitionService.comparePeriod
            given = master
            if try await bring(master, lease: lease) { refusal = nil }
        } catch let error as PostgresError where error.isOutage {
            given = nil
            throw error
        } catch let error as KeeperLost {
            given = nil
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            refused(String(describing: error))
        }
    }

    /// Gives whether everything that was to be done could be.
    private func bring(_ master: SpeechDefinitions, lease: KeeperLease) async throws -> Bool {
        let name = source.name
        let known = try await replay.database.perform { session in try Definitions.known(at: name, in: session) }
        if master.isEmpty && !known.contains(where: \.isOurs) { return true }
        let catalog = try await source.catalog()
        guard let tables = SpeechTables(catalog.columns) else {
            refused("it has no table callrec.speech_phrases")
            return false
        }
        let standing = try await source.database.perform { session in try tables.read(on: session) }
        let plan = definitionPlan(master: master, standing: standing, known: known)
        if plan.changes.isEmpty && plan.notes.isEmpty { return true }
        try await confirm(lease, noting: plan.notes)
        let done = try await carryOut(plan.changes, tables, lease: lease)
        if done.count > 0 {
            narrator.tell(.definitionsBrought, .source(name), .count(done.count))
        }
        if let failure = done.failure { refused(failure) }
        return done.failure == nil
    }

    /// All in one transaction; where the recorder refuses one, each by itself, so that it takes no other with it.
    private func carryOut(
        _ changes: [DefinitionChange], _ tables: SpeechTables, lease: KeeperLease
    ) async throws -> (count: Int, failure: String?) {
        if changes.isEmpty { return (0, nil) }
        do {
            let made = try await source.database.transaction { session in try tables.apply(changes, on: session) }
            try await confirm(lease, noting: made)
            return (changes.count, nil)
        } catch let error as PostgresError where !error.isOutage && changes.count > 1 {
            var count = 0
            var failure: String?
            for change in changes {
                do {
                    count += try await carryOut([change], tables, lease: lease).count
                } catch let error as PostgresError where !error.isOutage {
                    failure = failure ?? String(describing: error)
                }
            }
            return (count, failure)
        }
    }

    /// Written down after the recorder has it: what the ledger does not know is never removed there, so a crash between
    /// the two costs a removal, and never another's definition.
    private func confirm(_ lease: KeeperLease, noting known: [KnownDefinition]) async throws {
        let name = source.name
        let isKeeper = try await replay.database.transaction { session in
            guard try Keepers.confirm(lease, in: session) else { return false }
            try Definitions.note(known, at: name, in: session)
            return true
        }
        guard isKeeper else { throw KeeperLost() }
    }

    private func refused(_ why: String) {
        if why != refusal { narrator.tell(.definitionsRefused, .source(source.name), .detail(why)) }
        refusal = why
    }
}
