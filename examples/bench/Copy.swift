internal import ArgumentParser
internal import Glibc
internal import Support

struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copies that are verified and durable, beside programs that copy.",
        discussion: """
            Parts: small (10,000 files of 200 KiB), mixed (400 of 480 KiB and 100 of 8 MiB), large (5 of 200 MiB), agent \
            (the small ones with their rows, until the last commit). Those that are compared take turns; figures are \
            medians. Each ends with a sync of the target's file system.
            """)

    enum Part: String, CaseIterable, Sendable { case small, mixed, large, agent }

    @OptionGroup var output: OutputOption
    @Option(help: "The parts to measure, with commas between them; all where it is left out.")
    var only = ""
    @Option(help: "How often each takes its turn.")
    var rounds = 5
    @Option(help: "The share of each load that is copied, up to 1. Bars are of whole loads.")
    var share = 1.0
    @Option(help: "A directory on the file system to measure.")
    var directory = "/tmp"
    @Flag(help: "Leave out rclone, which takes most of the time.")
    var withoutRclone = false

    func run() async throws {
        let before = load()
        let plan = CopyPlan(
            rounds: max(1, rounds), share: min(max(share, 0.001), 1), directory: directory, hasRclone: !withoutRclone)
        var figures: [Figure] = []
        for part in try chosen() {
            switch part {
            case .small: figures += try await CopyRun(plan, .small).figures()
            case .mixed: figures += try await CopyRun(plan, .mixed).figures()
            case .large: figures += try await CopyRun(plan, .large).figures()
            case .agent: figures += try await CopyAgentRun(plan).figures()
            }
        }
        let report = BenchReport(
            benchmark: "copy", peer: CopyPeer.description, cores: Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))),
            loadBefore: before, loadAfter: load(), figures: figures)
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

struct CopyPlan: Sendable {
    var rounds: Int
    var share: Double
    var directory: String
    var hasRclone: Bool
    /// Bars are of whole loads and of medians.
    var isWhole: Bool { share == 1 && rounds >= 3 }
}
