import Ledger
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct ScreenWaitsTests {
    private static let source = SourceName("rec_a")

    private static func key(_ reference: String, _ site: ScreenWaitKey.Site = .callrec) -> ScreenWaitKey {
        ScreenWaitKey(site: site, source: source, reference: reference)
    }

    private func begin(
        _ keys: [ScreenWaitKey], _ ledger: LedgerDatabase, after pause: Duration = .zero
    ) async throws -> Int {
        try await ledger.transaction { session in
            try ScreenWaits.begin(keys.map { ($0, nil, .data) }, firstLookAfter: pause, in: session)
        }
    }

    private func due(_ ledger: LedgerDatabase, _ site: ScreenWaitKey.Site = .callrec) async throws -> [WaitingScreen] {
        try await ledger.database.perform { session in
            try ScreenWaits.due(site, Self.source, limit: 10, in: session)
        }
    }

    @Test func `a recording waits once, is due at its time, and is given up once`() async throws {
        let ledger = try await LedgerDatabase()
        #expect(try await begin([Self.key("1"), Self.key("2")], ledger) == 2)
        #expect(try await begin([Self.key("2"), Self.key("3")], ledger, after: .seconds(60)) == 1)
        #expect(try await due(ledger).map(\.key.reference) == ["1", "2"])
        let (next, counts) = try await ledger.transaction { session in
            try ScreenWaits.note([Self.key("1"): .look(after: .seconds(50)), Self.key("2"): .giveUp], in: session)
            let next = try ScreenWaits.nextDue(.callrec, Self.source, in: session)
            let counts = try ScreenWaits.counts(in: session)
            // What was given up stays so, whatever is written down of it.
            try ScreenWaits.note([Self.key("2"): .look(after: .zero)], in: session)
            return (next, counts)
        }
        #expect(next.map { $0 > .seconds(45) && $0 < .seconds(51) } == true)
        #expect(counts == [.waiting: 2, .givenUp: 1])
        #expect(try await due(ledger).isEmpty)
        #expect(try await begin([Self.key("2")], ledger) == 0)
        let listed = try await ledger.transaction { try ScreenWaits.newest(.givenUp, limit: 5, in: $0) }
        #expect(listed.map(\.key) == [Self.key("2")] && listed.map(\.looks) == [1])
        #expect(
            try await ledger.transaction { try ScreenWaits.newest(source: SourceName("rec_b"), limit: 5, in: $0) }
                .isEmpty)
        #expect(
            try await ledger.transaction { try ScreenWaits.end([Self.key("1"), Self.key("2"), Self.key("9")], in: $0) }
                == 2)
        #expect(try await ledger.transaction { try ScreenWaits.counts(in: $0) } == [.waiting: 1])
    }

    @Test func `a GIR site has recordings of its own in it, by ids that are no numbers`() async throws {
        let ledger = try await LedgerDatabase()
        #expect(
            try await begin([Self.key("17"), Self.key("17", .gir), Self.key("01ABCDEFAES0001", .gir)], ledger) == 3)
        #expect(try await due(ledger).map(\.key) == [Self.key("17")])
        #expect(try await due(ledger, .gir).map(\.key.recordingID) == [nil, nil])
        #expect(Self.key("17").recordingID == 17)
    }

    @Test func `the commit of a pair ends the wait of its recording, and of no other`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.transaction { session in
            try ScreenWaits.begin(
                [(Self.key("1"), Sid("s"), .row), (Self.key("2"), Sid("t"), .row)], firstLookAfter: .zero, in: session)
            try Recordings.lock([Sid("s")], in: session)
            try Replicas.insert([try Sample.replica(Sid("s"), kind: .audio, path: "a")], in: session)
            #expect(try MuxJobs.ensure([Sid("s")], in: session).isEmpty)
            #expect(try ScreenlessSounds.ended([Sid("s"), Sid("t")], in: session) == [])
            #expect(try ScreenWaits.counts(in: session) == [.waiting: 2])
            try Replicas.insert([try Sample.replica(Sid("s"), kind: .video, path: "v")], in: session)
            #expect(try ScreenlessSounds.ended([Sid("s"), Sid("t")], in: session) == [Sid("s")])
            #expect(try MuxJobs.ensure([Sid("s")], in: session).count == 1)
            #expect(try ScreenWaits.newest(limit: 9, in: session).map(\.key) == [Self.key("2")])
        }
    }

    @Test func `missing files that are never muxed fill no page of those that are`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: Array(1...6))
        let names = [
            "/v/1.avi", "/v.mp4/2.avi", "/v/3.MP4", "/v/4\u{9}é\\.mp4.p7m", "/v/5.mp4x", "/v/6.avi",
        ].map { Array($0.utf8) }
        let found = try await ledger.transaction { session in
            for (place, name) in names.enumerated() {
                let sid = Sid("sid-\(place + 1)")
                try Recordings.lock([sid], in: session)
                try Replicas.insert([try Sample.replica(sid, kind: .audio, path: "\(place)")], in: session)
                try session.execute(
                    """
                    update takeup.transfer set kind = $2, source_path = $3, missing_since = now() - interval '90 s'
                    where sid = $1
                    """,
                    // A byte of no encoding after the name of the fourth.
                    [Value(sid), .text(place == 5 ? "RECD" : "VIDEO"), .bytes(name + (place == 3 ? [0xff] : []))])
            }
            return try ScreenlessSounds.withMissingScreen(
                source: Sample.source, mounts: [Sample.mount], age: .seconds(60), limit: 3, in: session)
        }
        #expect(found.map(\.recording.id) == [3, 4, 6])
    }

    @Test func `what was given up is forgotten after a year and more`() async throws {
        let ledger = try await LedgerDatabase()
        #expect(try await begin([Self.key("1"), Self.key("2"), Self.key("3")], ledger) == 3)
        let (forgotten, left) = try await ledger.transaction { session in
            try ScreenWaits.note([Self.key("1"): .giveUp, Self.key("2"): .giveUp], in: session)
            try session.execute(
                "update takeup.screen_wait set since = since - interval '401 d' where reference <> '2'")
            return (try ScreenWaits.forget(in: session), try ScreenWaits.newest(limit: 9, in: session))
        }
        #expect(forgotten == 1 && left.map(\.key.reference).sorted() == ["2", "3"])
    }

    @Test func `sounds are gone through once, in pages, when they are old enough`() async throws {
        let ledger = try await LedgerDatabase()
        try await ledger.registerVolumes()
        try await ledger.plan(ids: Array(1...7))
        try await ledger.transaction { session in
            for number in 1...7 {
                let sid = Sid("sid-\(number)")
                try Recordings.lock([sid], in: session)
                try Replicas.insert([try Sample.replica(sid, kind: .audio, path: "\(number)")], in: session)
            }
            try Replicas.insert([try Sample.replica(Sid("sid-3"), kind: .video, path: "v")], in: session)
            try session.execute(
                "update takeup.replica set committed_at = now() - interval '90 s' where path <> '7'::bytea")
        }
        var found: [[Int64]] = []
        var isMore = true
        while isMore && found.count < 10 {
            let page = try await ledger.transaction { session in
                try ScreenlessSounds.page(source: Sample.source, age: .seconds(60), limit: 3, in: session)
            }
            found.append(page.sounds.map(\.recording.id))
            isMore = page.isMore
        }
        #expect(found == [[1, 2], [4, 5, 6], []], "\(found)")
        let again = try await ledger.transaction { session in
            try ScreenlessSounds.page(source: Sample.source, age: .seconds(60), limit: 9, in: session)
        }
        #expect(again.sounds.isEmpty)
        let younger = try await ledger.transaction { session in
            try ScreenlessSounds.page(source: Sample.source, age: .zero, limit: 9, in: session)
        }
        #expect(younger.sounds.map(\.recording.id) == [7])
    }
}
