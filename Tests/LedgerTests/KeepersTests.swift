import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct KeepersTests {
    private func take(
        _ ledger: LedgerDatabase, _ holder: Holder, lease: Duration = .seconds(60)
    ) async throws -> KeeperLease? {
        try await ledger.database.perform { session in
            try Keepers.take(source: Sample.source, holder: holder, lease: lease, in: session)
        }
    }

    @Test func `one agent keeps a source; another takes over when the lease ended or was given back`() async throws {
        let ledger = try await LedgerDatabase()
        let first = try #require(try await take(ledger, Sample.holder))
        #expect(try await take(ledger, Sample.otherHolder) == nil)
        #expect(try await take(ledger, Sample.holder, lease: .seconds(-1))?.token == first.token)
        let second = try #require(try await take(ledger, Sample.otherHolder))
        #expect(second.token > first.token)
        try await ledger.transaction { session in
            #expect(try Keepers.confirm(first, in: session) == false)
            #expect(try Keepers.confirm(second, in: session))
            try Keepers.release(first, in: session)
            #expect(try Keepers.all(in: session).map(\.holder) == [Sample.otherHolder])
            try Keepers.release(second, in: session)
            #expect(try Keepers.all(in: session).isEmpty)
        }
        #expect(try await take(ledger, Sample.holder) != nil)
    }

    @Test func `of eight that ask at once one gets the role`() async throws {
        let ledger = try await LedgerDatabase(connections: 8)
        let taken = try await withThrowingTaskGroup(of: KeeperLease?.self) { group in
            for number in 0..<8 { group.addTask { try await self.take(ledger, Holder("h\(number)")) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(taken.compactMap { $0 }.count == 1)
    }
}
