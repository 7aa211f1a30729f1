internal import ArgumentParser
internal import Glibc
internal import Support

struct Mux: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pairs of five minutes through a whole worker, beside ffmpeg alone; decryption beside openssl.",
        discussion: """
            Pairs of 300 s (mp3 of 16 kHz, H.264 of 1280x1024 at 5 pictures a second), both halves encrypted, are copied by \
            agents first. Then one worker with one job at a time muxes them, and what a job takes is the time from one \
            commit to the next: claim, digest, decryption, probes, mux, verification, copy and commit. ffmpeg alone does \
            the same mux of the clear files.
            """)

    @OptionGroup var output: OutputOption
    @Option(help: "Pairs of each kind.")
    var pairs = 12
    @Option(help: "Runs of each peer.")
    var rounds = 9
    @Option(help: "Hours that the long pair lasts; 0 leaves it out.")
    var hours = 4
    @Flag(help: "Leave out the muxing.")
    var onlyDecryption = false

    func run() async throws {
        let before = load()
        let samples = try MuxSamples(pairs: pairs, rounds: rounds)
        var figures: [Figure] = []
        if !onlyDecryption {
            for kind in MuxSamples.Kind.allCases { figures += try await MuxRun(samples, kind).figures() }
            if hours > 0 { figures += try await MuxRun.longFigures(samples, hours: hours) }
        }
        figures += try DecryptRun(samples).figures()
        let report = BenchReport(
            benchmark: "mux", peer: "bare ffmpeg on the clear files; openssl cms -decrypt",
            cores: Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))), loadBefore: before, loadAfter: load(), figures: figures)
        print(report.table)
        try report.write(to: output.output)
        if !report.holds { throw ExitCode(1) }
    }
}
