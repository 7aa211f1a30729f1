internal import ArgumentParser
internal import Reporting
internal import Settings
internal import Vocabulary

struct FilesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "files",
        abstract: "Lists single files: missing ones, or those that no row names.",
        discussion: """
            What a problem tells of together. Paths are those below the mount, whole, and shown to whoever asks: names \
            of recorders' files can hold telephone numbers. The newest stand first.

            Asks the ledger alone. MISSING is since when the file's absence is known, KNOWN since when a file was seen \
            without a row, CHANGED what the file's own server says. Of a mount without an agent it is what the last one \
            left.

            Exit code: 1 where the replay's database can't be asked, 64 where the settings have no such mount, 78 where \
            the settings can't be used.
            """)

    @OptionGroup var config: ConfigOption

    @Flag(help: "Files that rows name and that are not on the mount.")
    var missing = false

    @Flag(help: "Files on the mount that no row names, for longer than `watching.grace_orphan`.")
    var orphans = false

    @Option(help: ArgumentHelp("One mount, as the settings name it; without, all of them.", valueName: "path"))
    var mount: String?

    @Option(help: ArgumentHelp("Files of each mount.", valueName: "number"))
    var limit = 50

    @Flag(help: "Prints JSON for programs. Keys stay the same as long as `version` does.")
    var json = false

    func validate() throws {
        guard missing != orphans else { throw ValidationError("Say which: --missing or --orphans.") }
        guard (1...100_000).contains(limit) else {
            throw ValidationError("--limit takes between 1 and 100000 files.")
        }
    }

    func run() async throws {
        let settings = try config.load()
        let path = mount.map { MountPath($0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0) }
        if let path, settings.mount(at: path) == nil {
            let known = settings.sources.flatMap { $0.mounts.map(\.path.rawValue) }
            Terminal.complain("No source has a mount \(path). The settings have: \(known.joined(separator: ", ")).")
            throw ExitCode.validationFailure
        }
        let look = try await ReplayConnection.use(settings, as: "files") { database in
            try await FilesLook.take(
                missing ? .missing : .orphans, mount: path, limit: limit, settings: settings, from: database)
        }
        if json {
            Terminal.put(FilesDocument(look).text)
        } else {
            Terminal.show(FilesPage(look).lines(columns: Terminal.size?.columns))
        }
    }
}
