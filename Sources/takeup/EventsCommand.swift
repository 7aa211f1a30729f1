internal import ArgumentParser
internal import Telemetry

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Prints what the events in the journal mean.",
        discussion: """
            --catalog is the message catalog that `journalctl -x` shows explanations from; a package puts it into \
            /usr/lib/systemd/catalog and runs `journalctl --update-catalog`.
            """)

    @Flag(help: "The journal's message catalog.")
    var catalog = false

    func validate() throws {
        if !catalog { throw ValidationError("Say what to print: --catalog.") }
    }

    func run() async throws {
        Terminal.put(JournalCatalog.text())
    }
}
