internal import ArgumentParser
internal import Operating
internal import Settings
internal import Vocabulary

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Has what waits or was given up tried again now.",
        discussion: """
            Sets the counts of failed attempts to zero, makes due what waits, and takes up recordings that Takeup marked \
            erroneous: they end with their true mark. So it does with mux jobs that wait, and with those whose results lack \
            screens that were refused. Agents and workers that run begin at once, others when they start.

            Exit code: 1 where the ledger knows no such recording or can't be asked, 64 where no source has that name, \
            78 where the settings can't be used.
            """)

    @OptionGroup var config: ConfigOption
    @OptionGroup var sources: SourceOption

    @Argument(help: "One recording: its sid, or SOURCE/ID as status and journal name it.")
    var recording: String?

    func validate() throws {
        guard (recording != nil) != sources.isGiven else {
            throw ValidationError("Say what: one recording by its sid or SOURCE/ID, --source NAME, or --all.")
        }
    }

    func run() async throws {
        let settings = try config.load()
        let report = try await ReplayConnection.use(settings, as: "retry") { database in
            if let recording {
                return try await Retrying.retry(RecordingChoice(recording), settings: settings, in: database)
            }
            return try await Retrying.retry(sources.choice, settings: settings, in: database)
        }
        guard report.isKnown else {
            Terminal.complain(report.line)
            throw ExitCode.failure
        }
        Terminal.say(report.line)
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Brings back a recording that the replay's own tools took away.",
        discussion: """
            What they did stands, until it is undone by this command. It asks every source for the recording, lifts its \
            tombstone, and lets the sources that have it be looked at, also where it carries a mark there; such a mark \
            stays as it is. Run it where the recorders' directories are mounted, as the user of the service.

            Exit code: 1 where no source has it, or the replay's database can't be asked, 78 where the settings can't be \
            used.
            """)

    @OptionGroup var config: ConfigOption

    @Argument(help: "The recording: its sid, or SOURCE/ID as status and journal name it.")
    var recording: String

    func run() async throws {
        let settings = try config.load()
        let report = try await ReplayConnection.use(settings, as: "restore") { database in
            try await Restoring.restore(
                RecordingChoice(recording), settings: settings, environment: .ofProcess(), in: database)
        }
        guard report.isAsked else {
            report.lines.forEach(Terminal.complain)
            throw ExitCode.failure
        }
        report.lines.forEach(Terminal.say)
    }
}
