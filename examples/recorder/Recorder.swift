internal import ArgumentParser
internal import Support

/// A recorder to play with: it behaves like a real one, on tables and directories that it is given.
@main
struct Recorder: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A recorder to play with: calls as growing files and rows, like a real one's.",
        discussion: """
            First `prepare` makes the tables in an empty database, then `run` records. What really lies at the \
            recorder is written to a truth file, one JSON object a line, so that every copy can be checked on its own.
            """,
        subcommands: [Prepare.self, Samples.self, Run.self])
}

/// Words that several subcommands share.
struct DatabaseOption: ParsableArguments {
    @Option(help: "libpq connection string, such as \"host=/run/postgresql dbname=recorder\".")
    var database: String
    @Option(help: "SQL_ASCII sends the bytes of names as they are, for databases of that encoding.")
    var clientEncoding = "UTF8"
}

struct MediaOption: ParsableArguments {
    @Option(help: "Where samples are kept; made there once.")
    var media = RecorderModelMedia.usualDirectory
}
