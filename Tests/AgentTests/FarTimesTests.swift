import Glibc
import Ledger
import Support
import Testing
import Vocabulary

@testable import Agent

@Suite(.serialized) struct FarTimesTests {
    /// Beyond 2262, nanoseconds since 1970 have no room in 64 bits.
    @Test func `a file that was changed in the year 2300, or in 1902, is a file like any other`() async throws {
        try await AgentScene.with(watching: "quiet = \"0s\"\ngrace_orphan = \"0s\"") { scene in
            var recordings: [BuiltRecording] = []
            for (number, seconds) in [10_413_792_000, -2_145_916_800].enumerated() {
                recordings.append(try await scene.record(number))
                try scene.scratch.write([1], to: "rec/calls/orphan/\(number).mp3")
                for name in [scene.name(number), "rec/calls/orphan/\(number).mp3"] {
                    let times = [timespec](repeating: timespec(tv_sec: seconds, tv_nsec: 7), count: 2)
                    #expect(scene.scratch.path.appending(name).withPath { utimensat(AT_FDCWD, $0, times, 0) } == 0)
                }
            }
            _ = try await scene.agent.keeper.turn()
            _ = try await scene.agent.transfers.turn()
            scene.agent.clock.skip(.seconds(1))
            _ = try await scene.agent.afterlooks.turn()
            for recording in recordings { #expect(try await scene.sighting(recording)?.state == .converged) }
            let search = scene.agent.orphanSearch()
            for _ in 0..<3 { _ = try await search.turn(period: .zero) }
            #expect(try await search.turn(period: .zero)?.orphans.count == 2)
        }
    }
}
