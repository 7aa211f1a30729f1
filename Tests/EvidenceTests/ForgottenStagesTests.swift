import Delivery
import Files
import Glibc
import Ledger
import Postgres
import Support
import Telemetry
import Testing
import Vocabulary

/// Staged files that a ledger knows nothing of, as after its restore.
@Suite(.serialized) struct ForgottenStagesTests {
    @Test(.timeLimit(.minutes(2)))
    func `a staged file that no intent knows goes when it is old, and nothing else does`() async throws {
        let site = try await EvidenceSite([10])
        let volume = site.solution.volume
        let copy = try await site.path(of: 0)
        let day = FilePath(copy).parent.displayText
        try await site.run(
            """
            insert into takeup.intent (transfer_id, holder, lease_until, volume_id, staged_name, reserved_bytes)
            select transfer_id, 'at work', statement_timestamp() + interval '1 hour', volume_id, path, 0
            from takeup.replica limit 1
            """)
        let token = try await site.solution.count("select max(token) as count from takeup.intent")
        let forgotten = ["\(day)/.takeup-900001.part", "\(volume)/.takeup-900002.part"]
        let others = [
            "\(day)/.takeup-\(token).part", "\(day)/.takeup-x.part", "\(day)/x.takeup-900003.part",
            "\(day)/.takeup-900004.draft",
        ]
        for path in forgotten + others {
            try ChildProcess.run(["/bin/sh", "-c", "echo part >'\(path)'; touch -d '3 days ago' '\(path)'"])
        }
        let directory = "\(day)/.takeup-900005.part"
        try ChildProcess.run(["/bin/mkdir", directory])
        func standing(_ paths: [String]) -> [String] { paths.filter { access($0, F_OK) == 0 } }

        // They only say that they are old: when they were changed last no program can set.
        let narrator = MemoryNarrator()
        _ = try await site.scrub(narrator)
        #expect(standing(forgotten) == forgotten)

        try await Task.sleep(for: .seconds(2))
        try await site.solution.replay.transaction { session in try Marking.stop(reason: "restored", in: session) }
        _ = try await site.scrub(narrator, forgottenAfter: .seconds(1))
        #expect(standing(forgotten) == forgotten, "nobody knows what the ledger forgot")
        #expect(narrator.entries(of: .swept).isEmpty)

        try await site.solution.replay.transaction { session in try Marking.resume(in: session) }
        for _ in 0..<2 { _ = try await site.scrub(narrator, forgottenAfter: .seconds(1)) }
        #expect(standing(forgotten) == [])
        #expect(standing(others + [directory, copy]) == others + [directory, copy])
        let told = narrator.entries(of: .swept)
        #expect(told.count == 1 && told.allSatisfy { $0.undeclaredFacts.isEmpty && $0.missingFacts.isEmpty })
    }
}
