internal import ArgumentParser
internal import Glibc
internal import Operating
internal import Reporting
internal import Settings
internal import Vocabulary

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Makes directories known as volumes, and lets them be trusted again.",
        subcommands: [VolumeInitCommand.self, VolumeTrustCommand.self])
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

struct VolumeTrustCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Lets a suspect volume be used again, once the disk behind it was looked at.",
        discussion: """
            A volume is suspect when it failed to keep what was written to it, twice of three times. After this word an \
            agent writes to it, reads back what it wrote, and uses it again if that was right: within seconds, told as \
            VOLUME_AVAILABLE. Otherwise it stays suspect.

            Exit code: 1 where the ledger knows no such volume or can't be asked, 78 where the settings can't be used.
            """)

    @Argument(help: "The volume's name, as the settings and `takeup status` have it.")
    var name: String

    @OptionGroup var config: ConfigOption

    func run() async throws {
        let settings = try config.load()
        let volume = VolumeName(name)
        let outcome = try await ReplayConnection.use(settings, as: "volume trust") { database in
            try await Trusting.trust(volume, in: database)
        }
        guard outcome != .unknown else {
            Terminal.complain("The ledger knows no volume \(name); `takeup status` shows those it knows.")
            throw ExitCode.failure
        }
        Terminal.say(
            outcome == .suspect
                ? "Volume \(name) is tried now, and used again if it keeps what is written to it."
                : "Volume \(name) is not suspect. Nothing was changed.")
    }
}
