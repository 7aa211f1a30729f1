import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct MountLockTests {
    @Test func `a second agent on a mount is refused until the first is gone`() async throws {
        let ledger = try await LedgerDatabase()
        let settings = ledger.scratch.settings()
        var first = try await MountLock.take(Sample.mount, settings)
        #expect(try await first?.isHeld() == true)
        #expect(try await MountLock.take(Sample.mount, settings) == nil)
        #expect(try await MountLock.take(MountPath("/mnt/other"), settings) != nil)
        first = nil
        var second: MountLock?
        let deadline = ContinuousClock.now + .seconds(10)
        while second == nil && .now < deadline { second = try await MountLock.take(Sample.mount, settings) }
        #expect(try await second?.isHeld() == true)
    }

    @Test func `a lock whose connection broke is lost, and can be taken again unless another has it`() async throws {
        let ledger = try await LedgerDatabase()
        let lock = try #require(try await MountLock.take(Sample.mount, ledger.scratch.settings()))
        let terminate = """
            select pg_terminate_backend(pid, 5000) from pg_locks
            where locktype = 'advisory' and pid <> pg_backend_pid()
                and database = (select oid from pg_database where datname = current_database())
            """
        _ = try await ledger.database.perform { session in try session.query(terminate) }
        #expect((try? await lock.isHeld()) != true)
        #expect(try await lock.retake())
        #expect(try await lock.isHeld())

        _ = try await ledger.database.perform { session in try session.query(terminate) }
        let other = try await MountLock.take(Sample.mount, ledger.scratch.settings())
        #expect(other != nil)
        #expect((try? await lock.retake()) != true)
    }
}
