import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct VolumesTests {
    private let sample = KnownVolume.Sample(
        totalBytes: 1000, availableBytes: 200, usedBytes: 800, totalInodes: 10, availableInodes: 5)

    @Test func `credit and state outlive a volume's new name`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.transaction { session in
            #expect(try session.answer(Accounts.lock(of: [Sample.volume])) == [Sample.account])
            try Volumes.saveCredits([Sample.volume: -12.5], in: session)
            try Volumes.register(
                [(Sample.volume, VolumeName("renamed"), FilePath("/srv/new"), AccountID("other"))], in: session)
            let volume = try #require(try Volumes.find([Sample.volume], in: session)[Sample.volume])
            #expect(volume.name == VolumeName("renamed"))
            #expect(volume.account == AccountID("other"))
            #expect(volume.credit == -12.5)
            #expect(volume.sample == nil)
            #expect(try Volumes.all(in: session).count == 2)
        }
    }

    @Test func `an alert is raised by one process, keeps its number and peak, and is cleared by one`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        let sample = sample
        try await ledger.transaction { session in
            func move(_ from: String, _ to: String, raises: Bool) throws -> KnownVolume? {
                try Volumes.move(
                    Sample.volume, from: from, to: to, reason: nil, raisesAlert: raises, in: session)?.after
            }
            try Volumes.saveSample(sample, of: Sample.volume, in: session)
            let raised = try #require(try move("ok", "above", raises: true))
            #expect(raised.incident != nil)
            #expect(try move("ok", "above", raises: true) == nil, "another process told of it")
            try Volumes.saveSample(sample, of: Sample.volume, in: session)
            let lower = KnownVolume.Sample(
                totalBytes: 1000, availableBytes: 500, usedBytes: 500, totalInodes: 0, availableInodes: 0)
            try Volumes.saveSample(lower, of: Sample.volume, in: session)
            let floor = try #require(try move("above", "floor", raises: true))
            #expect(floor.incident == raised.incident)
            #expect(floor.peakPercent == 80)
            #expect(floor.sample == lower)
            let cleared = try #require(
                try Volumes.move(
                    Sample.volume, from: "floor", to: "ok", reason: nil, raisesAlert: false, in: session))
            #expect(cleared.before.incident == raised.incident)
            #expect(cleared.after.incident == nil)
            let next = try #require(try move("ok", "above", raises: true))
            #expect(next.incident != raised.incident)
        }
    }
}
