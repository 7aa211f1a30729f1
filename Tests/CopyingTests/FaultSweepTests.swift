import Copying
import Files
import Glibc
import Support
import Testing
import Vocabulary

/// Fails every call of the protocol once, in every way, and looks at what is left.
@Suite struct FaultSweepTests {
    enum Failing: CaseIterable, CustomTestStringConvertible {
        case inputOutput, noSpace, quota, readOnly, stale, notPermitted, interrupted, short, afterInputOutput

        var fault: FaultyFiles.Fault {
            switch self {
            case .inputOutput: .fail(EIO)
            case .noSpace: .fail(ENOSPC)
            case .quota: .fail(EDQUOT)
            case .readOnly: .fail(EROFS)
            case .stale: .fail(ESTALE)
            case .notPermitted: .fail(EACCES)
            case .interrupted: .fail(EINTR)
            case .short: .short
            case .afterInputOutput: .failAfter(EIO)
            }
        }
        var testDescription: String { "\(self)" }
    }

    /// What kind of volume the sweep runs on.
    enum Way: CaseIterable, CustomTestStringConvertible {
        case unnamed, named, renamed, grouped
        /// Past the cache but for their ends, and made durable together.
        case groupedPastCache
        /// Past the cache but for its end.
        case largeAndOdd
        /// Past the cache, and read back by a thread of its own.
        case readBehind
        /// Small ones in a group with both of these.
        case mixed

        var count: Int {
            switch self {
            case .grouped, .groupedPastCache: 4
            case .mixed: 6
            case .unnamed, .named, .renamed, .largeAndOdd, .readBehind: 1
            }
        }

        func size(_ token: Int64) -> Int {
            switch self {
            case .unnamed, .named, .renamed, .grouped: 3000
            case .readBehind: 12_288
            case .largeAndOdd, .groupedPastCache: 10_000
            case .mixed: token == 3 ? 12_288 : token == 5 ? 5000 : 3000
            }
        }

        var settings: CopySettings {
            // Each call of a group fails once, and each time the whole group is copied: groups are as small as can be.
            CopySettings(
                groupDurabilityFrom: 4, directFrom: 4096, largeFrom: self == .groupedPastCache ? Int64.max : 4096,
                readBackStep: self == .readBehind || self == .mixed ? 4096 : Int64.max / 2,
                keepsAttributes: self == .largeAndOdd)
        }

        /// The calls that such a volume does not know.
        func refuses(_ call: FileCall) -> FaultyFiles.Fault? {
            switch (self, call) {
            case (.named, .createUnnamed), (.renamed, .createUnnamed): .fail(EOPNOTSUPP)
            case (.renamed, .linkName): .fail(EPERM)
            default: nil
            }
        }
        var testDescription: String { "\(self)" }
    }

    /// Each error on the first way; on the others those that take ways of their own, or all where there is time.
    private static let singles = [Way.unnamed, .named, .renamed, .largeAndOdd, .readBehind].flatMap { way in
        let some: [Failing] = [.inputOutput, .noSpace, .interrupted, .short, .afterInputOutput]
        return (way == .unnamed || LongTests.areWanted ? Failing.allCases : some).map { (way, $0) }
    }

    private static let groups =
        LongTests.areWanted
        ? [Way.grouped, .groupedPastCache].flatMap { way in Failing.allCases.map { (way, $0) } }
        : [(Way.grouped, Failing.inputOutput), (.grouped, .afterInputOutput), (.groupedPastCache, .noSpace)]

    @Test(arguments: singles)
    func `whatever call fails, no wrong bytes get a name, and the next try succeeds`(
        way: Way, failing: Failing
    ) async throws {
        try await sweep(way, failing)
    }

    @Test(arguments: groups)
    func `whatever call fails in a group, no wrong bytes get a name, and the next try succeeds`(
        way: Way, failing: Failing
    ) async throws {
        try await sweep(way, failing)
    }

    @Test(arguments: LongTests.areWanted ? Failing.allCases : [.inputOutput, .short])
    func `whatever call fails in a group of small and large ones, no wrong bytes get a name`(
        failing: Failing
    ) async throws {
        try await sweep(.mixed, failing)
    }

    private func sweep(_ way: Way, _ failing: Failing) async throws {
        let undisturbed = try await attempt(way, failingAt: nil, failing)
        #expect(undisturbed.failures == 0)
        #expect(undisturbed.callCount > 20 * way.count / 2)
        var failures = 0
        for index in 0..<undisturbed.callCount {
            failures += try await attempt(way, failingAt: index, failing).failures
        }
        // A sweep in which nothing ever failed has not swept, but for what is meant to be ridden out.
        switch failing {
        case .short: #expect(failures == 0)
        case .inputOutput, .noSpace, .quota, .readOnly, .stale, .notPermitted, .interrupted, .afterInputOutput:
            #expect(failures > 0)
        }
    }

    private func attempt(
        _ way: Way, failingAt index: Int?, _ failing: Failing
    ) async throws -> (callCount: Int, failures: Int) {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles { call, at in way.refuses(call) ?? (at == index ? failing.fault : nil) }
            let threads = FileThreads(name: "test-sweep", count: 1)
            let orders = try (1...way.count).map {
                try fixture.order(Int64($0), content(way.size(Int64($0)), seed: UInt64($0)))
            }
            let originals = try orders.map { try fixture.observe(original($0, fixture)) }
            let results = await fixture.copier(calls, threads: threads, settings: way.settings).run(orders)
            // A thread that reads behind makes a call more or less.
            let call = index.flatMap { calls.recorded.indices.contains($0) ? calls.recorded[$0].call : nil }
            let place = "call \(index ?? -1): \(call.map { "\($0)" } ?? "none")"
            try check(way, orders, results, originals, calls, fixture, place)
            try await heal(orders, results, fixture, place)
            return (calls.recorded.count, results.count { $0.code != nil })
        }
    }

    private func original(_ order: CopyOrder, _ fixture: CopyFixture) -> FilePath {
        fixture.mount.appending("calls/call-\(order.token).mp3")
    }

    private func check(
        _ way: Way, _ orders: [CopyOrder], _ results: [Result<Copied, CopyError>], _ originals: [FileObservation],
        _ calls: FaultyFiles, _ fixture: CopyFixture, _ place: String
    ) throws {
        #expect(results.count == orders.count, "\(place)")
        var allowed: Set<FilePath> = []
        for (order, result) in zip(orders, results) {
            let bytes = content(way.size(order.token.rawValue), seed: UInt64(order.token.rawValue))
            let published = try fixture.published(order)
            #expect(published == nil || published == bytes, "wrong bytes have a name, \(place)")
            switch result {
            case .success(let copied):
                #expect(published == bytes, "a success without its file, \(place)")
                #expect(copied.size == way.size(order.token.rawValue))
                allowed.insert(order.path)
            case .failure(let error):
                #expect(published == nil || error.mayBePublished, "a name that nobody knows of, \(place)")
                allowed.insert(order.path)
                allowed.insert(order.path.parent.appending(StagedName.of(order.token).bytes))
            }
        }
        let files = try fixture.volumeFiles()
        #expect(allowed.isSuperset(of: files), "files that nothing names, \(place)")
        for (order, before) in zip(orders, originals) {
            #expect(try fixture.observe(original(order, fixture)).isUnchanged(since: before), "\(place)")
        }
        // In a mixed group small ones are written on after a large one is durable, and may fail then.
        let hasOrder = way == .mixed ? results.allSatisfy { $0.code == nil } : results.contains { $0.code == nil }
        if hasOrder { checkOrder(calls, place) }
        #expect(try fixture.scratch.openDescriptors() == 0, "descriptors are left open, \(place)")
    }

    /// Bytes are durable before they get a name, and the name before it counts.
    private func checkOrder(_ calls: FaultyFiles, _ place: String) {
        let recorded = calls.recorded
        func last(_ wanted: Set<FileCall>) -> Int? { recorded.lastIndex { wanted.contains($0.call) && $0.succeeded } }
        func first(_ wanted: Set<FileCall>) -> Int? { recorded.firstIndex { wanted.contains($0.call) && $0.succeeded } }
        let write = last([.write]) ?? Int.max
        let sync = last([.syncFile, .syncFileSystem]) ?? Int.min
        let name = first([.link, .linkName, .rename]) ?? Int.min
        let lastName = last([.link, .linkName, .rename]) ?? Int.max
        let directory = last([.syncDirectory]) ?? Int.min
        #expect(write < sync, "\(place)")
        #expect(sync < name, "\(place)")
        #expect(lastName < directory, "\(place)")
    }

    /// With the cause gone, the sweep finds what is left, and the same orders succeed.
    private func heal(
        _ orders: [CopyOrder], _ results: [Result<Copied, CopyError>], _ fixture: CopyFixture, _ place: String
    ) async throws {
        let copier = fixture.copier()
        for leftover in try await copier.listStaged() {
            #expect(results[Int(leftover.token.rawValue) - 1].code != nil, "a success leaves nothing, \(place)")
            let order = orders[Int(leftover.token.rawValue) - 1]
            #expect(try await copier.sweepStaged(order.token, for: order.path) == .removed)
            #expect(try await copier.sweepStaged(order.token, for: order.path) == .absent)
        }
        let again = await copier.run(orders)
        #expect(again.allSatisfy { $0.code == nil }, "\(place)")
        #expect(try Set(fixture.volumeFiles()) == Set(orders.map(\.path)), "\(place)")
    }
}
