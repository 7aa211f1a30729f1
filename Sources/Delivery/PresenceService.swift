internal import Glibc
package import Ledger
internal import Postgres
package import Telemetry
internal import Vocabulary

/// Tells the ledger and systemd that this process lives and moves, and tells once when the replay's database is away.
package actor PresenceService {
    private let replay: Replay
    private let beat: AgentBeat
    private let manager: ServiceManager
    private let progress: Progress
    private let narrator: any Narrator
    /// What to tell of this process: a JSON object for the ledger, and a line for systemd.
    private let describe: @Sendable () async -> (state: String, line: String)
    /// That there is something new to tell.
    private let news: Wake
    private var watchdog = Watchdog()
    private var outage: Outage
    private var stalled: Set<String> = []
    private let started = ContinuousClock.now

    private var nextForgetting = ContinuousClock.now

    private static let period = Duration.seconds(5)
    private static let forgettingPeriod = Duration.seconds(60)
    /// A loop that has not turned for so long is stuck: a database call may take a minute, and its retry, too.
    private static let loopBound = Duration.seconds(180)
    /// Rows of processes that were killed are kept for a day, so that status can show them.
    private static let forgetAfter = Duration.seconds(86_400)

    package init(
        replay: Replay, beat: AgentBeat, manager: ServiceManager, loops: [String], progress: Progress,
        narrator: any Narrator, news: Wake = Wake(),
        describe: @escaping @Sendable () async -> (state: String, line: String)
    ) {
        self.replay = replay
        self.beat = beat
        self.manager = manager
        self.progress = progress
        self.narrator = narrator
        self.news = news
        self.describe = describe
        outage = Outage(down: .replayUnreachable, up: .replayBack, facts: [.database("replay")], narrator: narrator)
        for loop in loops { watchdog.watch(loop, bound: PresenceService.loopBound, at: .zero) }
    }

    package func run() async {
        while !Task.isCancelled {
            feedWatchdog()
            var pause = await turn()
            if let interval = manager.watchdogInterval { pause = min(pause, interval / 3) }
            await news.wait(atMost: pause, early: pause / 5)
        }
        let holder = replay.holder
        try? await replay.database.perform { session in try Agents.leave(holder, in: session) }
    }

    private func turn() async -> Duration {
        let (state, line) = await describe()
        manager.status(line)
        var now = beat
        now.state = state
        let told = now
        let isForgetting = nextForgetting <= .now
        do {
            try await replay.database.perform { session in
                try Agents.beat(told, in: session)
                if isForgetting { try Agents.forget(silentFor: PresenceService.forgetAfter, in: session) }
            }
            if isForgetting { nextForgetting = .now + PresenceService.forgettingPeriod }
            outage.over()
            return PresenceService.period
        } catch {
            return min(outage.met(error), PresenceService.period)
        }
    }

    /// Fed only while every loop moves; which one does not is told once.
    private func feedWatchdog() {
        switch watchdog.look(turns: progress.turns, at: ContinuousClock.now - started) {
        case .feed:
            stalled = []
            manager.feedWatchdog()
        case .withhold(let loops):
            for loop in loops where stalled.insert(loop.loop).inserted {
                narrator.tell(.progressStalled, .service(loop.loop), .elapsed(loop.still))
            }
        }
    }
}
