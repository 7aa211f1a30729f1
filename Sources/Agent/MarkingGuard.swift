package import Delivery
package import Ledger
internal import Planning
internal import Postgres
package import Telemetry
package import Vocabulary

/// Sees to it that no mark is given by a ledger that is not the one it was, or that went back behind marks it gave.
///
/// What was given is remembered in a file of this host and in this process, before it is given. See decision 0005.
package actor MarkingGuard {
    private let source: SourceName
    private let replay: Replay
    private let file: WitnessFile?
    private let narrator: any Narrator
    private var remembered: MarkWitness?
    /// Why marking is stopped, as told last.
    private var told: String?

    /// - Parameters:
    ///   - file: nil where the service has no place to remember anything in; then this process alone does.
    ///   - told: why marking was found stopped already.
    package init(source: SourceName, replay: Replay, file: WitnessFile?, narrator: any Narrator, told: String?) {
        self.source = source
        self.replay = replay
        self.file = file
        self.narrator = narrator
        self.told = told
    }

    /// Looks whether marks may be given, and tells where that has changed.
    package func check() async throws { _ = try await promise(nil, limit: 0) }

    /// What to mark now, counted and remembered as given; none where no mark may be given, or another agent keeps the
    /// source.
    /// - Parameter after: where the last batch of a row of batches ended.
    package func promise(_ lease: KeeperLease?, after: Instant? = nil, limit: Int) async throws -> [Sighting] {
        // Another agent of this host may have been the keeper meanwhile.
        let remembered = [try file?.read(), remembered].compactMap { $0 }.max { $0.at < $1.at }
        let source = source
        let outcome = try await replay.database.transaction { session in
            var outcome = Outcome()
            if let lease, try !Keepers.confirm(lease, in: session) { return outcome }
            outcome.stopped = try Marking.check(in: session)
            if outcome.stopped != nil { return outcome }
            let (standing, audited) = try GivenMarks.standing(source: source, in: session)
            if let reason = remembered?.objection(to: standing, audited: audited, source: source) {
                try Marking.stop(reason: reason, in: session)
                outcome.stopped = reason
                return outcome
            }
            if lease == nil { return outcome }
            outcome.sightings = try Sightings.toMark(source: source, after: after, limit: limit, in: session)
            if outcome.sightings.isEmpty { return outcome }
            try GivenMarks.add(outcome.sightings.count, source: source, in: session)
            outcome.witness = try GivenMarks.standing(source: source, in: session).witness
            return outcome
        }
        tell(outcome.stopped)
        if let witness = outcome.witness {
            try file?.write(witness)
            self.remembered = witness
        }
        return outcome.sightings
    }

    private struct Outcome: Sendable {
        var sightings: [Sighting] = []
        var stopped: String?
        var witness: MarkWitness?
    }

    private func tell(_ stopped: String?) {
        guard stopped != told else { return }
        if let stopped {
            narrator.tell(.markingStopped, .reason(stopped))
        } else {
            narrator.tell(.markingResumed, .source(source))
        }
        told = stopped
    }
}
