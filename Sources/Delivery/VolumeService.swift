internal import Postgres
package import Telemetry

/// Samples the volumes when nothing else does, so that states and alerts follow what others do to them.
package struct VolumeService: Sendable {
    private let roster: VolumeRoster
    private let narrator: any Narrator
    private let progress: Progress
    private static let period = Duration.seconds(10)

    package init(roster: VolumeRoster, narrator: any Narrator, progress: Progress) {
        self.roster = roster
        self.narrator = narrator
        self.progress = progress
    }

    package func run() async {
        while !Task.isCancelled {
            do {
                try await roster.turn()
            } catch let error as PostgresError where error.isOutage {
                // Told once for the process by its presence.
            } catch is CancellationError {
                return
            } catch {
                narrator.tell(.turnFailed, .service("volumes"), .detail(error))
            }
            progress.advance("volumes")
            await Wake.rest(VolumeService.period)
        }
    }
}
