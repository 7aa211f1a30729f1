import Planning
import Settings
import Telemetry
import Testing
import Vocabulary
import Watching

@testable import Agent

@Suite struct WatchWordsTests {
    private let narrator = MemoryNarrator()
    private func words(on type: String) -> WatchWords {
        var words = WatchWords(mount: MountPath("/mnt/rec"), source: SourceName("rec"))
        let identity = MountIdentity(
            fileSystem: FileSystemIdentity(type: type, source: "rec:/calls", root: "/", id: 0),
            root: MountRoot(mountID: 1, deviceMajor: 0, deviceMinor: 1, inode: 2))
        words.take(.mountProven(identity), telling: narrator)
        return words
    }

    @Test func `a mode is told once, and again when it changes, with its reason`() {
        var words = words(on: "ext4")
        let event = WatchModeDecision(mode: .event, reason: .localWriters)
        for _ in 0..<3 { words.take(.mode(event), telling: narrator) }
        #expect(words.mode == "event" && words.note == nil && words.fileSystem == "ext4")
        let mixed = WatchModeDecision(mode: .mixed, reason: .blind(unannounced: 12, total: 40))
        words.take(.mode(mixed), telling: narrator)
        // Counts that go on are for status.
        words.take(
            .mode(WatchModeDecision(mode: .mixed, reason: .blind(unannounced: 13, total: 41))), telling: narrator)
        #expect(words.note == "13 of 41 new files came without an event")
        words.take(.mode(event), telling: narrator)
        #expect(narrator.entries(of: .watchMode).count == 3)
        #expect(words.note == nil)
    }

    @Test func `without an instance watching is degraded until there is one`() {
        var words = words(on: "ext4")
        words.take(.mode(WatchModeDecision(mode: .polling, reason: .noInstance)), telling: narrator)
        #expect(words.isDegraded)
        #expect(words.note?.contains("fs.inotify.max_user_instances") == true)
        #expect(narrator.entries(of: .watchDegraded).count == 1)
        words.take(.mode(WatchModeDecision(mode: .event, reason: .localWriters)), telling: narrator)
        #expect(!words.isDegraded)
        #expect(narrator.entries(of: .watchRecovered).count == 1)
    }

    @Test func `directories that are polled are told when they double, not one by one`() {
        var words = words(on: "ext4")
        words.take(.mode(WatchModeDecision(mode: .event, reason: .localWriters)), telling: narrator)
        for polled in 1...500 {
            words.take(.degraded(WatchCoverage(watched: 64, polled: polled)), telling: narrator)
        }
        #expect(narrator.entries(of: .watchDegraded).count == 9)
        #expect(words.note?.hasPrefix("500 of 564 directories are polled") == true)
        words.take(.covered(WatchCoverage(watched: 564)), telling: narrator)
        #expect(narrator.entries(of: .watchRecovered).count == 1)
        #expect(!words.isDegraded && words.note == nil)
    }

    @Test func `a storm of events is told when it begins and when it is over`() {
        var words = words(on: "ext4")
        words.take(.eventsLost, telling: narrator)
        words.take(.eventsComplete(rescans: 3, after: .seconds(9)), telling: narrator)
        #expect(narrator.entries(of: .eventsLost).count == 1)
        #expect(narrator.entries(of: .eventsComplete).count == 1)
    }

    @Test(arguments: WatchWish.allCases) func `each wish but auto is a mode`(wish: WatchWish) {
        #expect(WatchMode(rawValue: wish.rawValue) == nil || wish != .auto)
        #expect((WatchMode(rawValue: wish.rawValue) == nil) == (wish == .auto))
    }
}
