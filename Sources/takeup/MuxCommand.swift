internal import ArgumentParser
internal import Muxer
internal import Telemetry

struct MuxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mux",
        abstract: "Muxes the sound of calls with the agents' screens.",
        discussion: """
            Runs in the foreground until SIGTERM or SIGINT. Any number of workers on any hosts share the work. systemd \
            starts it as takeup-mux@<number>.service.
            """)

    @OptionGroup var config: ConfigOption

    func run() async throws {
        let settings = try config.load()
        try await serve(settings, from: config.config) { environment, narrator in
            try await MuxProcess(
                settings: settings, version: Version.text, environment: environment, manager: .ofProcess(),
                narrator: narrator
            ).run()
        }
    }
}
