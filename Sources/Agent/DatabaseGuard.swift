internal import Catalogs
package import Delivery
internal import Ledger
package import Postgres
package import Settings
package import Telemetry
package import Vocabulary

/// A source whose database is the replay's own, or another source's: nothing is read from it and nothing is marked there.
package struct SharedDatabase: Error, Hashable, CustomStringConvertible {
    package enum Owner: Hashable, Sendable {
        case replay
        case source(SourceName)
    }
    package let source: SourceName
    package let owner: Owner

    package var description: String {
        switch owner {
        case .replay: "The database of source \(source) is the replay's own, reached in another way."
        case .source(let other): "The database of source \(source) is that of source \(other), reached in another way."
        }
    }
}

/// Makes sure that a source's database is neither the replay's nor another source's, however different they look in the
/// settings. Asked before anything is done at the source, and again and again: an address can lead elsewhere tomorrow.
package actor DatabaseGuard {
    private let source: SourceSettings
    private let others: [SourceSettings]
    private let database: Database
    private let replay: Replay
    private let isSame: @Sendable () async throws -> Bool
    private let problems: ProblemBook
    private let narrator: any Narrator
    /// The last answer, and until when it holds.
    private var verdict: (shared: SharedDatabase?, until: ContinuousClock.Instant)?
    private var told: SharedDatabase?
    private var mayStandOpen = true

    private static let period = Duration.seconds(60)
    /// A refused source is asked again sooner: its server may have moved.
    private static let refusedPeriod = Duration.seconds(5)

    /// - Parameters:
    ///   - others: the other enabled sources.
    ///   - isSame: whether source and replay are one beyond doubt; asked only where they seem to be.
    package init(
        source: SourceSettings, others: [SourceSettings], database: Database, replay: Replay,
        isSame: @escaping @Sendable () async throws -> Bool, problems: ProblemBook, narrator: any Narrator
    ) {
        self.source = source
        self.others = others
        self.database = database
        self.replay = replay
        self.isSame = isSame
        self.problems = problems
        self.narrator = narrator
    }

    /// Whether the last answer was that the database is another's.
    package var isRefusing: Bool { verdict?.shared != nil }

    /// - Throws: ``SharedDatabase``; `PostgresError` where either database can't be asked.
    package func confirm() async throws {
        if let verdict, verdict.until > .now {
            if let shared = verdict.shared { throw shared }
            return
        }
        let shared = try await look()
        verdict = (shared, .now + (shared == nil ? DatabaseGuard.period : DatabaseGuard.refusedPeriod))
        try await tell(shared)
        if let shared { throw shared }
    }

    private func look() async throws -> SharedDatabase? {
        let own = try await database.perform { session in try DatabaseInstance(reading: session) }
        let seen = SourceDatabases.Seen(
            source: source.name, address: source.database.description, started: own.started, number: own.number)
        let (replays, twins) = try await replay.database.perform { session in
            try SourceDatabases.note(seen, in: session)
            return (
                try DatabaseInstance(reading: session), try SourceDatabases.others(as: seen, in: session)
            )
        }
        if own == replays, try await isSame() { return SharedDatabase(source: source.name, owner: .replay) }
        let twin = twins.first { twin in
            others.contains { $0.name == twin.source && $0.database.description == twin.address }
        }
        return twin.map { SharedDatabase(source: source.name, owner: .source($0.source)) }
    }

    /// A source that was taken out of the settings has no agent that would say that it is over.
    private func closeOfOthersThatAreGone() async throws {
        let names = [source.name] + others.map(\.name)
        let gone = try await replay.database.perform { session in
            try SourceDatabases.forget(allBut: names, in: session)
        }
        for name in gone {
            try await problems.close(.sameDatabase, subject: "source \(name)", place: name.rawValue)
        }
    }

    private func tell(_ shared: SharedDatabase?) async throws {
        let subject = "source \(source.name)"
        if let shared {
            if told != shared {
                narrator.tell(.sourceRefused, .source(source.name), .reason(shared.description))
                told = shared
            }
            mayStandOpen = true
            try await problems.open(
                ProblemBook.Finding(
                    .sameDatabase, subject: subject, place: source.name.rawValue,
                    what: "\(shared) Nothing is collected from it."))
        } else if mayStandOpen {
            told = nil
            try await problems.close(.sameDatabase, subject: subject, place: source.name.rawValue)
            try await closeOfOthersThatAreGone()
            mayStandOpen = false
        }
    }
}
