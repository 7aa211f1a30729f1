internal import Glibc
internal import Ledger
internal import Support
internal import Testing
internal import Vocabulary

@Suite(.serialized) struct WayOfARecordingTests {
    @Test(.timeLimit(.minutes(3)), arguments: [(CallrecSchema.new, CallrecSchema.new), (.old, .new), (.new, .old)])
    func `recordings travel from the recorder to the replay, muxed and marked`(
        source: CallrecSchema, replay: CallrecSchema
    ) async throws {
        let site = try await ScratchSite(source, replaySchema: replay, notifies: source == .new)
        let processes = try ScratchSite.Role.allCases.map { try site.start($0) }
        defer {
            for process in processes {
                process.send(SIGTERM)
                process.wait()
            }
        }
        let truths = try await site.recorder.record { options in
            options.count = 20
            options.encrypted = replay == .new ? 20 : 0
        }
        let pairs = truths.filter(\.isPair).count
        let isDone = try await site.wait(upTo: .seconds(60)) {
            let marked = try await site.markedCount()
            let muxed = try await site.muxedCount()
            return marked == truths.count && muxed == pairs
        }
        #expect(isDone, "\(site.log(.calls))\n\(site.log(.screens))\n\(site.log(.mux))")
        #expect(try await site.defects(of: truths) == [])
        #expect(try site.stagedLeftovers() == [])
        #expect(try await site.unnamedFiles() == [])
        #expect(try await site.openProblems().map(\.what) == [])
    }
}
