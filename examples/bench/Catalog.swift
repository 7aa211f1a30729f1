internal import ArgumentParser
internal import Glibc
internal import Support

struct Catalog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A large source whose files are not copied: rows reconciled, committed and marked.",
        discussion: """
            A source with millions of recordings, all marked but a backlog, and an agent with `copy_files = false`. \
            Every recording of the backlog has two media and five external data. The limit is psql that inserts the \
            same rows at the replay, 1,000 recordings in a statement, and does nothing else; the peer is psql that \
            inserts them row by row with a commit for each recording.
            """)

    @OptionGroup var output: OutputOption
    @Option(help: "Recordings at the source.")
    var recordings = 5_000_000
    @Option(help: "Recordings without a mark, the newest but for every fifth.")
    var backlog = 200_000
    @Option(help: "Recordings in one batch (calls_per_period).")
    var batch = 1000
    @Option(help: "Recordings that psql inserts by 1,000; a tenth of them row by row. 0 leaves both out.")
    var peer = 50_000
    @Flag(help: "Print the statements of both databases, by their share of the time.")
    var statements = false

    func run() async throws {
        let before = load()
        let plan = CatalogPlan(
            recordings: recordings, backlog: min(backlog, recordings / 2), batch: batch, printsStatements: statements)
        let cluster = try ScratchCluster(
            isDurable: true,
            settings: [
                "shared_preload_libraries=pg_stat_statements",
                "shared_buffers=512MB", "max_wal_size=4GB", "autovacuum=on", "autovacuum_naptime=10s",

            ])
        let peers = peer > 0 ? try await CatalogPeers.measure(peer, in: cluster) : nil
        let figures = try await CatalogRun(plan, cluster).figures(peers)
        let report = BenchReport(
            benchmark: "catalog", peer: peers == nil ? nil : CatalogPeers.description,
            cores: Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))), loadBefore: before, loadAfter: load(), figures: figures)
        print(report.table)
        try report.write(to: output.output)
        if !report.holds { throw ExitCode(1) }
    }
}

/// What the source holds.
struct CatalogPlan: Sendable {
    var recordings: Int
    var backlog: Int
    var batch: Int
    var printsStatements: Bool
}
