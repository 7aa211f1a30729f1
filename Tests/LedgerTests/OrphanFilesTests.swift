import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct OrphanFilesTests {
    private func file(_ name: String, day: Int64 = 1, size: Int64 = 10, age: Duration = .seconds(60)) -> OrphanFile {
        OrphanFile(
            path: FilePath(name), size: size, modified: Instant(microseconds: day * 86_400_000_000), age: age)
    }

    private func write(
        _ ledger: LedgerDatabase, _ changed: [OrphanFile], gone: [FilePath] = [], mount: MountPath = Sample.mount
    ) async throws {
        try await ledger.transaction { session in
            try OrphanFiles.write(mount: mount, source: Sample.source, changed: changed, gone: gone, in: session)
        }
    }

    private func find(
        _ ledger: LedgerDatabase, newest: Int? = nil, mount: MountPath = Sample.mount
    ) async throws -> [OrphanFile] {
        try await ledger.database.perform { try OrphanFiles.find(mount: mount, newest: newest, in: $0) }
    }

    @Test func `what is listed is the newest first, with since when each is known`() async throws {
        let ledger = try await LedgerDatabase()
        let long = String(repeating: "d/", count: 2000) + "x"
        let odd = FilePath(bytes: [0xff, 0x0a, 0x5c])
        var files = [file("a", day: 2, age: .seconds(3600)), file("b", day: 3), file(long, day: 1)]
        files.append(OrphanFile(path: odd, size: 0, modified: Instant(microseconds: -5), age: .zero))
        try await write(ledger, files)
        #expect(try await find(ledger).map(\.path) == [FilePath("b"), FilePath("a"), FilePath(long), odd])
        #expect(try await find(ledger, newest: 2).map(\.path) == [FilePath("b"), FilePath("a")])
        #expect(try await ledger.database.perform { try OrphanFiles.count(mount: Sample.mount, in: $0) } == 4)
        // One that grew is known for as long as it was.
        try await write(ledger, [file("a", day: 9, size: 11)], gone: [odd, FilePath("nowhere")])
        let grown = try #require(try await find(ledger).first)
        #expect(grown.path == FilePath("a") && grown.size == 11 && grown.age >= .seconds(3600))
        #expect(try await find(ledger).count == 3)
    }

    @Test func `a mount that is no more takes its list along, and no other's`() async throws {
        let ledger = try await LedgerDatabase()
        let other = MountPath("/mnt/b/calls")
        try await write(ledger, [file("a")])
        try await write(ledger, [file("a")], mount: other)
        try await ledger.transaction { session in
            try OrphanFiles.forget(source: SourceName("rec_b"), except: [], in: session)
            try OrphanFiles.forget(source: Sample.source, except: [other], in: session)
        }
        #expect(try await find(ledger).isEmpty)
        #expect(try await find(ledger, mount: other).count == 1)
    }
}
