import Glibc
import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@testable import Agent

@Suite(.serialized) struct OrphanSearchTests {
    @Test
    func `a directory whose files could not be asked for is asked for again in the next turn, and not hours later`()
        async throws
    {
        try await AgentScene.with(watching: "grace_orphan = \"0s\"") { scene in
            try scene.scratch.write([1], to: "rec/calls/elsewhere/below/a.mp3")
            let search = scene.agent.orphanSearch()
            // One directory a turn: the root, and the one in it.
            _ = try await search.turn(period: .zero)
            _ = try await search.turn(period: .zero)
            try await scene.atRecorder("alter table callrec.cfiles rename to away")
            for _ in 0..<3 { await #expect(throws: (any Error).self) { try await search.turn(period: .zero) } }
            try await scene.atRecorder("alter table callrec.away rename to cfiles")
            _ = try await search.turn(period: .zero)
            let found = try await search.turn(period: .zero)
            #expect(found.map { Array($0.orphans.keys) } == [FilePath("elsewhere/below/a.mp3")])
        }
    }

    @Test func `an agent goes on from what the one before it had found, and lists what is so`() async throws {
        try await AgentScene.with(watching: "grace_orphan = \"0s\"") { scene in
            let names = ["one", "two", "three", "four"].map { "elsewhere/\($0).mp3" }
            for name in names { try scene.scratch.write([1], to: "rec/calls/\(name)") }
            func listed() async throws -> [String] {
                try await scene.ledger.perform { session in
                    try session.query("select path from takeup.orphan order by path").map { row in
                        String(decoding: try row.bytes("path"), as: UTF8.self)
                    }
                }
            }
            func problem() async throws -> String? {
                try await scene.ledger.perform { session in try Problems.open(limit: 10, in: session).first?.what }
            }
            let first = scene.agent.attention()
            #expect(
                try await scene.wait {
                    try await first.turn()
                    return try await listed() == names.sorted()
                })
            // Between the two agents one gets its row, one goes, and one grows.
            try await scene.builder.add(
                RecordingSample("named", stop: RecordingSample.noon).media(
                    MediaSample(.audio, FilePath("/calls/elsewhere/one.mp3"))))
            #expect(scene.scratch.path.appending("rec/calls/elsewhere/two.mp3").withPath { unlink($0) } == 0)
            try scene.scratch.write([1, 2, 3], to: "rec/calls/elsewhere/three.mp3")
            try await scene.run("update takeup.orphan set since = since - interval '1 hour'")
            // Its first turn comes to none of their directories.
            let second = try await scene.anotherAgent().attention()
            try await second.turn()
            #expect(try await listed() == ["elsewhere/four.mp3", "elsewhere/three.mp3"])
            #expect(try await scene.count("takeup.orphan where size = 3 and since < now() - interval '1 hour'") == 1)
            #expect(try await problem()?.hasPrefix("2 files on mount") == true)
            #expect(scene.scratch.path.appending("rec/calls/elsewhere/three.mp3").withPath { unlink($0) } == 0)
            #expect(scene.scratch.path.appending("rec/calls/elsewhere/four.mp3").withPath { unlink($0) } == 0)
            #expect(
                try await scene.wait {
                    try await second.turn()
                    let told = try await problem()
                    return try await listed().isEmpty && told == nil
                })
        }
    }
}
