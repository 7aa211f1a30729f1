internal import ArgumentParser
internal import Glibc
internal import Reporting
internal import Settings
internal import Vocabulary

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Makes directories known as volumes.",
        subcommands: [VolumeInitCommand.self])
}

struct VolumeInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Makes a directory a volume: once, before recordings are copied to it.",
        discussion: """
            Writes a file .takeup-volume into the directory, with an identity that no other volume has. Copies go \
            there only while that file is there, so a disk that is not mounted takes none by mistake. Run again, it \
            changes nothing.
            """)

    @Argument(help: "The directory, as the settings name it.")
    var path: String

    @Option(help: ArgumentHelp("The settings file, to see whether they have the volume.", valueName: "file"))
    var config: String?

    @Flag(help: "Says that the directory is meant to be no mount point.")
    var plainDirectory = false

    func run() async throws {
        let settings = try config.map { file in
            var option = ConfigOption()
            option.config = file
            return try option.load()
        }
        do throws(VolumeMaking.Refusal) {
            let made = try VolumeMaking.make(at: FilePath(path), settings: settings)
            Terminal.say(made.text(settings: settings))
            if !plainDirectory, let doubt = made.doubt { Terminal.complain(doubt) }
        } catch {
            Terminal.complain(error.description)
            throw ExitCode.failure
        }
    }
}
