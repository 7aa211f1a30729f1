import Planning
import Synchronization
import Testing
import Vocabulary

@testable import Watching

private let bases = ["/tmp", "/dev/shm"]

@Suite struct TreeWatcherTests {
    @Test(arguments: bases) func `what is there at the start is told, then what comes`(base: String) async throws {
        let scratch = try Scratch(in: base)
        try scratch.makeDirectory("20260115")
        try scratch.write("20260115/before.mp3")
        let tree = WatchedTree(scratch.path)
        #expect(await tree.isScanned())
        #expect(Set(tree.current.files.keys) == ["20260115/before.mp3"])
        try scratch.write("20260115/after.mp3")
        try scratch.write("top.mp3")
        try scratch.write(".draft")
        try scratch.move(".draft", to: "20260115/moved.mp3")
        #expect(await tree.hasTold(["20260115/after.mp3", "20260115/moved.mp3", "top.mp3"]))
        #expect(tree.current.rescans == 1)
        await tree.stop()
    }

    @Test(arguments: bases) func `no file of two thousand fresh nested directories is missed`(base: String) async throws
    {
        let scratch = try Scratch(in: base)
        let tree = WatchedTree(scratch.path)
        #expect(await tree.isScanned())
        var files: Set<String> = []
        for round in 0..<500 {
            var path = "\(round)"
            for depth in 0..<4 {
                if depth > 0 { path += "/\(depth)" }
                try scratch.makeDirectory(path)
                try scratch.write(path + "/call.mp3")
                files.insert(path + "/call.mp3")
            }
        }
        _ = await tree.hasTold(files)
        #expect(tree.missing(of: files) == [])
        #expect(tree.current.rescans == 1)
        await tree.stop()
    }

    @Test func `a reader whose taker lags drops events and a rescan finds the files`() async throws {
        let scratch = try Scratch()
        let reader = try InotifyReader(room: 50)
        let tree = WatchedTree(scratch.path) { reader }
        #expect(await tree.isScanned())
        var files: Set<String> = []
        for number in 0..<2000 {
            try scratch.write("\(number).mp3")
            files.insert("\(number).mp3")
        }
        try reader.start()
        _ = await tree.hasTold(files)
        #expect(tree.missing(of: files) == [])
        #expect(await tree.isScanned(times: 2))
        await tree.stop()
    }

    @Test func `directories beyond the limit on watches are polled, and that is said`() async throws {
        let scratch = try Scratch()
        for number in 0..<500 { try scratch.makeDirectory("d\(number)") }
        let tree = WatchedTree(scratch.path, poll: .quick) { LimitedEvents(try startedReader(), limit: 64) }
        #expect(await tree.isScanned())
        #expect(
            await waitUntil { tree.current.states.contains(.degraded(WatchCoverage(watched: 64, polled: 437))) })
        var files: Set<String> = []
        for number in 0..<500 {
            try scratch.write("d\(number)/call.mp3")
            files.insert("d\(number)/call.mp3")
        }
        _ = await tree.hasTold(files)
        #expect(tree.missing(of: files) == [])
        await tree.stop()
    }

    @Test func `when watches are free again the tree is covered again`() async throws {
        let scratch = try Scratch()
        for number in 0..<20 { try scratch.makeDirectory("d\(number)") }
        let limited = LimitedEvents(try startedReader(), limit: 4)
        let tree = WatchedTree(scratch.path, poll: .quick) { limited }
        #expect(await waitUntil { tree.current.states.contains(.degraded(WatchCoverage(watched: 4, polled: 17))) })
        limited.allow(1000)
        #expect(await waitUntil { tree.current.states.contains(.covered(WatchCoverage(watched: 21))) })
        await tree.stop()
    }

    @Test func `without an inotify instance everything is polled`() async throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("sub")
        let tree = WatchedTree(scratch.path, mode: nil, poll: .quick) { throw InotifyFailure(code: 24) }
        #expect(await tree.isScanned())
        #expect(tree.current.states.contains(.mode(WatchModeDecision(mode: .polling, reason: .noInstance))))
        try scratch.makeDirectory("sub/new")
        try scratch.write("sub/new/call.mp3")
        #expect(await tree.hasTold(["sub/new/call.mp3"]))
        await tree.stop()
    }

    @Test(arguments: bases) func `a directory that is removed and made again is watched again`(base: String)
        async throws
    {
        let scratch = try Scratch(in: base)
        let tree = WatchedTree(scratch.path)
        #expect(await tree.isScanned())
        var files: Set<String> = []
        for round in 0..<500 {
            try scratch.makeDirectory("day")
            try scratch.write("day/\(round).mp3")
            files.insert("day/\(round).mp3")
            // Gone with its directory before it can be listed, so it is only removed when it was told.
            #expect(await tree.hasTold(["day/\(round).mp3"]))
            try scratch.remove("day/\(round).mp3")
            try scratch.remove("day")
        }
        #expect(tree.missing(of: files) == [])
        #expect(tree.current.rescans == 1)
        await tree.stop()
    }

    @Test func `a tree that moves in is told, and one that moves out is not watched any more`() async throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("mount")
        try scratch.makeDirectory("outside")
        try scratch.makeDirectory("outside/day")
        try scratch.makeDirectory("outside/day/deep")
        try scratch.write("outside/day/deep/one.mp3")
        let tree = WatchedTree(scratch.at("mount"))
        #expect(await tree.isScanned())
        try scratch.move("outside/day", to: "mount/day")
        #expect(await tree.hasTold(["day/deep/one.mp3"]))
        try scratch.write("mount/day/deep/two.mp3")
        #expect(await tree.hasTold(["day/deep/two.mp3"]))

        try scratch.move("mount/day", to: "mount/other")
        #expect(await tree.hasTold(["other/deep/one.mp3"]))
        try scratch.write("mount/other/deep/three.mp3")
        #expect(await tree.hasTold(["other/deep/three.mp3"]))

        try scratch.move("mount/other", to: "outside/away")
        try scratch.makeDirectory("mount/other")
        try scratch.write("mount/other/four.mp3")
        #expect(await tree.hasTold(["other/four.mp3"]))
        // The kernel's events come in order, so one that is told later shows that an earlier one was not.
        try scratch.write("outside/away/deep/hidden.mp3")
        try scratch.write("mount/last.mp3")
        #expect(await tree.hasTold(["last.mp3"]))
        #expect(!tree.current.files.keys.contains { $0.hasSuffix("hidden.mp3") })
        #expect(tree.current.rescans == 1)
        await tree.stop()
    }

    @Test func `links are never followed`() async throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("outside")
        try scratch.write("outside/secret.mp3")
        try scratch.makeDirectory("mount")
        try scratch.makeDirectory("mount/day")
        try scratch.link("mount/day/loop", to: "..")
        try scratch.link("mount/away", to: scratch.at("outside"))
        try scratch.link("mount/file.mp3", to: scratch.at("outside/secret.mp3"))
        let tree = WatchedTree(scratch.at("mount"))
        #expect(await tree.isScanned())
        try scratch.link("mount/later", to: scratch.at("outside"))
        try scratch.write("outside/more.mp3")
        try scratch.write("mount/day/real.mp3")
        #expect(await tree.hasTold(["day/real.mp3"]))
        #expect(Set(tree.current.files.keys) == ["day/real.mp3"])
        await tree.stop()
    }

    @Test func `names of any bytes are told as they are`() async throws {
        let scratch = try Scratch()
        let tree = WatchedTree(scratch.path)
        #expect(await tree.isScanned())
        try scratch.write("a b\nc.mp3")
        #expect(await tree.hasTold(["a b\\x0ac.mp3"]))
        await tree.stop()
    }

    @Test func `polling tells each new file of a hot directory once`() async throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("day")
        try scratch.write("day/old.mp3")
        let tree = WatchedTree(scratch.path, mode: .polling, poll: .quick)
        #expect(await tree.isScanned())
        var files: Set<String> = []
        for number in 0..<50 {
            try scratch.write("day/\(number).mp3")
            files.insert("day/\(number).mp3")
            #expect(await tree.hasTold(["day/\(number).mp3"]))
        }
        #expect(tree.current.files.filter { $0.value > 1 }.isEmpty)
        #expect(tree.missing(of: files) == [])
        await tree.stop()
    }

    @Test func `what is there at the start is told once, also in directories that are hot and polled`() async throws {
        let scratch = try Scratch()
        for number in 0..<100 { try scratch.write("\(number).mp3") }
        let tree = WatchedTree(scratch.path, mode: .mixed, poll: .quick)
        #expect(await tree.isScanned())
        try scratch.write("last.mp3")
        #expect(await tree.hasTold(["last.mp3"]))
        #expect(tree.current.files.count == 101)
        #expect(tree.current.files.filter { $0.key != "last.mp3" && $0.value > 1 }.isEmpty)
        await tree.stop()
    }

    @Test func `a root that goes and comes is lost, and scanned again`() async throws {
        let scratch = try Scratch()
        try scratch.makeDirectory("mount")
        try scratch.write("mount/one.mp3")
        let tree = WatchedTree(scratch.at("mount"), proofPeriod: .milliseconds(50))
        #expect(await tree.isScanned())
        try scratch.move("mount", to: "elsewhere")
        #expect(await waitUntil { tree.current.states.contains(.mountLost(.absent(.noDirectory))) })
        try scratch.move("elsewhere", to: "mount")
        try scratch.write("mount/two.mp3")
        #expect(await tree.hasTold(["two.mp3"]))
        #expect(await tree.isScanned(times: 2))
        await tree.stop()
    }
}

/// Events with a limit on watches below the kernel's.
final class LimitedEvents: DirectoryEvents {
    private let events: any DirectoryEvents
    private let state: Mutex<(limit: Int, numbers: Set<WatchNumber>)>

    init(_ events: any DirectoryEvents, limit: Int) {
        self.events = events
        state = Mutex((limit, []))
    }

    func allow(_ limit: Int) { state.withLock { $0.limit = limit } }

    func watch(directory descriptor: Int32) -> WatchAnswer {
        let answer = events.watch(directory: descriptor)
        guard case .watched(let number) = answer else { return answer }
        let isWithin = state.withLock { state in
            if state.numbers.contains(number) { return true }
            guard state.numbers.count < state.limit else { return false }
            state.numbers.insert(number)
            return true
        }
        if isWithin { return answer }
        events.unwatch(number)
        return .limit
    }

    func unwatch(_ number: WatchNumber) {
        state.withLock { _ = $0.numbers.remove(number) }
        events.unwatch(number)
    }
    func take() -> EventBatch {
        // Endings of watches that were refused here are no business of the watcher.
        var batch = events.take()
        let numbers = state.withLock { $0.numbers }
        batch.events.removeAll { $0.watch >= 0 && !numbers.contains($0.watch) }
        return batch
    }
    func onArrival(_ ring: @escaping @Sendable () -> Void) { events.onArrival(ring) }
    func stop() { events.stop() }
}
