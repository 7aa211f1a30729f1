internal import ArgumentParser
internal import Reporting
internal import Settings
internal import Vocabulary

struct ScreensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "screens",
        abstract: "Lists recordings without a screen to mux, and muxed files that do not show all.",
        discussion: """
            A recording announces a screen by a row whose file is not there, or by external data that \
            `mux.screen_announced_by` names. Its agent looks for it with growing intervals, and gives it up at \
            `mux.screen_wait_age`. A screen that comes after that is muxed all the same, and the recording leaves the list.

            Recordings whose screens are RECD alone are not muxable as long as no worker has `mux.recd_converter`; \
            that is no problem, and they are listed apart.

            So are muxed files with notes: screens that were left out as they were refused, that lie outside of the sound or \
            were cut, and lengths that differ from those of their rows.

            At a GIR site (`takeup mux --config-file`) calls are listed that wait for a screen, and those whose result could not be \
            made, by the numbers of their rows in `takeup.site_call`; `--ledger` says in which database.

            Asks the ledger alone. The newest stand first.

            Exit code: 1 where the replay's database can't be asked, 64 where the settings have no such source, 78 where \
            the settings can't be used.
            """)

    @OptionGroup var config: ConfigOption

    @Option(
        help: ArgumentHelp(
            "The database of a GIR site's workers, as a connection string without a password; then no settings are read.",
            valueName: "conninfo"))
    var ledger: String?

    @Option(help: ArgumentHelp("One source, or a contact center; without, all of them.", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("Recordings that are listed.", valueName: "number"))
    var limit = 50

    @Flag(help: "Prints JSON for programs. Keys stay the same as long as `version` does.")
    var json = false

    func validate() throws {
        guard (1...100_000).contains(limit) else {
            throw ValidationError("--limit takes between 1 and 100000 recordings.")
        }
    }

    func run() async throws {
        let name = source.map { SourceName($0) }
        if let ledger {
            let look = try await ReplayConnection.use(ledger: ledger, as: "screens") { [limit] database in
                try await ScreensLook.take(source: name, limit: limit, from: database)
            }
            return show(look)
        }
        let settings = try config.load()
        if let name, !settings.sources.contains(where: { $0.name == name }) {
            let known = settings.sources.map(\.name.rawValue).joined(separator: ", ")
            Terminal.complain("There is no source \(name). The settings have: \(known).")
            throw ExitCode.validationFailure
        }
        let look = try await ReplayConnection.use(settings, as: "screens") { [limit] database in
            try await ScreensLook.take(source: name, limit: limit, from: database)
        }
        show(look)
    }

    private func show(_ look: ScreensLook) {
        if json {
            Terminal.put(ScreensDocument(look).text)
        } else {
            Terminal.show(ScreensPage(look).lines(columns: Terminal.size?.columns))
        }
    }
}
