internal import Planning
package import Telemetry
internal import Vocabulary

/// One outage of something that many turns meet: told once when it begins and once when it is over, with growing pauses
/// between.
package struct Outage: Sendable {
    private let down: Event
    private let up: Event
    private let facts: [Fact]
    private let narrator: any Narrator
    private var since: ContinuousClock.Instant?
    private var attempts = 0

    package init(down: Event, up: Event, facts: [Fact], narrator: any Narrator) {
        self.down = down
        self.up = up
        self.facts = facts
        self.narrator = narrator
    }

    package var isOn: Bool { since != nil }

    /// Gives the pause before the next attempt.
    package mutating func met(_ error: any Error) -> Duration {
        if since == nil {
            since = .now
            narrator.tell(down, facts: facts + [.detail(error)])
        }
        attempts += 1
        var chance = SystemRandomNumberGenerator()
        return Retry.connection.wait(afterAttempts: attempts, using: &chance)
    }

    package mutating func over() {
        guard let since else { return }
        narrator.tell(up, facts: facts + [.elapsed(ContinuousClock.now - since)])
        self.since = nil
        attempts = 0
    }
}
