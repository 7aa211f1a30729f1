internal import ArgumentParser
internal import Reporting
internal import Settings
internal import Vocabulary

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Looks whether everything is in place: settings, databases, mounts, volumes, tools, keys.",
        discussion: """
            Changes nothing, but for a hidden file that it makes on each volume and removes at once, and takes five \
            seconds at most, also where something hangs. Run it as the user that the \
            agents run as: what that user may read and write is what counts.

            Exit code: 0 where nothing failed (warnings are no failure), 1 where something did, 78 where the settings \
            can't be used.
            """)

    @OptionGroup var config: ConfigOption

    func run() async throws {
        let settings = try config.load()
        let check = SiteCheck(settings: settings, file: FilePath(config.config), environment: .ofProcess())
        let page = CheckPage(await check.run())
        Terminal.show(page.lines(columns: Terminal.size?.columns))
        if page.hasFailure { throw ExitCode.failure }
    }
}
