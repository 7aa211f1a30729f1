internal import ArgumentParser
internal import Evidence
internal import Telemetry

struct ScrubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scrub",
        abstract: "Reads held copies again, and writes the manifests of closed days.",
        discussion: """
            Reads what is due, at the pace of the settings, and ends; takeup-scrub.timer starts it each hour. Any number \
            of hosts may run it: none reads what another does. It can be stopped at any time; the next run goes on. What \
            is not as it was copied is told of, and copied again where a recorder still has it.

            Exit code: 0 also where bad copies were found: they are problems in `takeup status`. 1 where the run could \
            not be made, 78 where the settings can't be used.
            """)

    @OptionGroup var config: ConfigOption

    func run() async throws {
        let settings = try config.load()
        try await serve(settings, from: config.config) { environment, narrator in
            _ = try await ScrubProcess(
                settings: settings, version: Version.text, environment: environment, manager: .ofProcess(),
                narrator: narrator
            ).run()
        }
    }
}
