internal import Glibc
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Much that waits when an agent starts.
@Suite(.serialized) struct BacklogTests {
    private static var count: Int { LongTests.areWanted ? 40_000 : 4_000 }

    @Test(.timeLimit(.minutes(10)), arguments: ["oldest", "newest"])
    func `a backlog drains from the end that the settings say, and what is recorded now does not wait for it`(
        order: String
    ) async throws {
        let site = try await ScratchSite(
            notifies: order == "oldest", synchro: "sleep_period = \"1s\"\nbacklog = \"\(order)\"")
        let count = BacklogTests.count
        try await site.addBacklog(count)
        let started = ContinuousClock.now
        let agent = try site.start(.calls)
        defer {
            agent.send(SIGTERM)
            #expect(agent.wait() == 0)
        }
        #expect(try await site.wait(upTo: .seconds(30)) { site.log(.calls).contains("serves mount") })
        @Sendable func committed() async throws -> Int {
            try await site.count("select count(*) from takeup.replica", in: site.replay)
        }
        var delays: [Duration] = []
        for number in 0..<3 {
            let enough = count * (number + 1) / 10
            #expect(try await site.wait(upTo: .seconds(120)) { try await committed() >= enough }, "\(site.log(.calls))")
            let begun = ContinuousClock.now
            let recording = try await site.record("now-\(number)", [.audio])
            #expect(
                try await site.wait(upTo: .seconds(30)) { try await site.holds(recording, [.audio]) },
                "\(site.log(.calls).suffix(2000))")
            delays.append(ContinuousClock.now - begun)
        }
        let left = count + 3 - (try await committed())
        #expect(try await site.wait(upTo: .seconds(300)) { try await committed() == count + 3 })
        print(
            "backlog of \(count), \(order) first: drained in \(ContinuousClock.now - started);"
                + " recorded meanwhile, with \(left) left at last, came after \(delays.map(\.wholeMilliseconds)) ms")
        #expect(left > 0)
        #expect(delays.allSatisfy { $0.isWithin(bar: .seconds(3)) }, "\(delays)")
        // Where a recording stands among all, and where it was committed: one is nothing in common, the other all.
        let order = try await site.commitOrder()
        let early = order.prefix(order.count / 2)
        let fromOldest = early.count { $0 < order.count / 2 }
        #expect(
            site.isOldestFirst ? fromOldest * 10 > early.count * 6 : fromOldest * 10 < early.count * 4, "\(fromOldest)")
    }
}

extension ScratchSite {
    fileprivate var isOldestFirst: Bool { (try? settingsText().contains("backlog = \"oldest\"")) ?? false }

    /// Recordings of the last hours with their files, one each six seconds.
    fileprivate func addBacklog(_ count: Int) async throws {
        let builder = try await CatalogBuilder(source)
        let now = try await recorderNow()
        for start in stride(from: 0, to: count, by: 500) {
            let samples = try (start..<min(start + 500, count)).map { number in
                // Not in the order of their ids.
                let place = Int64((number * 7919) % count) + 5
                let stop = WallTime(microseconds: now.microseconds - place * 6_000_000)
                let (row, _) = try put(.audio, of: "backlog-\(number)", stop: stop)
                return RecordingSample("backlog-\(number)", stop: stop, seconds: 4).media(row)
            }
            try await source.transaction { session in
                for sample in samples { try builder.add(sample, on: session) }
            }
        }
    }

    /// For each commit of the backlog, in order, the place of its recording among all by age, oldest first.
    fileprivate func commitOrder() async throws -> [Int] {
        let sids = try await replay.perform { session in
            try session.query("select sid from takeup.replica where sid like 'backlog-%' order by id").map {
                try $0.text("sid")
            }
        }
        let byAge = try await source.perform { session in
            try session.query("select sid from callrec.couples where sid like 'backlog-%' order by stop_ts, id").map {
                try $0.text("sid")
            }
        }
        let place = Dictionary(uniqueKeysWithValues: byAge.enumerated().map { ($0.element, $0.offset) })
        return sids.compactMap { place[$0] }
    }
}
