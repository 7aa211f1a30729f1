import Support
import Telemetry
import Testing
import Vocabulary

@testable import Evidence

/// Many bad copies speak against their volume.
@Suite(.serialized) struct SuspectVolumeTests {
    @Test(.timeLimit(.minutes(2)))
    func
        `after many bad copies nothing new is placed on their volume until it is trusted, and old ones don't count again`()
        async throws
    {
        let site = try await EvidenceSite([Int](repeating: 10, count: 8), more: "[scrub]\nshare = \"100%\"")
        try await site.age(days: 2)
        for place in 0..<4 { try site.corrupt(try await site.path(of: place)) }
        let narrator = MemoryNarrator()
        #expect(try await site.scrub(narrator).bad == 4)
        #expect(narrator.entries(of: .volumeSuspect).count == 0, "four are no many")
        // The fifth; those that are known do not count twice.
        try site.corrupt(try await site.path(of: 4))
        try await site.age(days: 12)
        #expect(try await site.scrub(narrator).bad == 5)
        let told = narrator.entries(of: .volumeSuspect)
        #expect(told.count == 1 && told.allSatisfy { $0.undeclaredFacts.isEmpty && $0.missingFacts.isEmpty })
        #expect(told.first?.message.contains("5 copies were bad of 16 that were read again") == true, "\(told)")
        #expect(try await site.count("takeup.volume where state = 'suspect'") == 1)
        #expect(try await site.problems().filter { $0 == "volume-suspect" }.count == 1)
        try await site.age(days: 12)
        #expect(try await site.scrub(narrator).bad == 5)
        #expect(narrator.entries(of: .volumeSuspect).count == 1, "it is told once")

        let agent = try site.solution.start(site.source)
        defer { site.stop(agent) }
        let content = [UInt8](repeating: 7, count: 5000)
        var media = try site.recorder.file(.audio, "new.bin", content)
        media.crc32 = nil
        try await site.recorder.builder.add(
            RecordingSample("new", stop: PlainRecorder.now, seconds: 8).media(media))
        let isPlanned = try await site.solution.replay.wait(upTo: .seconds(30)) {
            try await $0.count("select count(*) from takeup.transfer where state in ('waiting', 'claimed')") == 6
        }
        #expect(isPlanned)
        try await Task.sleep(for: .seconds(3))
        #expect(try await site.count("takeup.replica where state = 'held'") == 8, "nothing new was placed")
        #expect(try site.solution.run(["volume", "trust", "--config", site.solution.settingsPath, "a"]).code == 0)
        let isBack = try await site.solution.replay.wait(upTo: .seconds(60)) {
            try await $0.count("select count(*) from takeup.replica where state = 'held' and not is_doubted") == 9
        }
        #expect(isBack, "\(site.solution.log("one").suffix(4000))")
        for place in 0..<5 { #expect(try readSample(try await site.path(of: place)) == site.contents[place]) }
        try await site.age(days: 3)
        _ = try await site.scrub(narrator)
        #expect(narrator.entries(of: .volumeSuspect).count == 1)
        #expect(try await site.count("takeup.volume where state = 'ok'") == 1)
    }
}
