internal import ArgumentParser
internal import Delivery
internal import Evidence
internal import Glibc
internal import Settings
internal import Telemetry
internal import Vocabulary

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Compares what is marked at the recorders with what is held, and what is held with the volumes.",
        discussion: """
            Changes nothing without --repair. With it, marks are taken back from what is not held, so that nobody \
            deletes it and it is copied again, and files that stand on a volume without being on record are adopted. \
            What is lost for good is named. An audit of everything that leaves nothing marked and not held lets marking \
            go on where it was stopped.

            Exit code: 0 where nothing is left to be seen to: it passed, or all that was found is repaired or on its \
            way. 1 where something is left that a person has to see to, 64 where no source has that name, 69 where the \
            audit could not be made, 78 where the settings can't be used.
            """)

    @OptionGroup var config: ConfigOption

    @Option(help: "Only recordings of this source; copies are not compared then.")
    var source: String?

    @Option(
        help: ArgumentHelp("Only recordings that ended on this day of the recorder or later.", valueName: "YYYY-MM-DD"))
    var since: String?

    @Flag(help: "Takes marks back from what is not held, and adopts what stands on a volume.")
    var repair = false

    @Flag(help: "Reads every copy whole and compares its digest.")
    var deep = false

    @Flag(help: "Prints JSON for programs: a line for each finding, and the summary last.")
    var json = false

    /// Findings of one kind that are told one by one; of the lost, all are.
    private static let toldEach = 20

    func validate() throws {
        if let since, AuditCommand.day(since) == nil {
            throw ValidationError("--since takes a day such as 2026-11-21, not \(since).")
        }
    }

    func run() async throws {
        let settings = try config.load()
        var chosen: SourceSettings?
        if let source {
            chosen = settings.sources.first { $0.name.rawValue == source }
            guard chosen != nil else {
                Terminal.complain(
                    "The settings have no source \(source). They have: "
                        + settings.sources.map(\.name.rawValue).joined(separator: ", ") + ".")
                throw ExitCode(64)
            }
        }
        let environment = SettingsEnvironment.ofProcess()
        let teller = AuditTeller(isJSON: json, limit: AuditCommand.toldEach)
        let summary: AuditSummary
        do {
            let base = try await ReplayBase(
                settings: settings, role: "audit", version: Version.text, environment: environment,
                narrator: narrator(of: settings))
            summary = try await Audit(
                settings: settings, base: base,
                request: Audit.Request(
                    source: chosen, since: since.flatMap(AuditCommand.day), repairs: repair, isDeep: deep),
                environment: environment, tell: { teller.tell($0) }, advance: { teller.advance($0, $1) }
            ).run()
        } catch {
            teller.clear()
            Terminal.complain("The audit could not be made: \(error).")
            throw ExitCode(69)  // EX_UNAVAILABLE of sysexits(3)
        }
        teller.clear()
        if json {
            Terminal.say(AuditJSON.line(summary))
        } else {
            teller.tellRest()
            for sentence in summary.sentences { Terminal.say(sentence) }
        }
        if !summary.passed { throw ExitCode.failure }
    }

    /// Midnight at the beginning of a day, by the clock that showed it.
    private static func day(_ text: String) -> WallTime? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2],
            (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var date = tm()
        (date.tm_year, date.tm_mon, date.tm_mday) = (Int32(year - 1900), Int32(month - 1), Int32(day))
        return WallTime(microseconds: Int64(timegm(&date)) * 1_000_000)
    }
}
