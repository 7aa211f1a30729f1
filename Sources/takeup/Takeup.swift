internal import ArgumentParser

@main
struct Takeup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "takeup",
        abstract: "Collects call and screen recordings onto a replay server: once, complete, verified byte by byte.",
        version: Version.text,
        subcommands: [
            AgentCommand.self, MuxCommand.self, CheckCommand.self, StatusCommand.self, FilesCommand.self,
            ScreensCommand.self,
            PlaceCommand.self, VolumeCommand.self, PauseCommand.self, ResumeCommand.self, LimitCommand.self,
            RetryCommand.self,
            RestoreCommand.self, AuditCommand.self, ScrubCommand.self, VerifyCommand.self, ExportCommand.self,
            SettingsCommand.self, EventsCommand.self,
        ])
}
