internal import ArgumentParser
internal import Glibc
internal import Support

struct Delay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "From complete at the recorder to committed on the replay, and what that costs.",
        discussion: """
            A recorder on the local file system whose database has the notification trigger, and two agents. Measured \
            alone, with a mux worker beside them, idle, and beside a shell script that watches, copies and checks \
            digests, without any database.
            """)

    @OptionGroup var output: OutputOption
    @Option(help: "Recordings that begin, each second.")
    var rate = 20.0
    @Option(help: "How long the recorder records, in seconds.")
    var seconds = 60.0
    @Option(help: "How long idle agents are looked at, in seconds; 0 leaves it out.")
    var idle = 60.0
    @Flag(help: "Leave out the run with a mux worker.")
    var withoutMux = false
    @Flag(help: "Leave out the peer.")
    var withoutPeer = false
    @Flag(help: "Print the statements of the replay's database, by their share of its time.")
    var statements = false

    func run() async throws {
        let before = load()
        let plan = DelayPlan(rate: rate, seconds: seconds, idle: idle, printsStatements: statements)
        let peer = withoutPeer ? nil : try await ShellPeer.measure(plan)
        var figures = try await DelayRun(plan, roles: [.calls, .screens]).figures(peer: peer)
        if !withoutMux {
            figures += try await DelayRun(plan, roles: [.calls, .screens, .mux]).figures(peer: nil)
        }
        let report = BenchReport(
            benchmark: "delay", peer: peer == nil ? nil : ShellPeer.description,
            cores: Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))), loadBefore: before, loadAfter: load(), figures: figures)
        print(report.table)
        try report.write(to: output.output)
        if !report.holds { throw ExitCode(1) }
    }
}

/// What is recorded in a run, the same in each.
struct DelayPlan: Sendable {
    var rate: Double
    var seconds: Double
    var idle: Double
    var printsStatements: Bool
    /// Sound of a telephone call of some minutes.
    static let soundBytes = 300 << 10

    /// Half with an mp4 screen, half of these with an opaque one beside it. Nothing is encrypted: such media have no
    /// end that can be seen, like the opaque screens.
    var options: RecorderModelPlan.Options {
        var options = RecorderModelPlan.Options()
        (options.count, options.rate, options.speed) = (Int(rate * seconds), rate, 8)
        (options.screens, options.encrypted) = (50, 0)
        return options
    }

    /// Lets the recorder of `site` record, and gives what it made.
    func record(_ site: ScratchSite, hasLongSounds: Bool) async throws -> [RecorderModelTruth] {
        let samples = try RecorderModelMedia.shared()
        let model = try await RecorderModel(
            options: options, database: site.source, layout: site.recorder.layout,
            media: hasLongSounds ? samples.withSounds(ofAtLeast: DelayPlan.soundBytes) : samples)
        var truths: [RecorderModelTruth] = []
        try await model.run { truths.append($0) }
        return truths
    }
}
