import Ledger
import Media
import Planning
import Support
import Testing
import Vocabulary

@testable import Muxer

/// Masks as they are recorded, from row to result.
@Suite struct MaskTests {
    private static let seconds = 6

    /// A pair whose sound was masked, and a worker that blanks.
    private func pair(
        _ fixture: MuxFixture, data: [ExternalDatum] = [], properties: String? = nil, delay: Duration = .zero,
        screenStarts: Bool = true
    ) async throws -> MuxPair {
        var sound = try fixture.speech(seconds: Self.seconds)
        sound.properties = properties
        var screen = try fixture.screen(seconds: Self.seconds)
        screen.delay = delay
        let made = try await fixture.pair(sound: sound, screens: [screen])
        var recording = made.recording
        recording.externalData = Set(data)
        let screens = made.screens.map { half in
            var media = half.media
            if !screenStarts { media?.start = nil }
            return MuxPair.Half(replica: half.replica, media: media, root: half.root, role: half.role)
        }
        return MuxPair(
            job: made.job, recording: recording, sound: made.sound, screens: screens, reference: made.reference)
    }

    private func make(_ pair: MuxPair, _ fixture: MuxFixture, blanks: Bool = true) async throws -> MuxWork.Made {
        var work = fixture.work
        if blanks { work.blanking = Blanking(keys: ["mask"]) }
        let directory = try PrivateDirectory(below: FilePath(fixture.root), name: "1-\(pair.job.id.rawValue)")
        let made = try await work.make(pair, in: directory.path)
        // It goes with its directory.
        try ChildProcess.run(["/bin/cp", made.path.displayText, fixture.root + "/result.mp4"])
        return made
    }

    /// The brightest point of the picture at a time.
    private func peak(_ fixture: MuxFixture, at time: String) throws -> Int {
        let list = fixture.root + "/peak"
        try ChildProcess.run([
            "/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-ss", time, "-i", fixture.root + "/result.mp4", "-map",
            "0:v:0", "-frames:v", "1", "-vf",
            "signalstats,metadata=mode=print:key=lavfi.signalstats.YMAX:file=\(list)", "-f", "null", "-",
        ])
        let text = String(decoding: try readSample(list), as: UTF8.self)
        // More pictures than the one that is asked for may pass the filter.
        let first = text.split(separator: "\n").first { $0.hasPrefix("lavfi.signalstats.YMAX=") }
        return try #require(first?.split(separator: "=").last.flatMap { Int($0) })
    }

    enum Place: CaseIterable, Sendable { case data, milliseconds, properties }

    @Test(arguments: Place.allCases)
    func `what was masked is blanked, wherever it is recorded`(place: Place) async throws {
        let fixture = try await MuxFixture()
        // The sound began 1 ms after 2026-11-20 12:00:00.
        let pair: MuxPair
        switch place {
        case .data:
            let mask = ExternalDatum(key: "mask", value: "2026-11-20 12:00:02.001/2026-11-20 12:00:03.501")
            pair = try await self.pair(fixture, data: [mask, ExternalDatum(key: "other", value: "?")])
        case .milliseconds:
            pair = try await self.pair(fixture, data: [ExternalDatum(key: "mask", value: "2000/3500")])
        case .properties:
            pair = try await self.pair(
                fixture,
                properties: #"{"masks": [{"startTime": "2026-11-20T12:00:02.001", "stopTime": 3500, "by": "agent"}]}"#)
        }
        let made = try await make(pair, fixture)
        #expect(made.result.picture == .encode(.masked))
        #expect(try peak(fixture, at: "1.9") > 60)
        for time in ["2.0", "2.5", "3.4", "3.48"] { #expect(try peak(fixture, at: time) <= 20, "\(time)") }
        #expect(try peak(fixture, at: "3.7") > 60)
    }

    @Test func `a mask that was not ended hides the rest`() async throws {
        let fixture = try await MuxFixture()
        let pair = try await self.pair(fixture, data: [ExternalDatum(key: "mask", value: "4000/")])
        _ = try await make(pair, fixture)
        #expect(try peak(fixture, at: "3.8") > 60)
        for time in ["4.0", "5.0", "5.9"] { #expect(try peak(fixture, at: time) <= 20, "\(time)") }
    }

    @Test func `without the setting, and without a mask, screens are copied`() async throws {
        let fixture = try await MuxFixture()
        let masked = try await self.pair(fixture, data: [ExternalDatum(key: "mask", value: "2000/3500")])
        #expect(try await make(masked, fixture, blanks: false).result.picture == .copy)
        let other = try await MuxFixture()
        let plain = try await self.pair(other, properties: #"{"masks": [], "codec": "mp3"}"#)
        #expect(try await make(plain, other).result.picture == .copy)
    }

    static let unreadable: [(data: String?, properties: String?, words: String)] = [
        ("yesterday", nil, "masked time in the external data cannot be read"),
        ("2000", nil, "masked time in the external data cannot be read"),
        ("3500/2000", nil, "ends before it begins"),
        ("2026-11-20 13:00:02/2026-11-20 13:00:03", nil, "does not lie within the sound"),
        ("2026-11-20T12:00:02Z/2026-11-20T12:00:03Z", nil, "cannot be placed"),
        (nil, #"{"masks": [{"at": 5}]}"#, "masked time in the properties of the sound cannot be read"),
        (
            nil, #"{"masks": [{"start": 5, "end": "soon"}]}"#,
            "masked time in the properties of the sound cannot be read"
        ),
        (nil, #"{"masks": "yes"}"#, "masked time in the properties of the sound cannot be read"),
    ]

    @Test(arguments: unreadable.indices)
    func `a mask that cannot be read or placed makes no result`(index: Int) async throws {
        let (data, properties, words) = Self.unreadable[index]
        let fixture = try await MuxFixture()
        let pair = try await self.pair(
            fixture, data: data.map { [ExternalDatum(key: "mask", value: $0)] } ?? [], properties: properties)
        let failure = await #expect(throws: MuxFailure.self) { try await make(pair, fixture) }
        #expect(failure?.what.contains(words) == true, "\(String(describing: failure))")
        #expect(failure?.isTransient == false)
    }

    @Test func `a screen that began nobody knows when is not shown where the sound was masked`() async throws {
        let fixture = try await MuxFixture()
        let pair = try await self.pair(
            fixture, data: [ExternalDatum(key: "mask", value: "2000/3500")], screenStarts: false)
        let failure = await #expect(throws: MuxFailure.self) { try await make(pair, fixture) }
        #expect(failure?.what.contains("does not say when it began") == true, "\(String(describing: failure))")
    }
}
