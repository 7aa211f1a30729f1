internal import Delivery
internal import Ledger
package import Postgres
package import Telemetry
package import Vocabulary

/// Whether the source is paused, as the ledger says: asked at most once a second, less often while notifications are heard,
/// and at once after ``forget()``.
///
/// Every service asks it before it begins anything at the source; what is under way ends.
package actor PauseGate {
    private let source: SourceName
    private let ledger: Database
    private let narrator: any Narrator
    private let hearing: Hearing
    private var standing: Pause?
    private var asked: ContinuousClock.Instant?

    /// How long an answer holds, and how long where a change would be told.
    private static let period = Duration.seconds(1)
    private static let heardPeriod = Duration.seconds(15)

    /// - Parameter hearing: whether ``forget()`` is called when an operator changes something.
    package init(source: SourceName, ledger: Database, narrator: any Narrator, hearing: Hearing = Hearing()) {
        self.hearing = hearing
        self.source = source
        self.ledger = ledger
        self.narrator = narrator
    }

    /// Throws what the ledger's database throws: who cannot be told that he may, does not begin.
    package func isPaused() async throws -> Bool {
        let period = hearing.isGood ? PauseGate.heardPeriod : PauseGate.period
        if let asked, ContinuousClock.now - asked < period { return standing != nil }
        let name = source
        let began = ContinuousClock.now
        let found = try await ledger.perform { session in try Pauses.find(name, in: session) }
        // An answer that another overtook says nothing.
        if let asked, asked > began { return standing != nil }
        asked = began
        tell(found)
        standing = found
        return found != nil
    }

    /// An operator changed something: the next question goes to the ledger.
    package func forget() { asked = nil }

    private func tell(_ found: Pause?) {
        switch (standing, found) {
        case (nil, let pause?):
            narrator.tell(
                .sourcePaused, .source(source), .since(pause.since), .reason(pause.reason ?? "no reason was given"))
        case (let pause?, nil):
            narrator.tell(.sourceResumed, .source(source), .since(pause.since))
        case (nil, nil), (_?, _?): break
        }
    }
}
