internal import ArgumentParser
internal import Delivery
internal import Ledger
internal import Postgres
internal import Reporting
internal import Settings

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows how sources, mounts, volumes and mux jobs stand, and which problems are open.",
        discussion: """
            Asks the ledger alone: it answers at once, also while mounts hang.

            WAITING are recordings or files that are to be copied, MOVING those under way, TO MARK those that are safe \
            and not marked yet, MISSING those whose file is not on the recorder. SHARE is the part of the copied bytes \
            in a volume's priority, to be compared with BALANCE.

            Exit code: 1 where the replay's database can't be asked, 78 where the settings can't be used.
            """)

    @OptionGroup var config: ConfigOption

    @Flag(help: "Prints JSON for programs. Keys stay the same as long as `version` does.")
    var json = false

    @Flag(help: "Draws again and again, every two seconds or as said, until Ctrl-C.")
    var watch = false

    @Argument(help: "Seconds between two drawings, with --watch.")
    var seconds: Double?

    func validate() throws {
        if json && watch { throw ValidationError("--json prints once; leave out --watch, or run it again and again.") }
        if let seconds {
            guard watch else { throw ValidationError("Seconds are for --watch: takeup status --watch \(seconds)") }
            guard seconds >= 0.2 && seconds <= 3600 else {
                throw ValidationError("--watch takes between 0.2 and 3600 seconds.")
            }
        }
        if watch && !Terminal.isScreen {
            throw ValidationError("--watch needs a terminal; leave it out, or use --json.")
        }
    }

    func run() async throws {
        let settings = try config.load()
        let database: Database
        do {
            database = try connect(settings)
        } catch {
            Terminal.complain("The replay's database can't be asked: \(error).")
            throw ExitCode.failure
        }
        if watch { return await keepDrawing(settings, database) }
        let report: StatusReport
        do {
            report = StatusReport(settings: settings, look: try await StatusLook.take(from: database))
        } catch {
            Terminal.complain(StatusFailure.sentence(error))
            throw ExitCode.failure
        }
        if json {
            Terminal.put(StatusDocument(report).text)
        } else {
            Terminal.show(StatusPage(report).lines(columns: Terminal.size?.columns ?? 100, most: nil))
        }
    }

    private func connect(_ settings: Settings) throws -> Database {
        var connection = try ConnectionSettings(
            settings.replay.database, label: "replay", applicationName: "takeup status", environment: .ofProcess(),
            statementTimeout: .seconds(5))
        connection.connectTimeout = .seconds(3)
        return Database(connection, connections: 1)
    }

    /// Until the process is told to end.
    private func keepDrawing(_ settings: Settings, _ database: Database) async {
        let screen = TerminalLoop()
        var last: StatusReport?
        while true {
            let size = Terminal.size ?? (columns: 100, lines: 30)
            do {
                last = StatusReport(settings: settings, look: try await StatusLook.take(from: database))
                if let last { screen.draw(StatusPage(last).lines(columns: size.columns, most: size.lines - 1)) }
            } catch {
                let failure = StatusFailure.lines(error, columns: size.columns)
                let room = size.lines - 2 - failure.count
                let page = last.map { [ScreenLine()] + StatusPage($0).lines(columns: size.columns, most: room) }
                screen.draw(failure + (page ?? []))
            }
            try? await Task.sleep(for: .seconds(seconds ?? 2))
        }
    }
}
