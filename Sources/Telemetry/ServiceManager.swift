internal import CSystemd
internal import Vocabulary

/// Tells systemd how the service is (sd_notify(3)). Outside of systemd every call does nothing.
package struct ServiceManager: Sendable {
    /// How often systemd wants to be fed; `nil` where it does not watch. Feed at half of it.
    package let watchdogInterval: Duration?
    private let notify: @Sendable (String) -> Void

    /// The manager that started this process.
    package static func ofProcess() -> ServiceManager {
        var microseconds: UInt64 = 0
        let isWatched = sd_watchdog_enabled(0, &microseconds) > 0
        let interval = Duration.microseconds(Int64(clamping: microseconds))
        return ServiceManager(watchdogInterval: isWatched ? interval : nil) { _ = sd_notify(0, $0) }
    }

    /// `notify` takes assignments, one a line.
    package init(watchdogInterval: Duration?, notify: @escaping @Sendable (String) -> Void) {
        self.watchdogInterval = watchdogInterval
        self.notify = notify
    }

    /// The start is over. Call it when work can be taken; absent mounts and volumes are no reason to wait.
    package func ready(status: String) { notify("READY=1\nSTATUS=\(oneLine(status))") }

    /// One line for `systemctl status`.
    package func status(_ text: String) { notify("STATUS=\(oneLine(text))") }

    /// Only after progress was seen: see ``Watchdog``.
    package func feedWatchdog() { notify("WATCHDOG=1") }

    package func stopping(status: String) { notify("STOPPING=1\nSTATUS=\(oneLine(status))") }

    /// Start or stop takes longer: `span` from now. To be repeated before it is over.
    package func extendTimeout(by span: Duration) { notify("EXTEND_TIMEOUT_USEC=\(max(0, span.wholeMicroseconds))") }

    private func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
