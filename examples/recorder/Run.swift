internal import ArgumentParser
internal import Glibc
internal import Postgres
internal import Support
internal import Synchronization

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record calls by a plan, and say at the end how many.",
        discussion: """
            The recorder's own paths begin with /opt/callrec/data; the mount prefix is put before them. An interrupt \
            ends the calls that are on and begins no more.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var media: MediaOption
    @Option(help: "What is put before the recorder's own paths to reach them here.")
    var mountPrefix: String
    @Option(help: "The truth file; lines are appended.")
    var truth: String?
    @Option(help: "Healthy recordings.")
    var count = 60
    @Option(help: "Recordings that begin, each second.")
    var rate = 5.0
    @Option(help: "How many times faster than speech a call passes.")
    var speed = 4.0
    @Option(help: "Percent with an mp4 screen.")
    var screens = 50
    @Option(help: "Percent whose sound and mp4 are encrypted, attached and detached by turns.")
    var encrypted = 20
    @Option(help: "Percent of those without mp4 that have an opaque screen (RECD) alone.")
    var recdAlone = 0
    @Option(help: "Percent whose rows claim no size.")
    var unsized = 0
    @Option(help: "Percent whose row is FINISHED a hair before the last byte is written.")
    var early = 0
    @Option(help: "The same seed gives the same recordings.")
    var seed: UInt64 = 1
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Faulted recordings on top, as name or name=count.",
            discussion: "Names: \(RecorderModelFault.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "fault"))
    var faults: [String] = []

    func run() async throws {
        let samples = try RecorderModelMedia(directory: media.media)
        let connection = ConnectionSettings(
            connectionString: database.database, applicationName: "recorder", label: "recorder",
            clientEncoding: database.clientEncoding)
        let model = try await RecorderModel(
            options: options(), database: Database(connection, connections: 1),
            layout: RecorderModelLayout(mountPrefix: mountPrefix), media: samples)
        let file = try truth.map(TruthFile.init)
        StopRequest.listen()
        var done = 0
        try await model.run(shouldStop: { StopRequest.isMade }) { truth in
            try file?.append(truth.line())
            done += 1
        }
        print("\(done) of \(model.plannedCount) recordings")
    }

    private func options() throws -> RecorderModelPlan.Options {
        var options = RecorderModelPlan.Options()
        (options.count, options.rate, options.speed, options.seed) = (count, rate, speed, seed)
        (options.screens, options.encrypted, options.recdAlone) = (screens, encrypted, recdAlone)
        (options.unsized, options.early) = (unsized, early)
        for text in faults {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard let fault = RecorderModelFault(rawValue: parts[0]), let count = Int(parts.count > 1 ? parts[1] : "1")
            else { throw ValidationError("\(text) is no fault; name one of those that --help lists") }
            options.faults[fault, default: 0] += count
        }
        return options
    }
}

/// What SIGINT and SIGTERM ask for.
enum StopRequest {
    private static let made = Atomic<Bool>(false)
    static var isMade: Bool { made.load(ordering: .relaxed) }

    static func listen() {
        // The flag is made before a handler can need it.
        precondition(!isMade, "nobody can have asked yet")
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in StopRequest.made.store(true, ordering: .relaxed) }
        }
    }
}

/// A file that lines are appended to, each at once.
final class TruthFile {
    private let descriptor: CInt
    init(_ path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ValidationError("\(path) cannot be written") }
    }
    deinit { close(descriptor) }

    func append(_ line: [UInt8]) throws {
        guard write(descriptor, line, line.count) == line.count else {
            throw ValidationError("the truth file could not be written")
        }
    }
}
