internal import ArgumentParser
internal import Delivery
internal import Reporting
internal import Settings
internal import Vocabulary

struct PlaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "place",
        abstract: "Shows which volume a file would go to now, and why not to the others.",
        discussion: """
            Looks at the volumes and asks the ledger. Nothing is promised and no credit changes, so two calls give the same \
            answer. Run it as the user of the service, on the host whose agents you mean: a volume may be mounted \
            here and not there.

            FREE is what the file system has for us, PROMISED what copies under way will still take of it. A volume is \
            chosen while FREE without PROMISED stays above TRIGGER, its watermark; in overflow, when all are past that, \
            down to FLOOR. CREDIT is what it is owed of its BALANCE.

            Exit code: 75 where the file would wait, 1 where the ledger can't be asked, 78 where the settings can't be \
            used.
            """)

    @OptionGroup var config: ConfigOption

    @Option(help: "The size of the file: 8MiB, 1500MB, or a number of bytes.")
    var size: String

    @Option(help: ArgumentHelp("What kind of media it is.", valueName: "audio|video"))
    var kind = Kind.audio

    @Flag(help: "Shows every volume with its levels, and what stands against it.")
    var explain = false

    @Flag(help: "Prints JSON for programs. Keys stay the same as long as `version` does.")
    var json = false

    enum Kind: String, ExpressibleByArgument {
        case audio, video
        var media: MediaKind { self == .audio ? .audio : .video }
    }

    func validate() throws {
        guard byteCount(of: size) != nil else {
            throw ValidationError(
                "--size takes a number with a unit (KiB, MiB, GiB, kB, MB, GB), such as 8MiB, or a number of bytes.")
        }
    }

    func run() async throws {
        let settings = try config.load()
        let bytes = byteCount(of: size) ?? 0
        let preview = try await ReplayConnection.use(settings, as: "place") { database in
            try await PlacementPreview.take(
                settings, size: bytes, kind: kind.media, patience: .seconds(3), from: database)
        }
        if json {
            Terminal.put(PlaceDocument(preview).text)
        } else {
            Terminal.show(PlacePage(preview, explains: explain).lines(columns: Terminal.size?.columns ?? 100))
        }
        if preview.chosen == nil { throw ExitCode(75) }  // EX_TEMPFAIL of sysexits(3)
    }
}
