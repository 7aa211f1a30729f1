package import Telemetry

/// What an agent does while collecting is switched off: it proves its mount, so that its absence is told all the same.
package struct IdleService: Sendable {
    private let mount: MountGuard
    private let progress: Progress
    private static let period = Duration.seconds(5)

    /// Its name among the loops that the watchdog waits for.
    static let loop = "idle"

    package init(mount: MountGuard, progress: Progress) {
        self.mount = mount
        self.progress = progress
    }

    package func run() async {
        while !Task.isCancelled {
            _ = await mount.prove()
            progress.advance(IdleService.loop)
            try? await Task.sleep(for: IdleService.period)
        }
    }
}
