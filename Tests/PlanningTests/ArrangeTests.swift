import Planning
import Testing
import Vocabulary

@Suite struct ArrangeTests {
    private static let picture = PictureFormat(
        codec: "h264", pixelFormat: "yuv420p", width: 640, height: 480, frameRate: 5, parameters: "a")

    private static func screen(
        _ offset: Int64, _ duration: Int64, claimed: Int64? = nil, _ picture: PictureFormat = picture
    ) -> ScreenTrack {
        ScreenTrack(
            offset: .milliseconds(offset), duration: .milliseconds(duration),
            claimed: claimed.map { ClaimedLength(.milliseconds($0)) }, isWhole: true, picture: picture)
    }

    private static func sound(_ duration: Int64, codec: String = "mp3", rate: Int = 8000) -> SoundTrack {
        SoundTrack(duration: .milliseconds(duration), codec: codec, sampleRate: rate)
    }

    private func plan(
        _ sound: SoundTrack, _ screens: [ScreenTrack], rules: ArrangeRules = ArrangeRules()
    ) throws -> MuxPlan {
        guard case .mux(let plan) = arrange(sound, screens: screens, rules: rules) else {
            throw Refused(decision: arrange(sound, screens: screens, rules: rules))
        }
        return plan
    }

    private struct Refused: Error { let decision: ArrangeDecision }

    /// `_` for padding, the screen's number otherwise, with start and length and, where not zero, what it begins with.
    private func text(_ plan: MuxPlan) -> String {
        plan.pieces.map { piece in
            let span = "\(piece.start.wholeMilliseconds)+\(piece.duration.wholeMilliseconds)"
            switch piece.content {
            case .padding: return "_ \(span)"
            case .screen(let index, let from, _):
                return "\(index) \(span)" + (from > .zero ? " from \(from.wholeMilliseconds)" : "")
            }
        }.joined(separator: ", ")
    }

    struct Layout: Sendable, CustomTestStringConvertible {
        var screens: [ScreenTrack]
        var pieces: String
        var picture = MuxPlan.Treatment.copy
        var notShown: [MuxPlan.NotShown] = []
        var testDescription: String { pieces }
    }

    static let layouts: [Layout] = [
        Layout(screens: [screen(0, 60_000)], pieces: "0 0+60000"),
        Layout(screens: [screen(2000, 58_000)], pieces: "_ 0+2000, 0 2000+58000"),
        Layout(screens: [screen(2000, 50_000)], pieces: "_ 0+2000, 0 2000+50000, _ 52000+8000"),
        // Shorter at the end by what is tolerated: the last picture stands.
        Layout(screens: [screen(0, 59_500)], pieces: "0 0+59500"),
        Layout(screens: [screen(0, 59_499)], pieces: "0 0+59499, _ 59499+501"),
        // Longer than the sound: cut at the end, which needs no encoding.
        Layout(screens: [screen(0, 70_000)], pieces: "0 0+60000"),
        Layout(screens: [screen(5000, 70_000)], pieces: "_ 0+5000, 0 5000+55000"),
        // As good as the same moment, both ways.
        Layout(screens: [screen(-20, 60_000)], pieces: "0 0+60000"),
        Layout(screens: [screen(20, 60_000)], pieces: "0 0+60000"),
        Layout(screens: [screen(21, 60_000)], pieces: "_ 0+21, 0 21+59979"),
        // Began before the sound.
        Layout(
            screens: [screen(-3000, 60_000)], pieces: "0 0+57000 from 3000, _ 57000+3000", picture: .encode(.headCut)),
        Layout(screens: [screen(-3000, 90_000)], pieces: "0 0+60000 from 3000", picture: .encode(.headCut)),
        // Several, in any order.
        Layout(
            screens: [screen(30_000, 30_000), screen(1000, 20_000)],
            pieces: "_ 0+1000, 1 1000+20000, _ 21000+9000, 0 30000+30000"),
        // An overlap is cut from the earlier.
        Layout(screens: [screen(0, 31_000), screen(30_000, 30_000)], pieces: "0 0+30000, 1 30000+30000"),
        Layout(
            screens: [screen(0, 800), screen(0, 60_000)], pieces: "1 0+60000", picture: .copy,
            notShown: [.init(screen: 0, reason: .covered)]),
        // Outside the sound.
        Layout(
            screens: [screen(-9000, 8000), screen(0, 60_000), screen(60_000, 10)], pieces: "1 0+60000",
            notShown: [.init(screen: 0, reason: .beforeSound), .init(screen: 2, reason: .afterSound)]),
    ]

    @Test(arguments: layouts)
    func `screens are laid on the sound's timeline without gap or overlap`(_ layout: Layout) throws {
        let plan = try plan(Self.sound(60_000), layout.screens)
        #expect(text(plan) == layout.pieces)
        #expect(plan.picture == layout.picture)
        #expect(plan.notShown == layout.notShown)
        #expect(plan.duration == .seconds(60))
        var cursor = Duration.zero
        for piece in plan.pieces {
            #expect(piece.start == cursor)
            #expect(piece.duration > .zero)
            cursor = piece.end
        }
        #expect(cursor <= plan.duration && plan.duration - cursor <= ArrangeRules().endTolerance)
    }

    @Test func `what is not shown, and what is cut, is told by name`() throws {
        let plan = try plan(
            Self.sound(60_000),
            [Self.screen(-9000, 8000), Self.screen(0, 31_000), Self.screen(30_000, 30_000), Self.screen(60_000, 10)])
        #expect(
            plan.notes(screens: ["A", "B", "C", "D"]) == [
                "A is not shown: it ended before the sound began", "D is not shown: it began after the sound ended",
                "B is cut by 1.0 s, where C begins",
            ])
        #expect(try self.plan(Self.sound(60_000), [Self.screen(0, 60_000)]).notes() == [])
    }

    @Test func `what cannot be arranged is refused with its reason`() {
        let whole = Self.screen(0, 60_000)
        #expect(arrange(Self.sound(0), screens: [whole]) == .refuse(.noSound))
        #expect(arrange(Self.sound(60_000), screens: []) == .refuse(.noScreen))
        #expect(
            arrange(Self.sound(60_000), screens: [Self.screen(70_000, 5000)])
                == .refuse(.nothingToShow([.init(screen: 0, reason: .afterSound)])))
        #expect(
            arrange(Self.sound(60_000), screens: [Self.screen(0, 31_001), Self.screen(30_000, 30_000)])
                == .refuse(.overlap(earlier: 0, later: 1, by: .milliseconds(1001))))
        #expect(arrange(Self.sound(60_000), screens: [whole, Self.screen(70_000, 0)]) == .refuse(.empty(1)))
        #expect(
            ArrangeRefusal.empty(1).text(screens: ["one", "screen 2 (media 7)"]).hasPrefix(
                "screen 2 (media 7) is damaged"))
        let wide = ArrangeRules(mostOverlap: .milliseconds(1001))
        #expect(
            (try? plan(Self.sound(60_000), [Self.screen(0, 31_001), Self.screen(30_000, 30_000)], rules: wide).cuts)
                == [MuxPlan.Cut(earlier: 0, later: 1, overlap: .milliseconds(1001))])
        #expect(
            ArrangeRefusal.overlap(earlier: 0, later: 1, by: .seconds(2)).description.contains("max_overlap_allowed"))
    }

    @Test(
        arguments: [
            ("aac", 8000, false, MuxPlan.Treatment.copy), ("mp3", 16_000, false, .encode(.soundNotPortable)),
            ("mp3", 16_000, true, .copy), ("mp3", 44_100, true, .copy), ("mp3", 8000, true, .encode(.soundNotLegal)),
            ("mp3", 12_000, true, .encode(.soundNotLegal)), ("pcm_mulaw", 8000, true, .encode(.soundNotPortable)),
        ])
    func `sound is copied where it plays, and kept where asked for and legal`(
        _ codec: String, _ rate: Int, _ keepsMP3: Bool, _ treatment: MuxPlan.Treatment
    ) throws {
        let plan = try plan(
            Self.sound(60_000, codec: codec, rate: rate), [Self.screen(0, 60_000)],
            rules: ArrangeRules(keepsMP3: keepsMP3))
        #expect(plan.sound == treatment)
    }

    private static func like(_ change: (inout PictureFormat) -> Void) -> PictureFormat {
        var other = picture
        change(&other)
        return other
    }

    @Test func `pictures are encoded where they differ or do not play everywhere`() throws {
        func treatment(_ pictures: [PictureFormat]) throws -> MuxPlan.Treatment {
            let screens = pictures.enumerated().map { Self.screen(Int64($0) * 30_000, 30_000, $1) }
            return try plan(Self.sound(60_000), screens).picture
        }
        #expect(try treatment([Self.picture, Self.picture]) == .copy)
        #expect(try treatment([Self.picture, Self.like { $0.width = 800 }]) == .encode(.differentPictures))
        #expect(try treatment([Self.picture, Self.like { $0.parameters = "b" }]) == .encode(.differentPictures))
        #expect(
            try treatment([Self.like { $0.parameters = nil }, Self.like { $0.parameters = nil }])
                == .encode(.differentPictures))
        #expect(try treatment([Self.like { $0.codec = "hevc" }]) == .encode(.pictureNotPortable))
        #expect(try treatment([Self.like { $0.pixelFormat = "yuv444p" }]) == .encode(.pictureNotPortable))
        #expect(try treatment([Self.like { $0.profile = "High 10" }]) == .encode(.pictureNotPortable))
        #expect(try treatment([Self.like { $0.isInterlaced = true }]) == .encode(.pictureNotPortable))
        #expect(try treatment([Self.like { $0.isReordered = true }, Self.like { $0.isReordered = true }]) == .copy)
    }

    @Test func `an overlap is not cut between pictures that need each other`() throws {
        let reordered = Self.like { $0.isReordered = true }
        let screens = [Self.screen(0, 31_000, reordered), Self.screen(30_000, 30_000, reordered)]
        #expect(try plan(Self.sound(60_000), screens).picture == .encode(.tailCut))
        #expect(
            try plan(Self.sound(60_000), [Self.screen(0, 31_000), Self.screen(30_000, 30_000)]).picture == .copy)
    }

    @Test func `a start that is uncertain cuts nothing off that may be right`() throws {
        func first(_ offset: Int64, uncertainty: Int64) throws -> String {
            var screen = Self.screen(offset, 70_000)
            screen.uncertainty = .milliseconds(uncertainty)
            return text(try plan(Self.sound(60_000), [screen]))
        }
        #expect(try first(-400, uncertainty: 450) == "0 0+60000")
        #expect(try first(-400, uncertainty: 300) == "0 0+60000 from 400")
        #expect(try first(-600, uncertainty: 1000) == "0 0+60000 from 600")
        #expect(try first(400, uncertainty: 450) == "_ 0+400, 0 400+59600")
    }

    @Test func `a gap that nobody sees is not padded`() throws {
        let near = try plan(Self.sound(60_000), [Self.screen(0, 30_000), Self.screen(30_100, 30_000)])
        #expect(text(near) == "0 0+30100, 1 30100+29900")
        let far = try plan(Self.sound(60_000), [Self.screen(0, 30_000), Self.screen(30_101, 30_000)])
        #expect(text(far) == "0 0+30000, _ 30000+101, 1 30101+29899")
    }

    @Test func `the encoded picture holds every screen and is even`() throws {
        let screens = [
            Self.screen(0, 30_000, Self.like { $0.width = 801 }),
            Self.screen(30_000, 30_000, Self.like { $0.height = 599 }),
        ]
        let plan = try plan(Self.sound(60_000), screens)
        #expect((plan.width, plan.height) == (802, 600))
    }

    @Test(arguments: [(5.0, 25), (0, 25), (.nan, 25), (29.97, 30), (50, 50), (1000, 60), (.infinity, 25)])
    func `the encoded rate is fine enough to start on time, and bounded`(_ rate: Double, _ expected: Int) throws {
        let plan = try plan(Self.sound(60_000), [Self.screen(0, 60_000, Self.like { $0.frameRate = rate })])
        #expect(plan.frameRate == expected)
    }

    /// Lengths in seconds, measured and claimed, of sound and screen.
    @Test(
        arguments: [
            // Claims of whole seconds are off by two, and nothing drifts.
            (600.0, 601.0, 600.0, 602.0, 1.0),
            // The screen counted 606 seconds in what its file calls 600.
            (600, 600, 600, 606, 1.01),
            // Both the same: they run together.
            (600, 606, 600, 606, 1),
            // The sound's clock is the one that is off: screens follow it.
            (606, 600, 600, 600, 1.01),
            // Longer than any clock explains: the claim is wrong.
            (600, 600, 600, 500, 1), (600, 600, 600, 0, 1),
        ])
    func `drift between the clocks is corrected where it is credible`(
        _ sound: Double, _ soundClaim: Double, _ screen: Double, _ screenClaim: Double, _ stretch: Double
    ) throws {
        let plan = try plan(
            SoundTrack(
                duration: .seconds(sound), claimed: ClaimedLength(.seconds(soundClaim)), isWhole: true, codec: "aac",
                sampleRate: 8000),
            [
                ScreenTrack(
                    offset: .zero, duration: .seconds(screen), claimed: ClaimedLength(.seconds(screenClaim)),
                    isWhole: true, picture: Self.picture)
            ])
        guard case .screen(_, _, let found) = plan.pieces[0].content else { throw Refused(decision: .mux(plan)) }
        #expect(abs(found - stretch) < 1e-9)
        #expect(plan.picture == .copy)
    }

    @Test func `a half that is short of its row by more than a clock explains is refused by name, with both lengths`() {
        let sound = SoundTrack(
            duration: .seconds(300), claimed: ClaimedLength(.seconds(600)), isWhole: true, codec: "mp3",
            sampleRate: 8000)
        #expect(
            arrange(sound, screens: [Self.screen(0, 300_000)])
                == .refuse(.short(screen: nil, measured: .seconds(300), claimed: .seconds(600))))
        let refusal = ArrangeRefusal.short(screen: 1, measured: .seconds(580), claimed: .seconds(600))
        #expect(
            arrange(
                Self.sound(600_000), screens: [Self.screen(0, 10_000), Self.screen(20_000, 580_000, claimed: 600_000)])
                == .refuse(refusal))
        let text = refusal.text(screens: ["screen 1 (media 5)", "screen 2 (media 6)"])
        #expect(text.hasPrefix("screen 2 (media 6) lasts 580.0 s, and its row says 600.0 s"), "\(text)")
    }

    @Test func `what may have lost its end is not stretched, and the plan says so`() throws {
        var sound = Self.sound(590_000)
        sound.claimed = ClaimedLength(.seconds(600))
        let screen = Self.screen(0, 600_000, claimed: 600_000)
        let plan = try plan(sound, [screen])
        #expect(text(plan) == "0 0+590000")
        #expect(plan.pieces[0].content == .screen(0, from: .zero, stretch: 1))
        #expect(plan.notes() == ["the sound lasts 590.0 s, and its row says 600.0 s"])
        sound.isWhole = true
        let stretched = try self.plan(sound, [screen])
        #expect(stretched.pieces[0].content == .screen(0, from: .zero, stretch: 1 / (600.0 / 590)))
        #expect(
            stretched.notes()
                == ["the sound lasts 590.0 s, and its row says 600.0 s: its clock is taken to have run wrong"])
    }

    @Test func `a screen that drifts and began first is cut in its own time`() throws {
        let plan = try plan(
            Self.sound(606_000), [Self.screen(-10_100, 600_000, claimed: 606_000)])
        // 10.1 seconds of the sound are 10 of the screen's.
        guard case .screen(_, let from, let stretch) = plan.pieces[0].content else {
            throw Refused(decision: .mux(plan))
        }
        #expect(abs(stretch - 1.01) < 1e-9)
        #expect(from == .seconds(10))
        #expect(plan.pieces[0].duration == .milliseconds(595_900))
    }
}
