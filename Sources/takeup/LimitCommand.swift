internal import ArgumentParser
internal import Operating

struct LimitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limit",
        abstract: "Changes how fast a source may be read, while its agents run.",
        discussion: """
            All agents of a source together read no more for copies. Copies that are under way go on at the new pace; \
            agents obey within two seconds, and over every restart, until they are told otherwise or to go by the settings \
            again. `takeup status` shows the limit, and how fast is read.

            Exit code: 1 where the replay's database can't be asked, 64 where no source has that name or that is no limit, \
            78 where the settings can't be used.
            """)

    @OptionGroup var config: ConfigOption
    @OptionGroup var sources: SourceOption

    @Argument(
        help: "Bytes a second, such as 20MB; none: as fast as it goes; settings: what read_limit of the settings says.")
    var limit: String

    func validate() throws {
        if !sources.isGiven { throw ValidationError("Say which: --source NAME, or --all.") }
        if ReadLimiting.Word(limit) == nil {
            throw ValidationError("A limit is a size from 64KiB to 1TiB, such as 20MB; or none, or settings.")
        }
    }

    func run() async throws {
        guard let word = ReadLimiting.Word(limit) else { throw ExitCode.validationFailure }
        let settings = try config.load()
        let lines = try await ReplayConnection.use(settings, as: "limit") { database in
            try await ReadLimiting.change(sources.choice, to: word, settings: settings, in: database)
        }
        lines.forEach(Terminal.say)
    }
}
