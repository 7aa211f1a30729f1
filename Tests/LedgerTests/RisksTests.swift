import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct RisksTests {
    @Test func `what a round found takes the place of what stood there, and only of that`() async throws {
        let ledger = try await LedgerDatabase()
        let source = Sample.source
        func note(_ risks: [Risk], _ whats: Set<Risk.What>) async throws {
            try await ledger.transaction { session in
                try Risks.note(risks, of: whats, source: source, in: session)
            }
        }
        func standing() async throws -> [Risk] {
            try await ledger.database.perform { try Risks.find(source: source, in: $0) }
        }
        let near = Risk(.deletionNear, recordings: 3)
        try await note([near], [.deletionNear, .unmarkedOlder])
        let lacking = [
            Risk(.markedNotHeld, kind: .recd, recordings: 2), Risk(.markedNotHeld, kind: .video, recordings: 1),
        ]
        try await note(lacking, [.markedNotHeld])
        #expect(try await Set(standing()) == Set(lacking + [near]))
        let written = "select count(*) from takeup.risk where xmin::text::bigint > 0"
        let version = try await ledger.database.perform { session in
            try session.query("select xmin::text as version from takeup.risk order by what, kind").map {
                try $0.text("version")
            }
        }
        try await note(lacking, [.markedNotHeld])
        let again = try await ledger.database.perform { session in
            try session.query("select xmin::text as version from takeup.risk order by what, kind").map {
                try $0.text("version")
            }
        }
        #expect(version == again)
        #expect(try await ledger.count(written) == 3)
        try await note([], [.markedNotHeld])
        #expect(try await standing() == [near])
    }
}
