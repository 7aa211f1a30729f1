internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// What each switch of the settings does, with the built program on real databases.
@Suite(.serialized) struct SwitchTests {
    @Test(.timeLimit(.minutes(2)))
    func `switched off, agents stay up, say so, and do nothing but watch mount and volumes`() async throws {
        let site = try await ScratchSite(.old, synchro: "enabled = false\nsleep_period = \"1s\"")
        let scene = try await SwitchScene(site)
        let recording = try await scene.add("one", media: [.audio])
        let before = try await scene.statementsAtSource()
        let agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer { SwitchScene.stop(agents) }
        let isSaid = try await site.wait(upTo: .seconds(40)) {
            site.log(.calls).contains("Collecting is switched off (synchro.enabled = false)")
        }
        #expect(isSaid, "\(site.log(.calls))")
        let isSampled = try await site.wait(upTo: .seconds(40)) {
            try await site.count("select count(*) from takeup.volume where sampled_at is not null", in: site.replay)
                == 3
        }
        #expect(isSampled)
        try await Task.sleep(for: .seconds(4))
        #expect(agents.allSatisfy { kill($0.id, 0) == 0 })
        #expect(try await scene.arrived() == [])
        #expect(try await scene.mark(of: recording) == nil)
        #expect(try await scene.statementsAtSource() == before)
        #expect(try await site.count("select count(*) from takeup.sighting", in: site.replay) == 0)
        let page = try site.run(["status", "--config", site.settingsPath]).output
        #expect(page.contains("Collecting is switched off: synchro.enabled = false."))
        #expect(try site.run(["check", "--config", site.settingsPath]).output.contains("nothing is collected"))
        // The mount is watched all the same.
        try ChildProcess.run(["/bin/mv", site.callsMount, site.callsMount + "-gone"])
        let isTold = try await site.wait(upTo: .seconds(40)) {
            try await site.openProblems().map(\.kind) == ["mount-unavailable"]
        }
        #expect(isTold, "\(site.log(.calls))")
        try ChildProcess.run(["/bin/mv", site.callsMount + "-gone", site.callsMount])
    }

    @Test(.timeLimit(.minutes(2)))
    func `an agent of a source that is not enabled refuses, and others go on`() async throws {
        let site = try await ScratchSite(.new)
        try site.rewriteSettings {
            $0.replacing("interval = \"last-week\"", with: "interval = \"last-week\"\nenabled = false")
        }
        let refused = try site.run(["agent", "--config", site.settingsPath, "--mount", site.callsMount])
        #expect(refused.code == 1)
        #expect(refused.output.contains("The source \(ScratchSite.sourceName) is not enabled in the settings."))
        let worker = try site.start(.mux)
        defer { SwitchScene.stop([worker]) }
        let isServing = try await site.wait(upTo: .seconds(40)) { site.log(.mux).contains(" muxes, ") }
        #expect(isServing)
        #expect(try site.run(["status", "--config", site.settingsPath]).output.contains("disabled"))
        let check = try site.run(["check", "--config", site.settingsPath]).output
        #expect(check.contains("not enabled, not looked at"))
    }

    @Test(.timeLimit(.minutes(2)), arguments: LongTests.all(orFirstOf: CallrecSchema.allCases))
    func `captures that are not decoded stay, are told of, and travel once they are or the switch is off`(
        schema: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(schema)
        let scene = try await SwitchScene(site)
        let both = try await scene.add("both", media: [.mag, .audio])
        let raw = try await scene.add("raw", media: [.mag])
        let agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        let isDone = try await site.wait(upTo: .seconds(30)) {
            guard try await scene.mark(of: both) == "S" else { return false }
            return try await site.openProblems().map(\.kind) == ["not-decoded"]
        }
        #expect(isDone, "\(site.log(.calls))")
        #expect(try await scene.arrived() == ["both AUDIO"])
        #expect(try await scene.mark(of: raw) == nil)
        // The recorder decodes it: the capture goes, and a sound comes.
        try await scene.decode(raw)
        let isDecoded = try await site.wait(upTo: .seconds(30)) {
            guard try await scene.mark(of: raw) == "S" else { return false }
            return try await site.openProblems().isEmpty
        }
        #expect(isDecoded, "\(site.log(.calls)) ")
        SwitchScene.stop(agents)
        try site.rewriteSettings {
            $0.replacing("sleep_period = \"1s\"", with: "sleep_period = \"1s\"\nonly_processed = false")
        }
        let later = try await scene.add("later", media: [.mag])
        let again = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer { SwitchScene.stop(again) }
        let isTaken = try await site.wait(upTo: .seconds(30)) { try await scene.mark(of: later) == "S" }
        #expect(isTaken, "\(site.log(.calls))")
        #expect(try await scene.arrived() == ["both AUDIO", "later MAG", "raw AUDIO"])
    }

    @Test(.timeLimit(.minutes(2)))
    func `only finished recordings are taken, unless that is switched off; the mark waits all the same`() async throws {
        let site = try await ScratchSite(.new)
        let scene = try await SwitchScene(site)
        let early = try await scene.add("early", media: [.audio], state: "DECODED")
        let good = try await scene.add("good", media: [.audio])
        var agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        let isDone = try await site.wait(upTo: .seconds(30)) { try await scene.mark(of: good) == "S" }
        #expect(isDone, "\(site.log(.calls))")
        try await Task.sleep(for: .seconds(2))
        #expect(try await scene.arrived() == ["good AUDIO"])
        SwitchScene.stop(agents)
        // The name that the old product's file has for it.
        try site.rewriteSettings {
            $0.replacing("sleep_period = \"1s\"", with: "sleep_period = \"1s\"\nonlyfinished = false")
        }
        agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer { SwitchScene.stop(agents) }
        let isTaken = try await site.wait(upTo: .seconds(30)) {
            try await scene.arrived() == ["early AUDIO", "good AUDIO"]
        }
        #expect(isTaken, "\(site.log(.calls))")
        try await Task.sleep(for: .seconds(2))
        #expect(try await scene.mark(of: early) == nil)
        try await scene.finish(early)
        let isMarked = try await site.wait(upTo: .seconds(30)) { try await scene.mark(of: early) == "S" }
        #expect(isMarked, "\(site.log(.calls))")
    }

    @Test(.timeLimit(.minutes(2)), arguments: LongTests.all(orFirstOf: CallrecSchema.allCases))
    func `recordings without streams are taken only where that is switched on`(schema: CallrecSchema) async throws {
        let site = try await ScratchSite(schema)
        let scene = try await SwitchScene(site)
        let empty = try await scene.add("empty", media: [])
        let good = try await scene.add("good", media: [.audio])
        var agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        let isDone = try await site.wait(upTo: .seconds(30)) { try await scene.mark(of: good) == "S" }
        #expect(isDone, "\(site.log(.calls))")
        try await Task.sleep(for: .seconds(2))
        #expect(try await scene.recordings() == ["good"])
        #expect(try await scene.mark(of: empty) == nil)
        SwitchScene.stop(agents)
        try site.rewriteSettings {
            $0.replacing("sleep_period = \"1s\"", with: "sleep_period = \"1s\"\ncouples_without_streams = true")
        }
        agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer { SwitchScene.stop(agents) }
        try await scene.makeDue()
        let isTaken = try await site.wait(upTo: .seconds(30)) { try await scene.mark(of: empty) == "S" }
        #expect(isTaken, "\(site.log(.calls))")
        #expect(try await scene.recordings() == ["empty", "good"])
    }

    /// The setting, what arrives, and which of the three recordings get a mark.
    static let kinds: [(setting: String, arrived: [String], marked: [String])] = [
        ("only_mixed = true", ["pair AUDIO", "pair VIDEO", "sound AUDIO"], ["pair", "sound"]),
        ("[sources.synchronize]\naudio = false", ["pair VIDEO", "screen RECD"], ["screen"]),
        ("[sources.synchronize]\nvideo = false", ["pair AUDIO", "screen RECD", "sound AUDIO"], ["screen", "sound"]),
        ("[sources.synchronize]\nrecd = false", ["pair AUDIO", "pair VIDEO", "sound AUDIO"], ["pair", "sound"]),
        (
            "allow_mark_without_copy = true\n[sources.synchronize]\nrecd = false",
            ["pair AUDIO", "pair VIDEO", "sound AUDIO"], ["pair", "screen", "sound"]
        ),
    ]

    @Test(.timeLimit(.minutes(2)), arguments: kinds)
    func `a kind that is switched off stays at the recorder, and without leave there is no mark`(
        setting: String, arrived: [String], marked: [String]
    ) async throws {
        let site = try await ScratchSite(.old)
        try site.rewriteSettings {
            $0.replacing("time_zone = \"UTC\"", with: "time_zone = \"UTC\"\n\(setting)")
        }
        let scene = try await SwitchScene(site)
        for (name, kinds) in [("pair", [MediaKind.audio, .video]), ("sound", [.audio]), ("screen", [.recd])] {
            try await scene.add(name, media: kinds)
        }
        let agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer { SwitchScene.stop(agents) }
        let isDone = try await site.wait(upTo: .seconds(30)) {
            let (here, there) = (try await scene.arrived(), try await scene.marked())
            return here == arrived && there == marked
        }
        #expect(isDone, "\(site.log(.calls))")
        try await Task.sleep(for: .seconds(2))
        #expect(try await scene.arrived() == arrived)
        #expect(try await scene.marked() == marked)
    }

    /// The interval, and which recordings are taken of those that stopped that long ago.
    static let intervals: [(String, [String])] = [
        ("Yesterday", ["ahead", "hour", "now"]), ("Last Week", ["ahead", "days", "hour", "now"]),
        ("last-month", ["ahead", "days", "hour", "now", "weeks"]),
        ("floatend=30 minutes days=3", ["hour"]), ("Days=10 FloatEnd=30 minutes", ["days", "hour"]),
    ]

    @Test(.timeLimit(.minutes(2)), arguments: intervals)
    func `an interval takes what ended within it, and named ones reach to now`(
        interval: String, taken: [String]
    ) async throws {
        let site = try await ScratchSite(.new)
        try site.rewriteSettings { $0.replacing("\"last-week\"", with: "\"\(interval)\"") }
        let scene = try await SwitchScene(site)
        let ages: [(String, Int)] = [
            ("ahead", -3600), ("now", 0), ("hour", 3600), ("days", 5 * 86_400), ("weeks", 20 * 86_400),
        ]
        for (name, seconds) in ages { try await scene.add(name, media: [.audio], secondsAgo: seconds) }
        let agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer { SwitchScene.stop(agents) }
        let isDone = try await site.wait(upTo: .seconds(30)) { try await scene.marked() == taken }
        #expect(isDone, "\(site.log(.calls))")
        try await Task.sleep(for: .seconds(2))
        #expect(try await scene.marked() == taken)
    }

    @Test(.timeLimit(.minutes(2)), arguments: [("1s", true), ("10s", false)])
    func `the sleep period is the pause when nothing is left to do`(period: String, isSoon: Bool) async throws {
        let site = try await ScratchSite(.old, notifies: false, synchro: "sleep_period = \"\(period)\"")
        let scene = try await SwitchScene(site)
        let first = try await scene.add("good", media: [.audio])
        let file = try scene.file(.audio, "second", day: "20260101")
        let agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer { SwitchScene.stop(agents) }
        let isDone = try await site.wait(upTo: .seconds(30)) { try await scene.mark(of: first) == "S" }
        #expect(isDone, "\(site.log(.calls))")
        // A row alone: nothing on a mount tells of it.
        let second = try await scene.addRow("second", file)
        let began = ContinuousClock.now
        let isMarked = try await site.wait(upTo: .seconds(25)) { try await scene.mark(of: second) != nil }
        #expect(isMarked, "\(site.log(.calls))")
        let took = ContinuousClock.now - began
        // Each leaves room for a machine that is slow: what is not soon comes after ten seconds.
        #expect(isSoon ? took < .seconds(8) : took > .seconds(4), "\(took)")
    }

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func `screens go to their own volumes where there are any, and a default path is for where there is no other`(
        hasVideoVolumes: Bool
    ) async throws {
        let site = try await ScratchSite(.new)
        let video = site.directory + "/video"
        try ChildProcess.run(["/bin/mkdir", "-p", video])
        #expect(try site.run(["volume", "init", "--config", site.settingsPath, video]).code == 0)
        try site.rewriteSettings { text in
            guard let tables = text.firstRange(of: "[[replay.volumes]]"), let end = text.firstRange(of: "[[sources]]")
            else { return text }
            if hasVideoVolumes {
                let volume = "[[replay.video_volumes]]\nname = \"video\"\npath = \"\(video)\"\nwatermark = \"97%\"\n\n"
                // Ignored, because there are volumes.
                return text.replacing(
                    "[[replay.volumes]]", with: "default_path = \"/nowhere\"\n\n[[replay.volumes]]", maxReplacements: 1
                )
                .replacing("[[sources]]", with: volume + "[[sources]]")
            }
            return text.replacingCharacters(
                tables.lowerBound..<end.lowerBound,
                with: "default_path = \"\(site.volumes[0])\"\ndefault_video_path = \"\(video)\"\n\n")
        }
        let scene = try await SwitchScene(site)
        let pair = try await scene.add("pair", media: [.audio, .video, .recd])
        let agents = try [ScratchSite.Role.calls, .screens].map { try site.start($0) }
        defer { SwitchScene.stop(agents) }
        let isDone = try await site.wait(upTo: .seconds(30)) { try await scene.mark(of: pair) == "S" }
        #expect(isDone, "\(site.log(.calls))\n\(site.log(.screens))")
        let places = try await scene.places()
        #expect(places.filter { $0.hasPrefix(video) }.count == 2)
        #expect(places.filter { path in site.volumes.contains { path.hasPrefix($0 + "/") } }.count == 1)
    }
}

extension String {
    fileprivate func replacingCharacters(_ range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
