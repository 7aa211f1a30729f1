internal import Glibc
internal import Postgres
internal import Support
internal import Vocabulary

/// Pairs of one kind, muxed by the built program.
struct MuxRun {
    private let samples: MuxSamples
    private let kind: MuxSamples.Kind

    init(_ samples: MuxSamples, _ kind: MuxSamples.Kind) {
        self.samples = samples
        self.kind = kind
    }

    func figures() async throws -> [Figure] {
        let sound = try samples.sound()
        let screen = try samples.screen(seconds: kind.screenSeconds)
        let before = try bare(sound, screen)
        let worker = try await MuxRun.work(
            samples, sound: sound, screen: screen, pairs: samples.pairs, delay: kind.delay,
            seconds: MuxSamples.seconds, screenSeconds: kind.screenSeconds, settings: kind.settings)
        let peer = (before + (try bare(sound, screen))) / 2
        let name = "pair of five minutes, \(kind.words)"
        return [
            Figure("\(name): from commit to commit, p50", "s", worker.spans.percentile(50), peer: peer),
            Figure("\(name): of ffmpeg's time", "ratio", worker.spans.percentile(50) / peer, bar: kind.bar),
            Figure("\(name): CPU of worker and tools", "s", worker.cpu),
            Figure("\(name): peak memory of the worker", "MiB", worker.memory, bar: 64),
        ]
    }

    /// The pair of some hours: what the worker holds of it in memory.
    static func longFigures(_ samples: MuxSamples, hours: Int) async throws -> [Figure] {
        let seconds = hours * 3600
        let sound = try samples.long(samples.sound(), seconds: seconds, format: "mp3")
        let screen = try samples.long(samples.screen(), seconds: seconds, format: "mp4")
        let worker = try await work(
            samples, sound: sound, screen: screen, pairs: 1, delay: 0, seconds: seconds, screenSeconds: seconds,
            settings: MuxSamples.Kind.copied.settings)
        return [
            Figure(
                "pair of \(hours) hours, \(worker.megabytes) MB: peak memory of the worker", "MiB", worker.memory,
                bar: 64)
        ]
    }

    private struct Worked {
        /// Seconds between two commits.
        let spans: Distribution
        /// Of the worker and all its tools, a pair.
        let cpu: Double
        let memory: Double
        let megabytes: Int
    }

    /// Seconds of ffmpeg alone.
    private func bare(_ sound: String, _ screen: String) throws -> Double {
        let output = "/tmp/takeup-bench-\(getpid()).mp4"
        defer { unlink(output) }
        let soundCodec = kind == .encoded ? ["-c:a", "aac", "-b:a", "48k"] : ["-c:a", "copy"]
        return try samples.median(
            [
                "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-i", screen, "-i", sound, "-map", "0:v:0", "-map",
                "1:a:0",
            ]
                + ["-c:v", "copy"] + soundCodec + ["-movflags", "+faststart", "-f", "mp4", output])
    }

    private static func work(
        _ samples: MuxSamples, sound: String, screen: String, pairs: Int, delay: Int, seconds: Int, screenSeconds: Int,
        settings: String
    ) async throws -> Worked {
        let site = try await ScratchSite(.new, replaySchema: .new)
        try site.rewriteSettings {
            $0.replacing("[mux]\nworkers = 2\n", with: "[mux]\nworkers = 1\n\(settings)")
        }
        let certificate = try RecorderModelMedia.shared().certificatePath
        let halves = try [sound, screen].map { try readSample(samples.encrypted($0, certificate: certificate)) }
        let agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        try await put(pairs, halves, site, delay: delay, seconds: seconds, screenSeconds: screenSeconds)
        let isCopied = try await site.wait(upTo: .seconds(600)) {
            let marked = try await site.markedCount()
            // Before an agent has made its tables there is nothing to count.
            let jobs = try? await site.count("select count(*) from takeup.mux_job where not is_recd", in: site.replay)
            return jobs == pairs && marked == pairs
        }
        for agent in agents { agent.send(SIGTERM) }
        for agent in agents { agent.wait() }
        guard isCopied else { throw BenchFailure(description: "the pairs were not copied: \(site.log(.calls))") }
        let worker = try site.start(.mux)
        defer {
            worker.send(SIGTERM)
            worker.wait()
        }
        let isDone = try await site.wait(upTo: .seconds(1800)) { try await site.muxedCount() == pairs }
        guard isDone else { throw BenchFailure(description: "the pairs were not muxed: \(site.log(.mux))") }
        let cost = ProcessCost.of(worker.id)
        let commits = try await site.replay.perform { session in
            try session.query(
                """
                select (extract(epoch from changed_at) * 1000000)::bigint as at from takeup.mux_job
                where state = 'done' order by changed_at
                """
            ).map { Double(try $0.integer("at")) / 1_000_000 }
        }
        return Worked(
            spans: Distribution(zip(commits, commits.dropFirst()).map { $1 - $0 }), cpu: cost.cpu / Double(pairs),
            memory: cost.peakMemory, megabytes: (halves[0].count + halves[1].count) / 1_000_000)
    }

    private static func put(
        _ pairs: Int, _ halves: [[UInt8]], _ site: ScratchSite, delay: Int, seconds: Int, screenSeconds: Int
    ) async throws {
        let builder = try await CatalogBuilder(site.source)
        let layout = site.recorder.layout
        for number in 0..<pairs {
            let name = "bench-\(number)"
            let now = try await site.source.perform { session in
                try session.first("select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now")?
                    .integer("now") ?? 0
            }
            let stop = WallTime(microseconds: now)
            let start = WallTime(microseconds: now - Int64(seconds) * 1_000_000)
            var media: [MediaSample] = []
            for (kind, place) in [(MediaKind.audio, 0), (.video, 1)] {
                let root = kind == .audio ? layout.callsRoot : layout.screensRoot
                let path = FilePath("\(root)/\(stop.dayFolder)/\(name).\(kind == .audio ? "mp3" : "mp4")")
                try site.recorder.put(halves[place], at: path)
                var sample = MediaSample(kind, path, size: Int64(halves[place].count), keyID: layout.keyID)
                let begin = kind == .audio ? 0 : delay
                let end = kind == .audio ? seconds : delay + screenSeconds
                sample.start = WallTime(microseconds: start.microseconds + Int64(begin) * 1_000_000)
                sample.stop = WallTime(microseconds: start.microseconds + Int64(end) * 1_000_000)
                media.append(sample)
            }
            var sample = RecordingSample(name, stop: stop, seconds: seconds)
            sample.media = media
            try await builder.add(sample)
        }
    }
}
