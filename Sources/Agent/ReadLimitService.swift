package import Copying
package import Delivery
internal import Ledger
internal import Planning
package import Postgres
package import Telemetry
package import Vocabulary

/// Keeps the copies of this process to how fast their source may be read: what they ask for is taken from what all agents
/// of the source share in the ledger, and granted when its time has come.
package actor ReadLimitService {
    private let source: SourceName
    private let setting: Int64?
    private let sharers: Int
    private let ledger: Database
    private let pace: SourcePace
    private let hearing: Hearing
    private let narrator: any Narrator
    private let wake: Wake
    private var loaded: ContinuousClock.Instant?
    /// Counts ``forget()``: an answer to a question from before it holds no more.
    private var forgotten = 0
    /// The journal knows of this limit.
    private var told: Int64?
    /// What is taken from while the ledger can't be asked: this agent's part.
    private var own = ReadBucket()
    private let started = ContinuousClock.now
    private var measured: (asked: Int64, at: ContinuousClock.Instant)
    private var rate: Int64 = 0

    /// How long an answer holds, and how long where a change would be told.
    private static let period = Duration.seconds(1)
    private static let heardPeriod = Duration.seconds(60)
    private static let shortestMeasure = Duration.seconds(2)

    /// - Parameters:
    ///   - setting: bytes a second, where the ledger says nothing; nil for as fast as it goes.
    ///   - sharers: how many agents the source has.
    ///   - wake: of ``SourcePace``, when somebody waits.
    package init(
        source: SourceName, setting: Int64?, sharers: Int, ledger: Database, pace: SourcePace, hearing: Hearing,
        narrator: any Narrator, wake: Wake
    ) {
        self.source = source
        self.setting = setting
        self.sharers = max(1, sharers)
        self.ledger = ledger
        self.pace = pace
        self.hearing = hearing
        self.narrator = narrator
        self.wake = wake
        measured = (0, .now)
        pace.bytesPerSecond = setting
    }

    package func run() async {
        while !Task.isCancelled {
            await load()
            guard let limit = pace.bytesPerSecond, pace.wanted > 0 else {
                let rest = hearing.isGood ? ReadLimitService.heardPeriod : ReadLimitService.period
                await wake.wait(atMost: rest, early: rest / 5)
                continue
            }
            let portion = ReadBucket.portion(of: pace.wanted, limit: limit)
            try? await Task.sleep(for: await take(portion, limit))
            pace.grant(portion)
        }
    }

    /// Bytes a second now; nil for as fast as it goes.
    package nonisolated var limit: Int64? { pace.bytesPerSecond }

    /// An operator changed something: the ledger is asked at once.
    package func forget() {
        loaded = nil
        forgotten += 1
        wake.wake()
    }

    /// Bytes a second that copies read, of the last seconds.
    package func measuredRate() -> Int64 {
        let now = ContinuousClock.now
        let span = now - measured.at
        guard span >= ReadLimitService.shortestMeasure else { return rate }
        let asked = pace.asked - pace.wanted
        rate = Int64(Double(asked - measured.asked) / span.inSeconds)
        measured = (asked, now)
        return rate
    }

    private func take(_ bytes: Int64, _ limit: Int64) async -> Duration {
        let name = source
        do {
            return try await ledger.transaction(isDurable: false) { session in
                try ReadLimits.take(bytes, limit: limit, of: name, in: session)
            }
        } catch {
            // Whatever the others do, all together keep to the limit.
            return own.take(bytes, limit: max(1, limit / Int64(sharers)), at: .now - started)
        }
    }

    /// Asks the ledger for the limit, where the last answer does not hold any more.
    package func load() async {
        let period = hearing.isGood ? ReadLimitService.heardPeriod : ReadLimitService.period
        let now = ContinuousClock.now
        if let loaded, now - loaded < period { return }
        let (name, before) = (source, forgotten)
        do {
            let word = try await ledger.perform { session in try ReadLimits.find(name, in: session) }
            if forgotten == before { loaded = now }
            follow(word)
        } catch {
            // What it said last holds.
        }
    }

    private func follow(_ word: ReadLimitWord?) {
        let limit = word.map(\.bytesPerSecond) ?? setting
        if limit != pace.bytesPerSecond { pace.bytesPerSecond = limit }
        if limit == told { return }
        told = limit
        if let limit {
            narrator.tell(.readLimited, .source(source), .size(bytes: limit))
        } else {
            narrator.tell(.readUnlimited, .source(source))
        }
    }
}
