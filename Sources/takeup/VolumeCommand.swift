internal import ArgumentParser
internal import Glibc
internal import Operating
internal import Reporting
internal import Settings
internal import Vocabulary

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract:
            "Makes directories known as volumes, lets them be trusted again, and gives their names to other disks.",
        subcommands: [VolumeInitCommand.self, VolumeTrustCommand.self, VolumeReplaceCommand.self])
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

struct VolumeReplaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replace",
        abstract: "Says that another disk is a volume from now on.",
        discussion: """
            A volume's name belongs to the disk that was first seen under it. Agents take no other: it is VOLUME_ABSENT, \
            with the reason identity, so that a disk mounted in the wrong place takes no recordings. Where a disk was \
            replaced for good, make the new one a volume (`takeup volume init`), mount it, and say so here, on a host that \
            has it: agents use it within seconds. What the old disk holds stays on record.

            Exit code: 1 where these settings have no such volume, or no disk with a marker is there; 78 where the settings \
            can't be used.
            """)

    @Argument(help: "The volume's name, as the settings have it.")
    var name: String

    @OptionGroup var config: ConfigOption

    func run() async throws {
        let settings = try config.load()
        let volume = VolumeName(name)
        let outcome = try await ReplayConnection.use(settings, as: "volume replace") { database in
            try await VolumeReplacing.replace(
                volume, volumes: settings.replay, patience: settings.watching.callPatience, in: database)
        }
        switch outcome {
        case .replaced: Terminal.say("The disk that is there now is volume \(name).")
        case .same: Terminal.say("The disk that is there is volume \(name) already. Nothing was changed.")
        case .unknown:
            Terminal.complain("The settings have no volume \(name).")
            throw ExitCode.failure
        case .noDisk(let reason):
            Terminal.complain(
                "No disk can become volume \(name): \(reason). Mount it, and make it one with `takeup volume init`.")
            throw ExitCode.failure
        }
    }
}
