internal import ArgumentParser
internal import Settings

struct SettingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "Prints what can be set: as a reference page, or as a file to begin with.")

    enum Page: EnumerableFlag {
        case reference, example

        static func help(for page: Page) -> ArgumentHelp? {
            switch page {
            case .reference: "Every setting with its default and meaning, in Markdown."
            case .example: "A settings file with every setting in it, in TOML."
            }
        }
    }

    @Flag(help: "What to print.")
    var page: Page?

    func validate() throws {
        if page == nil { throw ValidationError("Say what to print: --reference or --example.") }
    }

    func run() async throws {
        switch page {
        case .reference: Terminal.put(SettingsReference.markdown())
        case .example: Terminal.put(SettingsReference.exampleFile())
        case nil: return
        }
    }
}
