internal import ArgumentParser
internal import Operating

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Lets a source rest, until it is resumed.",
        discussion: """
            What is being copied ends; nothing else is looked at, copied or marked there, and the recorder's database is \
            asked nothing. Agents obey within two seconds, and over every restart. `takeup status` shows since when, and \
            why. Pausing again changes nothing but the reason, where a new one is given.

            Exit code: 1 where the replay's database can't be asked, 64 where no source has that name, 78 where the \
            settings can't be used.
            """)

    @OptionGroup var config: ConfigOption
    @OptionGroup var sources: SourceOption

    @Option(help: ArgumentHelp("Why, for those who see it in the status.", valueName: "text"))
    var reason: String?

    func validate() throws {
        if !sources.isGiven { throw ValidationError("Say which: --source NAME, or --all.") }
        guard let reason else { return }
        // It is shown to everybody who looks at the status.
        let isPlain = reason.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isPlain, !reason.isEmpty, reason.count <= 200 else {
            throw ValidationError(
                "--reason takes a line of text: 1 to 200 characters, none of them a control character.")
        }
    }

    func run() async throws {
        let settings = try config.load()
        let report = try await ReplayConnection.use(settings, as: "pause") { database in
            try await Pausing.pause(sources.choice, reason: reason, settings: settings, in: database)
        }
        report.lines.forEach(Terminal.say)
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Lets a paused source go on.",
        discussion: """
            What came meanwhile is collected. Resuming a source that is not paused changes nothing.

            Exit code: 1 where the replay's database can't be asked, 64 where no source has that name, 78 where the \
            settings can't be used.
            """)

    @OptionGroup var config: ConfigOption
    @OptionGroup var sources: SourceOption

    func validate() throws {
        if !sources.isGiven { throw ValidationError("Say which: --source NAME, or --all.") }
    }

    func run() async throws {
        let settings = try config.load()
        let report = try await ReplayConnection.use(settings, as: "resume") { database in
            try await Pausing.resume(sources.choice, settings: settings, in: database)
        }
        report.lines.forEach(Terminal.say)
    }
}
