import Ledger
import Planning
import Postgres
import Support
import Telemetry
import Testing
import Vocabulary

@testable import Agent

/// Waiting for screens that were announced, on real databases and files.
@Suite(.serialized) struct ScreenWaitServiceTests {
    private static let word = "SRSScreenRecordingStateStarted"
    private static let name = "rec/calls/20261120/1.mp4"
    private static let screen = MediaSample(
        .video, FilePath("/calls/20261120/1.mp4"), size: Int64((try? picture().count) ?? 0))

    private static func picture() throws -> [UInt8] {
        try readSample(try #require(MediaSamples.ofThisRun).screen(seconds: 2))
    }

    /// A recording whose sound is here, and no screen.
    private func recorded(
        _ scene: AgentScene, _ change: (RecordingSample) -> RecordingSample
    ) async throws -> BuiltRecording {
        try scene.scratch.write(AgentScene.speech, to: scene.name(1))
        let sound = MediaSample(
            .audio, FilePath("/calls/20261120/1.mp3"), size: Int64(AgentScene.speech.count))
        let built = try await scene.builder.add(change(RecordingSample("sid-1").media(sound)))
        let isHere = try await scene.wait {
            _ = try await scene.agent.keeper.turn()
            _ = try await scene.agent.transfers.turn()
            return try await scene.count("takeup.replica where state = 'held'") == 1
        }
        try #require(isHere)
        return built
    }

    private func waits(_ scene: AgentScene) async throws -> [WaitingScreen] {
        try await scene.ledger.perform { session in try ScreenWaits.newest(limit: 10, in: session) }
    }

    /// Makes what is there so old, and due.
    private func age(_ scene: AgentScene, by span: Duration) async throws {
        let span = "interval '\(span.wholeMicroseconds) microseconds'"
        try await scene.run(
            """
            update takeup.replica set committed_at = committed_at - \(span);
            update takeup.transfer set missing_since = missing_since - \(span);
            update takeup.screen_wait set since = since - \(span), not_before = not_before - \(span);
            """)
    }

    @Test func `a screen whose row is there and whose file is not is awaited, and its transfer woken`() async throws {
        try await AgentScene.with { scene in
            _ = try await recorded(scene) { $0.media(Self.screen) }
            let screens = scene.agent.screens(scene.settings)
            _ = try await screens.turn()
            #expect(try await waits(scene).isEmpty, "it may still come")
            try await age(scene, by: .seconds(61))
            _ = try await screens.turn()
            let wait = try #require(try await waits(scene).first)
            #expect(wait.key == ScreenWaitKey(RecordingReference(source: AgentScene.source, id: 1)))
            #expect(wait.announcement == .row && wait.state == .waiting && wait.looks == 0)
            // Nothing more while it waits.
            _ = try await screens.turn()
            #expect(try await waits(scene).map(\.looks) == [0])
            try await scene.run("update takeup.transfer set not_before = now() + interval '1 h' where kind = 'VIDEO'")
            try await age(scene, by: .seconds(60))
            _ = try await screens.turn()
            let looked = try #require(try await waits(scene).first)
            #expect(looked.looks == 1)
            // As long again as it has waited.
            let pause = looked.notBefore - looked.since
            #expect(pause > .seconds(119) && pause < .seconds(150), "\(pause)")
            #expect(
                try await scene.count("takeup.transfer where kind = 'VIDEO' and not_before <= now()") == 1)
            // It comes: one job, and nothing waits.
            try scene.scratch.write(Self.picture(), to: Self.name)
            let isMade = try await scene.wait {
                _ = try await scene.agent.transfers.turn()
                return try await scene.count("takeup.mux_job") == 1
            }
            #expect(isMade)
            #expect(try await waits(scene).isEmpty)
            #expect(scene.agent.narrator.entries(of: .screenGivenUp).isEmpty)
        }
    }

    @Test
    func `external data announce a screen, which is given up at the stated age, and muxed when it comes after that`()
        async throws
    {
        try await AgentScene.with { scene in
            let built = try await recorded(scene) { $0.data("state", Self.word) }
            let screens = scene.agent.screens(scene.settings)
            try await age(scene, by: .seconds(61))
            _ = try await screens.turn()
            let wait = try #require(try await waits(scene).first)
            #expect(wait.announcement == .data)
            try await age(scene, by: .seconds(8 * 86_400))
            _ = try await screens.turn()
            #expect(try await waits(scene).map(\.state) == [.givenUp])
            let told = scene.agent.narrator.entries(of: .screenGivenUp)
            #expect(told.count == 1)
            #expect(told.first?.facts.contains(.recording(scene.reference(built))) == true)
            // Told once, and not looked for any more.
            try await age(scene, by: .seconds(86_400))
            _ = try await screens.turn()
            #expect(try await waits(scene).map(\.looks) == [1])
            #expect(scene.agent.narrator.entries(of: .screenGivenUp).count == 1)
            try scene.scratch.write(Self.picture(), to: Self.name)
            _ = try await scene.builder.database.transaction { [builder = scene.builder] session in
                try builder.add(Self.screen, to: built.id, on: session)
            }
            await scene.agent.keeper.look(at: [built.id])
            let isMade = try await scene.wait {
                _ = try await scene.agent.keeper.turn()
                _ = try await scene.agent.transfers.turn()
                return try await scene.count("takeup.mux_job") == 1
            }
            #expect(isMade)
            #expect(try await waits(scene).isEmpty)
        }
    }

    @Test func `a row that is added while a screen is awaited is found by the next look`() async throws {
        // No round and no other hint would find it within this test.
        try await AgentScene.with(synchro: "sleep_period = \"1h\"\nfollow_period = \"1h\"") { scene in
            let built = try await recorded(scene) { $0.data(Self.word, "yes") }
            let screens = scene.agent.screens(scene.settings)
            try await age(scene, by: .seconds(61))
            _ = try await screens.turn()
            try scene.scratch.write(Self.picture(), to: Self.name)
            _ = try await scene.builder.database.transaction { [builder = scene.builder] session in
                try builder.add(Self.screen, to: built.id, on: session)
            }
            _ = try await scene.agent.keeper.turn()
            _ = try await scene.agent.transfers.turn()
            try #require(try await scene.count("takeup.mux_job") == 0)
            try await age(scene, by: .seconds(61))
            _ = try await screens.turn()
            let isMade = try await scene.wait {
                _ = try await scene.agent.keeper.turn()
                _ = try await scene.agent.transfers.turn()
                return try await scene.count("takeup.mux_job") == 1
            }
            #expect(isMade)
            #expect(try await waits(scene).isEmpty)
        }
    }

    @Test func `what announced nothing, and what has its screen, waits for nothing`() async throws {
        try await AgentScene.with { scene in
            _ = try await recorded(scene) { $0.data("state", "quiet") }
            try await age(scene, by: .seconds(61))
            _ = try await scene.agent.screens(scene.settings).turn()
            #expect(try await waits(scene).isEmpty)
        }
        try await AgentScene.with(watching: "quiet = \"0s\"\n[mux]\nscreen_announced_by = []") { scene in
            _ = try await recorded(scene) { $0.data("state", Self.word) }
            try await age(scene, by: .seconds(61))
            _ = try await scene.agent.screens(scene.settings).turn()
            #expect(try await waits(scene).isEmpty)
            // Nothing was gone through: when there are words, all is there.
            #expect(try await scene.count("takeup.screen_search") == 0)
        }
        // A screen of a kind that is never muxed is none to wait for.
        try await AgentScene.with { scene in
            _ = try await recorded(scene) { $0.media(MediaSample(.video, FilePath("/calls/20261120/1.avi"))) }
            try await age(scene, by: .seconds(61))
            _ = try await scene.agent.screens(scene.settings).turn()
            #expect(try await waits(scene).isEmpty)
        }
    }
}
