internal import Ledger
package import Postgres
package import Telemetry
package import Vocabulary

/// Tells when files wait for longer than they should before anybody tries them: an agent is away, a limit is too low, a
/// volume or a recorder too slow. Every agent looks at all sources; one of them tells, once.
package struct BacklogService: Sendable {
    private let database: Database
    private let narrator: any Narrator
    private let limit: Duration
    private let now: @Sendable () -> Instant
    private static let period = Duration.seconds(60)

    /// - Parameter limit: how long a file may wait; zero: for ever.
    package init(
        database: Database, narrator: any Narrator, limit: Duration, now: @escaping @Sendable () -> Instant
    ) {
        self.database = database
        self.narrator = narrator
        self.limit = limit
        self.now = now
    }

    package func run() async {
        if limit <= .zero { return }
        while !Task.isCancelled {
            let began = ContinuousClock.now
            do {
                try await turn()
            } catch let error as PostgresError where error.isOutage {
                // Told once for the process by its presence.
            } catch is CancellationError {
                return
            } catch {
                narrator.tell(.turnFailed, .service("backlog"), .detail(error))
            }
            // Where a million files wait, counting them costs the replay's database something.
            await Wake.rest(max(BacklogService.period, (.now - began) * 200))
        }
    }

    package func turn() async throws {
        let (limit, at) = (limit, now())
        let kind = AlertKind.backlog
        let (raised, cleared) = try await database.transaction(isDurable: false) { session in
            let backlogs = try Backlog.all(in: session)
            var raised: [(Backlog, Alert)] = []
            for backlog in backlogs where backlog.oldest > limit {
                let (telling, alert) = try Alerts.meet(
                    kind.rawValue, backlog.source.rawValue, at: at, reminder: kind.reminder, in: session)
                if telling != .nothing { raised.append((backlog, alert)) }
            }
            // Half as long ends it: what swings around the limit is told once.
            let long = Set(backlogs.filter { $0.oldest > limit / 2 }.map(\.source.rawValue))
            let over = try Alerts.all(in: session).filter { $0.kind == kind.rawValue && !long.contains($0.subject) }
            return (raised, try over.compactMap { try Alerts.clear($0.kind, $0.subject, in: session) })
        }
        for (backlog, alert) in raised {
            narrator.tell(
                .backlogHigh, .source(backlog.source), .count(backlog.files), .waiting(bytes: backlog.bytes),
                .oldest(backlog.oldest), .since(alert.since), .incident(String(alert.incident)))
        }
        for alert in cleared {
            narrator.tell(
                .backlogCleared, .source(SourceName(alert.subject)), .elapsed(at - alert.since),
                .incident(String(alert.incident)))
        }
    }
}
