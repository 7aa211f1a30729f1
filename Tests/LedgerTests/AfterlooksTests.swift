import Ledger
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct AfterlooksTests {
    private let seen = Afterlook(copied: FileLook(size: 100, modified: 5, changed: 6, inode: .max))

    private func standing(_ transfer: Transfer) -> StandingAfterlook {
        StandingAfterlook(
            transfer: transfer.id, recording: transfer.recording, sid: transfer.sid, mount: transfer.mount,
            path: transfer.path, look: seen)
    }

    /// Recordings 1 to `count`, each with one committed copy that is to be looked at again.
    private func ledger(_ count: Int, after quiet: Duration = .zero) async throws -> (LedgerDatabase, [Transfer]) {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: (1...count).map(Int64.init))
        let transfers = try await ledger.claim(count).sorted { $0.id.rawValue < $1.id.rawValue }
        for transfer in transfers {
            try await ledger.commit(ledger.open(transfer, path: "\(transfer.id).mp3").intent(), of: transfer)
        }
        let looks = transfers.map(standing)
        try await ledger.transaction { session in try Afterlooks.begin(looks, after: quiet, in: session) }
        return (ledger, transfers)
    }

    private func due(_ ledger: LedgerDatabase) async throws -> [StandingAfterlook] {
        try await ledger.database.perform { try Afterlooks.due(mount: Sample.mount, limit: 10, in: $0) }
    }

    @Test func `a mark waits until the look after the commit has agreed, and no longer`() async throws {
        let (ledger, transfers) = try await ledger(2)
        #expect(try await ledger.toMark().isEmpty)
        let due = try await due(ledger)
        #expect(due.map(\.transfer) == transfers.map(\.id))
        #expect(due.first?.look == seen)
        let touched = Afterlook(copied: FileLook(size: 100, modified: 7, changed: 8, inode: 9))
        let note = Afterlooks.Note(transfer: transfers[0].id, look: touched, confirms: true, again: .zero)
        try await ledger.transaction { try Afterlooks.note([note], in: $0) }
        #expect(try await ledger.toMark().map(\.reference) == [transfers[0].recording])
        // What a mark waits for goes first, and what was noted is compared with from now on.
        let again = try await self.due(ledger)
        #expect(again.map(\.transfer) == [transfers[1].id, transfers[0].id])
        #expect(again.last?.look == touched)
        try await ledger.transaction { try Afterlooks.end([transfers[1].id], in: $0) }
        #expect(try await ledger.toMark().count == 2)
    }

    @Test func `none is due before its time, and a wake makes it so`() async throws {
        let (ledger, transfers) = try await ledger(1, after: .seconds(60))
        #expect(try await due(ledger).isEmpty)
        let next = try await ledger.database.perform { try Afterlooks.nextDue(mount: Sample.mount, in: $0) }
        #expect((Duration.seconds(50)...Duration.seconds(60)).contains(try #require(next)))
        let path = transfers[0].path
        try await ledger.transaction { try Afterlooks.wake(mount: Sample.mount, paths: [path], in: $0) }
        #expect(try await due(ledger).count == 1)
    }

    @Test(arguments: [false, true])
    func `what changed is planned anew, whether it has its mark or not, and its copy counts no more`(
        isMarked: Bool
    ) async throws {
        let (ledger, transfers) = try await ledger(1)
        let transfer = transfers[0]
        if isMarked {
            try await ledger.transaction { session in
                try Afterlooks.note(
                    [.init(transfer: transfer.id, look: seen, confirms: true, again: .zero)], in: session)
            }
            let converged = try await ledger.toMark()
            #expect(try await ledger.transaction { try Sightings.marked(converged, in: $0) } == 1)
        }
        let reopened = try await ledger.transaction { session in
            try Afterlooks.reopen([(transfer.id, transfer.recording, transfer.sid)], in: session)
        }
        #expect(reopened == [transfer.recording])
        let sightings = try await ledger.database.perform {
            try Sightings.due(source: Sample.source, limit: 10, in: $0)
        }
        #expect(sightings.map(\.state) == [.waiting])
        #expect(try await ledger.count("select count(*) from takeup.replica where state = 'held' and is_doubted") == 1)
        #expect(try await due(ledger).isEmpty)
        // The same plan brings it again.
        try await ledger.plan(ids: [1])
        #expect(try await ledger.claim(1).map(\.id) == [transfer.id])
    }

    @Test func `what was given up, and what serves no more, is left alone`() async throws {
        let (ledger, transfers) = try await ledger(2)
        let ids = transfers.map(\.id)
        try await ledger.database.perform { session in
            try session.execute("update takeup.sighting set state = 'marked', mark = 'E' where source_id = 1")
            try session.execute(
                "update takeup.replica set state = 'retired' where transfer_id = $1",
                [
                    .integer(ids[1].rawValue)
                ])
        }
        #expect(try await due(ledger).map(\.transfer) == [ids[0]])
        #expect(try await ledger.count("select count(*) from takeup.afterlook") == 1)
        let one = transfers[0]
        #expect(
            try await ledger.transaction { try Afterlooks.reopen([(one.id, one.recording, one.sid)], in: $0) } == [])
    }

    @Test func `looks follow their files to a mount's new name, and end where no mount has them`() async throws {
        let (ledger, transfers) = try await ledger(2)
        let kept = transfers[0].path
        let now = MountPath("/mnt/b/calls")
        try await ledger.transaction { session in
            try Afterlooks.move(source: Sample.source, mounts: [now], in: session) { $0 == kept ? now : nil }
        }
        let due = try await ledger.database.perform { try Afterlooks.due(mount: now, limit: 10, in: $0) }
        #expect(due.map(\.transfer) == [transfers[0].id])
        #expect(try await ledger.count("select count(*) from takeup.afterlook") == 1)
    }
}
