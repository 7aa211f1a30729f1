internal import ArgumentParser
internal import Glibc
internal import Muxer
internal import Settings
internal import Telemetry
internal import Vocabulary

struct MuxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mux",
        abstract: "Muxes the sound of calls with the agents' screens.",
        discussion: """
            Runs in the foreground until SIGTERM or SIGINT. Any number of workers on any hosts share the work. systemd \
            starts it as takeup-mux@<number>.service.

            With --config-file it works at a site with Genesys Interaction Recording, by the site's muxer.cfg as it is. \
            Passwords of the environment (HTCC_PASSWORD, RCS_PASSWORD, WEBDAV_PASSWORD) win over the file's. With a query \
            for a batch it ends when that is done: 0 where nothing failed, 1 where a call failed, 75 where the site could \
            not be searched or the batch was stopped.
            """)

    @OptionGroup var config: ConfigOption

    @OptionGroup(title: "GIR site") var site: SiteOptions

    func run() async throws {
        if let file = site.configFile { return try await site.run(FilePath(file)) }
        try site.refuseWithoutFile()
        let settings = try config.load()
        try await serve(settings, from: config.config) { environment, narrator in
            try await MuxProcess(
                settings: settings, version: Version.text, environment: environment, manager: .ofProcess(),
                narrator: narrator
            ).run()
        }
    }
}
