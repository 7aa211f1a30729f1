internal import ArgumentParser
internal import Glibc
internal import Support

struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "From a closed file to its committed replica, bursts, large trees, and what watching them costs.",
        discussion: """
            Parts, in this order: writer (files that are closed one after the other, beside lsyncd and a shell script), \
            burst (tiny files as fast as they can be written), tree (an agent on 200,000 files that does nothing), \
            million (the same on a million files, with a backlog, and in system calls).
            """)

    enum Part: String, CaseIterable, Sendable { case writer, burst, tree, million }

    @OptionGroup var output: OutputOption
    @Option(help: "The parts to measure, with commas between them; all where it is left out.")
    var only = ""
    @Option(help: "writer: how long files are written for each of those that are compared, in seconds.")
    var seconds = 60.0
    @Option(help: "writer: how often those that are compared take turns in that time.")
    var rounds = 3
    @Option(help: "writer: files in a second.")
    var rate = 50.0
    @Option(help: "burst: how many files.")
    var files = 20_000
    @Option(help: "tree, million: how long the idle agent is looked at, in seconds.")
    var idle = 30.0
    @Option(help: "million: how many files.")
    var treeFiles = 1_000_000
    @Flag(help: "Leave out the peers.")
    var withoutPeers = false
    @Flag(help: "Print the statements of the replay's database, by their share of its time.")
    var statements = false

    func run() async throws {
        let before = load()
        try ScratchPlace.spread()
        let parts = try chosen()
        let plan = WatchPlan(
            rate: rate, seconds: seconds, rounds: max(1, rounds), files: files, idle: idle, treeFiles: treeFiles,
            hasPeers: !withoutPeers,
            printsStatements: statements)
        var figures: [Figure] = []
        for part in parts {
            switch part {
            case .writer: figures += try await WatchWriterRun(plan).figures()
            case .burst: figures += try await WatchBurstRun(plan).figures()
            case .tree: figures += try await WatchTreeRun(plan).figures()
            case .million: figures += try await WatchMillionRun(plan).figures()
            }
        }
        let report = BenchReport(
            benchmark: "watch", peer: withoutPeers ? nil : WatchPeer.description,
            cores: Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))), loadBefore: before, loadAfter: load(), figures: figures)
        print(report.table)
        try report.write(to: output.output)
        if !report.holds { throw ExitCode(1) }
    }

    private func chosen() throws -> [Part] {
        if only.isEmpty { return Part.allCases }
        let words = only.split(separator: ",").map(String.init)
        for word in words where Part(rawValue: word) == nil {
            let known = Part.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("There is no part \(word). The parts are \(known).")
        }
        return Part.allCases.filter { words.contains($0.rawValue) }
    }
}

/// What is written, the same for all that are compared.
struct WatchPlan: Sendable {
    var rate: Double
    var seconds: Double
    var rounds: Int
    var files: Int
    var idle: Double
    var treeFiles: Int
    var hasPeers: Bool
    var printsStatements: Bool
    /// Bytes of a file of the writer, and of the burst.
    static let writtenBytes = 200 << 10
    static let tinyBytes = 4 << 10
}
