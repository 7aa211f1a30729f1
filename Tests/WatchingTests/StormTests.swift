import Files
import Planning
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Watching

/// More events than are kept, and events that do not come.
@Suite struct StormTests {
    @Test func `of a hundred thousand files made while the reader is stopped each is told once`() async throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("20260115")
        let reader = try InotifyReader()
        let tree = WatchedTree(scratch.path) { reader }
        #expect(await tree.isScanned())
        var files: Set<String> = []
        for number in 0..<100_000 {
            let name = "20260115/\(number).mp3"
            try scratch.write(name)
            files.insert(name)
        }
        #expect(tree.current.files.isEmpty)
        try reader.start()
        _ = await tree.hasTold(files)
        #expect(tree.missing(of: files) == [])
        #expect(await waitUntil { !tree.current.storms.isEmpty })
        let told = tree.current
        #expect(told.files.count == 100_000)
        #expect(told.files.filter { $0.value > 1 }.isEmpty)
        #expect(told.losses == 1)
        #expect(told.storms.count == 1)
        #expect((1...3).contains(told.storms.first ?? 0))
        #expect(told.rescans == 1 + (told.storms.first ?? 0))
        await tree.stop()
    }

    @Test func `a storm that goes on is answered by ever fewer scans, and told once`() async throws {
        let scratch = try Scratch()
        // Each burst is more than the reader may hold.
        let reader = try InotifyReader(room: 20)
        let tree = WatchedTree(scratch.path) { reader }
        #expect(await tree.isScanned())
        try reader.start()
        var files: Set<String> = []
        let end = ContinuousClock.now + .seconds(5)
        var number = 0
        while ContinuousClock.now < end {
            for _ in 0..<100 {
                try scratch.write("\(number).mp3")
                files.insert("\(number).mp3")
                number += 1
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        // Spacings of 2 and 4 s after the one that began at once.
        let rescans = tree.current.rescans - 1
        #expect((1...3).contains(rescans), "\(rescans) in 5 s")
        #expect(tree.current.losses == 1)
        _ = await tree.hasTold(files)
        #expect(tree.missing(of: files) == [])
        #expect(await waitUntil { !tree.current.storms.isEmpty })
        #expect(tree.current.losses == 1)
        await tree.stop()
    }

    @Test func `the mode follows what events announce, in both directions`() async throws {
        // tmpfs is a file system that only this machine writes.
        let scratch = try Scratch(in: "/dev/shm")
        let deaf = DeafEvents(try startedReader())
        let tree = WatchedTree(scratch.path, mode: nil, poll: .quick) { deaf }
        #expect(await tree.isScanned())
        #expect(tree.modes == [.event])
        deaf.isDeaf = true
        for number in 0..<20 { try scratch.write("silent-\(number).mp3") }
        #expect(await waitUntil { tree.modes == [.event, .mixed] })
        let isBlind = tree.current.states.contains { hint in
            if case .mode(let decision) = hint, case .blind(let unannounced, let total) = decision.reason {
                return unannounced >= 4 && total >= unannounced
            }
            return false
        }
        #expect(isBlind)
        deaf.isDeaf = false
        for number in 0..<3000 {
            try scratch.write("heard-\(number).mp3")
            if number.isMultiple(of: 50) { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(await waitUntil { tree.modes == [.event, .mixed, .event] })
        await tree.stop()
    }

    @Test func `where the kernel gives an instance again, events are used again`() async throws {
        let scratch = try Scratch(in: "/dev/shm")
        let isRefused = Mutex(true)
        let clock = ShiftedClock()
        let tree = WatchedTree(scratch.path, mode: nil, poll: .quick, clock: clock.clock) {
            if isRefused.withLock({ $0 }) { throw InotifyFailure(code: 24) }
            return try startedReader()
        }
        #expect(await tree.isScanned())
        #expect(tree.modes == [.polling])
        isRefused.withLock { $0 = false }
        clock.pass(.seconds(61))
        #expect(await waitUntil { tree.modes == [.polling, .event] })
        #expect(await tree.isScanned(times: 2))
        await tree.stop()
    }

    @Test func `directories removed with all in them and made again at once are watched again`() async throws {
        let scratch = try Scratch()
        let tree = WatchedTree(scratch.path)
        #expect(await tree.isScanned())
        for number in 0..<500 {
            try scratch.makeDirectory("\(number)")
            try scratch.write("\(number)/first.mp3")
        }
        #expect(await tree.hasTold(Set((0..<500).map { "\($0)/first.mp3" })))
        for number in 0..<500 {
            try scratch.remove("\(number)/first.mp3")
            try scratch.remove("\(number)")
            try scratch.makeDirectory("\(number)")
            try scratch.write("\(number)/second.mp3")
        }
        let second = Set((0..<500).map { "\($0)/second.mp3" })
        _ = await tree.hasTold(second)
        #expect(tree.missing(of: second) == [])
        for number in 0..<500 { try scratch.write("\(number)/third.mp3") }
        let third = Set((0..<500).map { "\($0)/third.mp3" })
        _ = await tree.hasTold(third)
        #expect(tree.missing(of: third) == [])
        #expect(tree.current.losses == 0)
        await tree.stop()
    }
}

/// What servers and links show that is not so.
@Suite struct MisleadingTreeTests {
    @Test func `nothing follows from listings that are empty for a while`() async throws {
        let scratch = try Scratch()
        for name in ["day", "day/deep"] { try scratch.makeDirectory(name) }
        try scratch.write("day/deep/old.mp3")
        let isEmpty = Mutex(false)
        let calls = FaultyFiles { call, _ in call == .list && isEmpty.withLock { $0 } ? .endsAtOnce : nil }
        let tree = WatchedTree(scratch.path, mode: .polling, poll: .quick, calls: calls)
        #expect(await tree.isScanned())
        isEmpty.withLock { $0 = true }
        // Every directory changes, so every one is listed.
        for name in ["x", "day/x", "day/deep/x"] { try scratch.makeDirectory(name) }
        let listed = calls.count(of: .list)
        #expect(await waitUntil { calls.count(of: .list) > listed + 20 })
        isEmpty.withLock { $0 = false }
        tree.forgetFiles()
        try scratch.write("day/deep/new.mp3")
        #expect(await tree.hasTold(["day/deep/new.mp3"]))
        try scratch.write("day/deep/x/newest.mp3")
        #expect(await tree.hasTold(["day/deep/x/newest.mp3"]))
        #expect(!tree.current.states.contains { if case .mountLost = $0 { true } else { false } })
        await tree.stop()
    }

    @Test func `of a tree that is all fresh few directories are hot, and those that change`() async throws {
        let scratch = try Scratch()
        for number in 0..<300 { try scratch.makeDirectory("d\(number)") }
        let settings = PollSettings(
            period: .milliseconds(20), recently: .seconds(600), freshAtFirst: 8, coldPerTurn: 300,
            coldPeriod: .seconds(1), granularity: .milliseconds(1))
        let calls = FaultyFiles()
        let tree = WatchedTree(scratch.path, mode: .polling, poll: settings, calls: calls)
        #expect(await tree.isScanned())
        // One that is cold changes, is found by the round of the cold ones, and is hot from then on.
        try scratch.write("d3/one.mp3")
        #expect(await tree.hasTold(["d3/one.mp3"]))
        try scratch.makeDirectory("d3/new")
        try scratch.write("d3/new/two.mp3")
        #expect(await tree.hasTold(["d3/new/two.mp3"]))
        let before = calls.count(of: .openBeneath)
        try await Task.sleep(for: .seconds(2))
        // 11 hot ones each 530 ms at rest or 20 ms while busy, and two rounds of all.
        let opened = calls.count(of: .openBeneath) - before
        #expect(opened < 300 * 3 + 3 * 100 + 8 * 100 + 100, "\(opened)")
        await tree.stop()
    }

    @Test func `a directory that the server replaced shows what is in the new one`() async throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("mount")
        try scratch.makeDirectory("mount/day")
        try scratch.write("mount/day/one.mp3")
        let tree = WatchedTree(scratch.at("mount"), mode: .polling, poll: .quick)
        #expect(await tree.isScanned())
        // Put aside whole, and another in its place: who held the old one open would go on seeing it.
        try scratch.makeDirectory("next")
        try scratch.write("next/two.mp3")
        try scratch.move("mount/day", to: "aside")
        try scratch.move("next", to: "mount/day")
        #expect(await tree.hasTold(["day/two.mp3"]))
        try scratch.write("aside/hidden.mp3")
        try scratch.write("mount/day/three.mp3")
        #expect(await tree.hasTold(["day/three.mp3"]))
        #expect(!tree.current.files.keys.contains { $0.hasSuffix("hidden.mp3") })
        await tree.stop()
    }

    @Test(arguments: [WatchMode.event, .polling])
    func `removed files that are open, snapshots and names that are not text are borne`(mode: WatchMode) async throws {
        let scratch = try Scratch()
        for name in [".snapshot", ".snapshot/hourly.0", "~snapshot", "day"] { try scratch.makeDirectory(name) }
        try scratch.write(".snapshot/hourly.0/old.mp3")
        try scratch.write("~snapshot/old.mp3")
        try scratch.write("day/.nfs000000000012ab3400000001")
        let tree = WatchedTree(scratch.path, mode: mode, poll: mode == .event ? .onlyAtStart : .quick)
        #expect(await tree.isScanned())
        try scratch.write("day/.nfs000000000012ab3400000002")
        try scratch.makeDirectory(".snapshot/hourly.1")
        try scratch.write(".snapshot/hourly.1/new.mp3")
        try scratch.write(".#draft.mp3")
        // A link to the directory that it is in, and one to itself.
        try scratch.link("day/loop", to: ".")
        try scratch.link("day/self", to: "self")
        let name = [0x64, 0x61, 0x79, 0x2f, 0xff, 0xfe, 0x0a, 0x20, 0x7f].map { UInt8($0) }
        try scratch.write(bytes: name)
        try scratch.write("day/last.mp3")
        #expect(await tree.hasTold(["day/last.mp3", FilePath(bytes: name).displayText]))
        let others = tree.current.files.keys.filter {
            $0.contains("snapshot") || $0.contains(".nfs") || $0.contains("loop")
        }
        #expect(others.isEmpty)
        await tree.stop()
    }
}

/// Events that name no file while they are deaf: as from writers behind the kernel.
final class DeafEvents: DirectoryEvents {
    private let events: any DirectoryEvents
    private let deaf = Mutex(false)

    init(_ events: any DirectoryEvents) { self.events = events }

    var isDeaf: Bool {
        get { deaf.withLock { $0 } }
        set { deaf.withLock { $0 = newValue } }
    }

    func watch(directory descriptor: Int32) -> WatchAnswer { events.watch(directory: descriptor) }
    func unwatch(_ number: WatchNumber) { events.unwatch(number) }
    func take() -> EventBatch {
        var batch = events.take()
        if isDeaf { batch.events.removeAll { $0.meaning == .fileReady || $0.meaning == .fileCreated } }
        return batch
    }
    func onArrival(_ ring: @escaping @Sendable () -> Void) { events.onArrival(ring) }
    func stop() { events.stop() }
}

/// The system's clock, and what a test adds to it.
final class ShiftedClock: Sendable {
    private let added = Mutex(Duration.zero)
    func pass(_ span: Duration) { added.withLock { $0 += span } }
    var clock: WatchClock {
        let system = WatchClock.system()
        return WatchClock(
            now: { [self] in system.now() + added.withLock { $0 } },
            instant: { [self] in system.instant() + added.withLock { $0 } })
    }
}
