internal import Postgres
package import Telemetry

/// Sweeps at the start and from then on.
package struct SweepService: Sendable {
    private let sweeper: Sweeper
    private let narrator: any Narrator
    private let progress: Progress
    private static let period = Duration.seconds(15)

    package init(sweeper: Sweeper, narrator: any Narrator, progress: Progress) {
        self.sweeper = sweeper
        self.narrator = narrator
        self.progress = progress
    }

    package func run() async {
        while !Task.isCancelled {
            var isMoreLeft = false
            do {
                isMoreLeft = try await sweeper.turn()
            } catch let error as PostgresError where error.isOutage {
                // Told once for the process by its presence.
            } catch is CancellationError {
                return
            } catch {
                narrator.tell(.turnFailed, .service("sweep"), .detail(error))
            }
            progress.advance("sweep")
            await Wake.rest(isMoreLeft ? .milliseconds(10) : SweepService.period)
        }
    }
}
