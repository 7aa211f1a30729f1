internal import Catalogs
internal import Delivery
internal import Ledger
internal import Postgres
internal import Vocabulary

/// Opens recordings again whose voice tags wait for a phrase, when the replay's phrases are not what they were.
struct AwaitedPhraseWatch: Sendable {
    let source: SourceName
    let replay: Replay
    /// One small statement at the replay each time.
    static let period = Duration.seconds(5)

    /// - Parameter known: what an earlier turn gave; nil for the first of a process.
    /// - Returns: what the replay's phrases are now.
    func turn(since known: String?) async throws -> String? {
        let catalog = replay.catalog
        let source = source
        return try await replay.database.perform { session in
            let now = try catalog.phraseSignature(on: session)
            if now != known {
                try Sightings.reopenAwaitingPhrases(source: source, in: session)
            }
            return now
        }
    }
}
