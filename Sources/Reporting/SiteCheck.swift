internal import Delivery
internal import Files
internal import Planning
package import Settings
package import Vocabulary

/// Everything that has to be in place for a site to work, as a list of checks.
package struct SiteCheck: Sendable {
    package let settings: Settings
    /// Where the settings came from.
    package let file: FilePath
    package let environment: SettingsEnvironment

    /// What one check may take. Calls inside give up earlier, so that they can say what hung.
    package static let limit = Duration.seconds(5)
    static let patience = Duration.seconds(4)

    package init(settings: Settings, file: FilePath, environment: SettingsEnvironment) {
        self.settings = settings
        self.file = file
        self.environment = environment
    }

    package func run() async -> [CheckFinding] { await Check.run(checks, limit: SiteCheck.limit) }

    package var checks: [Check] {
        [settingsCheck, ReplayDatabaseCheck(site: self).check]
            + settings.sources.flatMap { source in SourceDatabaseCheck(site: self, source: source).checks }
            + settings.sources.flatMap { source in source.mounts.map { MountCheck(source: source, mount: $0).check } }
            + [VolumesCheck(replay: settings.replay, rules: LevelRules(settings.placement)).check]
            + ToolCheck(mux: settings.mux, isNeeded: collectsScreens).checks
            + KeyCheck.checks(settings.mux.keys, environment: environment)
            + SigningKeyCheck.checks(settings.manifests, environment: environment)
            + timeZoneChecks
    }

    private var collectsScreens: Bool { settings.sources.contains { $0.isEnabled && $0.synchronize.video } }

    private var settingsCheck: Check {
        let found = CheckFinding(.ok, "settings", file.displayText)
        let doubts = settings.warnings.map { warning in
            let line = warning.line.map { "line \($0), " } ?? ""
            return CheckFinding(
                .warn, "settings", "\(line)\(warning.key): \(warning.what).",
                hint: warning.advice)
        }
        return Check(late: nil) { [found] + doubts }
    }

    /// One for each zone that a source names.
    private var timeZoneChecks: [Check] {
        Set(settings.sources.map(\.timeZone)).sorted().map { zone in
            let sources = settings.sources.filter { $0.timeZone == zone }.map(\.name.rawValue)
            let environment = environment
            return Check(late: CheckFinding(.fail, "time zone", "\(zone): its rules could not be read in time.")) {
                [TimeZoneCheck.finding(zone, of: sources, in: environment)]
            }
        }
    }
}

/// Whether this machine has the rules of a zone: without them, libc takes a recorder's times for UTC.
enum TimeZoneCheck {
    static func finding(_ zone: String, of sources: [String], in environment: SettingsEnvironment) -> CheckFinding {
        let users = "\(zone) of \(sources.joined(separator: ", "))"
        if zone == "UTC" { return CheckFinding(.ok, "time zone", users) }
        let rules = try? environment.readFile(FilePath("/usr/share/zoneinfo").appending(zone))
        // RFC 8536, 3.1.
        guard let rules, rules.starts(with: "TZif".utf8) else {
            return CheckFinding(
                .fail, "time zone", "\(users) is not known to this machine.",
                hint: "Install the package tzdata, or correct time_zone.")
        }
        return CheckFinding(.ok, "time zone", users)
    }
}
