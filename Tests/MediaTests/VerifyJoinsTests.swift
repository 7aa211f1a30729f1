import Planning
import Support
import Testing
import Vocabulary

@testable import Media

/// That what is shown begins when it was planned to, and that none of it is missing, is verified in what was written.
@Suite struct VerifyJoinsTests {
    private struct Made {
        let plan: MuxPlan
        let result: MuxResult
        let screens: [MuxInput]
        let files: [OpenSample]
        let expected: ExpectedPictures
    }

    /// Screens of ten pictures a second by start and length in milliseconds, on twelve seconds of sound.
    private func mux(
        _ screens: [(offset: Int, seconds: Int)], rules: ArrangeRules = ArrangeRules(), preset: String = "ultrafast",
        sizes: [String] = ["320x240"], in scratch: Scratch
    ) async throws -> Made {
        let (sound, soundFile) = try input(try scratch.samples.speech(seconds: 12), .mp3)
        var files = [soundFile]
        var inputs: [MuxInput] = []
        var tracks: [ScreenTrack] = []
        for (number, screen) in screens.enumerated() {
            let (input, file) = try input(
                try scratch.samples.screen(
                    seconds: screen.seconds, size: sizes[number % sizes.count], preset: preset), .mp4)
            files.append(file)
            inputs.append(input)
            tracks.append(try #require(input.facts.screenTrack(offset: .milliseconds(screen.offset))))
        }
        let decision = arrange(try #require(sound.facts.soundTrack()), screens: tracks, rules: rules)
        guard case .mux(let plan) = decision else { throw SampleFailure("refused: \(decision)") }
        let result = try await tools.mux(
            plan, sound: sound, screens: inputs, labels: MuxLabels(recording: "r", sources: [], madeBy: "Takeup test"),
            into: FilePath(scratch.path), name: "result.mp4")
        return Made(
            plan: plan, result: result, screens: inputs, files: files,
            expected: result.picture == .copy
                ? ExpectedPictures(copiedBy: plan, from: inputs, sliceLength: tools.sliceLength)
                : ExpectedPictures(encodedBy: plan))
    }

    private func input(_ path: String, _ format: MediaFormat) throws -> (MuxInput, OpenSample) {
        let file = try OpenSample(path)
        let quick = try #require(try QuickProbe.read(file.descriptor, format: format, role: "it"))
        return (MuxInput(descriptor: file.descriptor, format: format, facts: quick.facts, quick: quick), file)
    }

    @Test func `black and copied pictures are known packet by packet in what was joined`() async throws {
        let scratch = try Scratch()
        let made = try await mux([(offset: 2000, seconds: 6)], in: scratch)
        #expect(made.result.picture == .copy)
        let file = try OpenSample(made.result.path.displayText)
        let result = try #require(
            try QuickProbe.read(file.descriptor, format: .mp4, role: "the muxed file", isOurs: true))
        let screen = try #require(made.screens[0].quick)
        let pieces = made.plan.pieces.map { piece -> CopyOrigin.Piece in
            piece.screen == nil
                ? .black(
                    MuxCommand.sliceStarts(from: piece.start, to: piece.end, length: tools.sliceLength).count,
                    packet: nil)
                : .copied(screen, isCut: false)
        }
        #expect(pieces.count == 3)
        func isJoined(_ pieces: [CopyOrigin.Piece], isExact: Bool = false) -> Bool {
            var origin = CopyOrigin()
            origin.joined = pieces
            return origin.isJoined(of: result, isExact: isExact)
        }
        #expect(isJoined(pieces))
        // ffmpeg wrote the parameters into the first picture of each.
        #expect(!isJoined(pieces, isExact: true))
        #expect(!isJoined([]))
        #expect(!isJoined(pieces.reversed().dropLast() + [pieces[1]]))
        #expect(!isJoined(pieces.dropLast()))
        #expect(!isJoined(Array(pieces.dropFirst())))
        let (other, _) = try input(try scratch.samples.screen(seconds: 5, size: "320x240", preset: "ultrafast"), .mp4)
        #expect(!isJoined([pieces[0], .copied(try #require(other.quick), isCut: false), pieces[2]]))
    }

    private func verify(_ made: Made, _ plan: MuxPlan? = nil, _ expected: ExpectedPictures? = nil) async throws {
        let file = try OpenSample(made.result.path.displayText)
        let plan = plan ?? made.plan
        _ = try await tools.verify(
            file.descriptor, of: plan, tolerance: .milliseconds(100), pictures: expected ?? made.expected)
    }

    private func refusal(_ made: Made, _ plan: MuxPlan? = nil, _ expected: ExpectedPictures? = nil) async -> String {
        do {
            try await verify(made, plan, expected)
            return "none"
        } catch { return String(describing: error) }
    }

    @Test func `a screen that begins earlier or later than planned is found, by a picture or a part of one`()
        async throws
    {
        let scratch = try Scratch()
        let made = try await mux([(500, 4), (6123, 5)], in: scratch)
        #expect(made.result.picture == .copy)
        try await verify(made)
        let place = try #require(made.plan.pieces.lastIndex { $0.screen == 1 })
        for shift in [-1000, -100, -50, 50, 100, 1000] {
            var plan = made.plan
            plan.pieces[place - 1].duration += .milliseconds(shift)
            plan.pieces[place].start += .milliseconds(shift)
            plan.pieces[place].duration -= .milliseconds(shift)
            let expected = ExpectedPictures(copiedBy: plan, from: made.screens, sliceLength: tools.sliceLength)
            let text = await refusal(made, plan, expected)
            #expect(text.contains("shown") || text.contains("93 pictures rather"), "shifted by \(shift) ms: \(text)")
        }
    }

    @Test func `a delay that got lost is found where the first picture stands before the screen`() async throws {
        let scratch = try Scratch()
        // It lasts longer than the sound: its end tells nothing.
        for preset in ["ultrafast", "medium"] {
            let made = try await mux([(2300, 20)], rules: ArrangeRules(padding: .still), preset: preset, in: scratch)
            #expect(made.result.picture == .copy)
            try await verify(made)
            var plan = made.plan
            for place in plan.pieces.indices where !plan.pieces[place].isPadding {
                plan.pieces[place].start -= .milliseconds(650)
            }
            let expected = ExpectedPictures(copiedBy: plan, from: made.screens, sliceLength: tools.sliceLength)
            let text = await refusal(made, plan, expected)
            #expect(text.contains("is shown at 1.75 s") || text.contains("pictures rather than"), "\(text)")
            _ = try ChildProcess.run(["/bin/rm", scratch.file("result.mp4")])
        }
    }

    @Test func `one picture that is missing is found`() async throws {
        let scratch = try Scratch()
        let made = try await mux([(500, 4), (6123, 5)], in: scratch)
        // One slice of black each before, between and behind.
        #expect(made.expected.count == 93...93)
        var expected = made.expected
        expected.count = 94...94
        let text = await refusal(made, nil, expected)
        #expect(text.contains("it has 93 pictures rather than 94"), "\(text)")
    }

    @Test func `of encoded pictures there are so many a second, and one when each piece begins`() async throws {
        let scratch = try Scratch()
        let made = try await mux([(500, 4), (6123, 5)], sizes: ["320x240", "160x120"], in: scratch)
        #expect(made.result.picture == .encode(.differentPictures))
        try await verify(made)
        #expect(made.expected.count == 298...302)
        var plan = made.plan
        plan.frameRate = 24
        #expect(await refusal(made, plan, ExpectedPictures(encodedBy: plan)).contains("pictures rather than"))
    }

    @Test func `moments know the nearest picture, and how many are earlier, in any order`() {
        var times = MomentTimes([.seconds(1), .seconds(5), .milliseconds(5500)])
        for time in [5000, 0, 970, 1100, 4959, 4960, 5100] { times.take(.milliseconds(time)) }
        #expect(
            times.facts == [
                MomentFacts(nearest: .milliseconds(30), earlier: 1),
                MomentFacts(nearest: .zero, earlier: 4),
                MomentFacts(nearest: .milliseconds(400), earlier: 7),
            ])
    }
}
