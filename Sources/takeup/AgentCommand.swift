internal import Agent
internal import ArgumentParser
internal import Telemetry
internal import Vocabulary

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Serves one mount: watches it, copies what is new, and keeps its source.",
        discussion: """
            Runs in the foreground until SIGTERM or SIGINT. One agent serves one mount; a second one on the same mount \
            refuses to start. systemd starts it as takeup@<escaped mount path>.service.
            """)

    @OptionGroup var config: ConfigOption

    @Option(help: ArgumentHelp("The mount to serve, as the settings name it.", valueName: "path"))
    var mount: String

    func run() async throws {
        let settings = try config.load()
        let mount = MountPath(mount)
        try await serve(settings, from: config.config) { environment, narrator in
            let process = try AgentProcess(
                settings: settings, mount: mount, version: Version.text, environment: environment,
                manager: .ofProcess(), narrator: narrator, now: SystemClock.now)
            try await process.run()
        }
    }
}
