internal import ArgumentParser

/// Measures what Takeup promises, on real parts, beside peers in the same run.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the built program: figures, peers, bars, and whether they hold.",
        discussion: """
            The program beside this one is measured, with its own PostgreSQL and scratch directories below /tmp. Ends \
            with 1 where a bar does not hold. docs/performance.md says what the figures mean.
            """,
        subcommands: [
            Delay.self, Catalog.self, Watch.self, Copy.self, CopyEngine.self, Mux.self, DecryptEngine.self,
            GIR.self,
        ], defaultSubcommand: Delay.self)
}

/// Words that every benchmark shares.
struct OutputOption: ParsableArguments {
    @Option(help: "Where NAME.json is written.")
    var output = ".build/bench"
}
