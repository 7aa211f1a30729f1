internal import ArgumentParser
internal import Glibc
internal import Support

struct GIR: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gir",
        abstract: "A batch at a GIR site by workers that are killed: results, doubles, orphans, questions and CPU.",
        discussion: """
            The site of examples/gir, with RWS, RCS, Apache's WebDAV, and media of which half are encrypted; its own PostgreSQL \
            is the ledger. All workers but the first are killed with SIGKILL when chance says so, and started again; leases of \
            the dead run out by themselves. In the end the site compares what it has with the truth, and every result is \
            opened by openssl, measured by ffprobe and decoded by ffmpeg.
            """)

    @OptionGroup var output: OutputOption
    @Option(help: "Results that are due.")
    var results = 400
    @Option(help: "Workers, with a thread each.")
    var workers = 4
    @Option(help: "How often a worker is killed; without, once for fifty results.")
    var kills: Int?
    @Option(help: "What chance begins with.")
    var seed: UInt64 = 1

    func validate() throws {
        guard results > 0, workers > 1, kills ?? 0 >= 0 else {
            throw ValidationError("there is at least one result, and two workers")
        }
    }

    func run() async throws {
        let before = load()
        let figures = try await GIRRun(results: results, workers: workers, kills: kills ?? results / 50, seed: seed)
            .figures()
        let report = BenchReport(
            benchmark: "gir", cores: Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))), loadBefore: before, loadAfter: load(),
            figures: figures)
        print(report.table)
        try report.write(to: output.output)
        if !report.holds { throw ExitCode(1) }
    }
}
