internal import Delivery
package import Telemetry

/// What stands for the loops of an agent while collecting is switched off: its mount is proven all the same.
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
            _ = await mount.proven()
            progress.advance(IdleService.loop)
            await Wake.rest(IdleService.period)
        }
    }
}
