import Catalogs
import Files
import Glibc
import Ledger
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

/// A better copy takes the place of one that is held: published and committed before the old one is touched.
@Suite(.serialized) struct ReplaceTests {
    private static let better = [UInt8](DeliverySite.content.reversed())

    /// A recording that is held, and a better file of another source, planned.
    private struct Rivals {
        let first: Replica
        let better: SourceRecording
        let row: Int64
    }

    private func rivals(_ number: Int64, _ site: DeliverySite, _ worker: Worker) async throws -> Rivals {
        var recording = try await site.record(number)
        recording.problemStatus = "ONLY_ONE_STREAM"
        try await site.plan(recording)
        let first = try #require(await worker.deliver(try await worker.claim(recording))?.replica)
        var better = recording
        better.source = SourceName("rec_b")
        better.problemStatus = "NO_PROBLEM"
        better.media[0].id = 100_000 + number
        // What is encrypted is not measured: the rows decide.
        better.media[0].keyID = "key"
        better.media[0].path = FilePath("/calls/better-\(number).mp3")
        try site.scratch.write(ReplaceTests.better, to: "mount/calls/better-\(number).mp3")
        try await site.plan(better)
        return Rivals(first: first, better: better, row: try #require(first.content.replayMediaID))
    }

    private func pathOfRow(_ row: Int64, _ site: DeliverySite) async throws -> FilePath {
        let root = site.scratch.path.appending("volume")
        let path = try await site.database.perform { session in
            try session.first("select cfpath from callrec.cfiles where id = $1", [.integer(row)])?.text("cfpath")
        }
        return FilePath(path ?? "nowhere").relative(to: root) ?? FilePath("elsewhere")
    }

    private func bytes(_ path: FilePath, _ site: DeliverySite) throws -> [UInt8]? {
        try site.scratch.read(FilePath("volume").appending(path.bytes))
    }

    private func replica(_ id: Replica.ID, _ site: DeliverySite) async throws -> Replica {
        try #require(try await site.database.perform { session in try Replicas.find([id], in: session) }.first)
    }

    private func passTime(_ site: DeliverySite) async throws {
        try await site.expireAll()
        try await site.run("update takeup.replica set aside_after = aside_after - interval '1 hour'")
    }

    @Test(.timeLimit(.minutes(5)))
    func `whoever dies at whatever call, the row names a whole file, and the rest is finished by others`() async throws
    {
        try await DeliverySite.with { site in
            let other = try await site.worker("other")
            let sweeper = other.sweeper.comparing { [DeliverySite.source, SourceName("rec_b")] }
            var seen: Set<String> = []
            var moment = 1
            while true {
                let rivals = try await rivals(Int64(moment), site, other)
                let proxy = try DroppingProxy(to: site.base.cluster)
                let mortal = Mortal(moment: moment, proxy: proxy)
                let dying = try await site.worker(
                    "mortal-\(moment)", calls: mortal.calls, connection: proxy.settings(for: site.base))
                let outcome = await dying.deliver(try await dying.claim(rivals.better, replaces: rivals.row))
                seen.insert(try await look(at: rivals, site))
                try await passTime(site)
                if let again = try await other.claim(rivals.better, replaces: rivals.row).first {
                    #expect(await other.deliver([again])?.replica != nil)
                    try await passTime(site)
                }
                while try await sweeper.turn() {}
                try await expectFinished(rivals, site)
                proxy.stop()
                if !mortal.isDead {
                    #expect(outcome?.replica != nil)
                    break
                }
                moment += 1
            }
            print("Died at each of \(moment - 1) calls about files; met \(seen.sorted())")
            // Each state in between was met: what is not published is not seen, and nothing is retired uncommitted.
            #expect(seen == ["old alone", "both, old named", "both, new named", "old aside"])
            try await site.run(
                "update takeup.replica set remove_after = remove_after - interval '8 days' where state = 'retired'")
            while try await sweeper.turn() {}
            #expect(try await site.count("takeup.replica where state = 'removed'") == moment)
            #expect(try await site.named() == site.files())
        }
    }

    /// What a death left, in words.
    private func look(at rivals: Rivals, _ site: DeliverySite) async throws -> String {
        let old = rivals.first.content.path
        let named = try await pathOfRow(rivals.row, site)
        let first = try await replica(rivals.first.id, site)
        let isOldInPlace = try bytes(old, site) == DeliverySite.content
        if named == old {
            #expect(isOldInPlace && first.state == .held, "the old one is touched before the better one counts")
            let name = try #require(rivals.better.media.first?.path.lastComponent)
            let isNewThere = try site.files().contains { $0.lastComponent == name }
            return isNewThere ? "both, old named" : "old alone"
        }
        #expect(try bytes(named, site) == ReplaceTests.better)
        #expect(first.state == .retired)
        if isOldInPlace { return "both, new named" }
        let aside = try #require(first.quarantinePath)
        #expect(try bytes(aside, site) == DeliverySite.content)
        return "old aside"
    }

    private func expectFinished(_ rivals: Rivals, _ site: DeliverySite) async throws {
        let named = try await pathOfRow(rivals.row, site)
        #expect(try bytes(named, site) == ReplaceTests.better)
        let first = try await replica(rivals.first.id, site)
        #expect(first.state == .retired)
        let aside = try #require(first.quarantinePath)
        #expect(try bytes(aside, site) == DeliverySite.content, "\(aside)")
        #expect(try bytes(rivals.first.content.path, site) == nil)
        #expect(try await site.count("takeup.replica where state = 'retired' and put_aside_at is null") == 0)
        #expect(try await site.count("takeup.intent where state <> 'swept'") == 0)
        let held = "takeup.replica where sid = '\(rivals.better.sid.rawValue)' and state = 'held'"
        #expect(try await site.count(held) == 1)
    }

    @Test(.timeLimit(.minutes(2)))
    func `what was put aside stays while a row of its recording or an open job names it`() async throws {
        try await DeliverySite.with { site in
            let worker = try await site.worker("one")
            let rivals = try await rivals(1, site, worker)
            let better = try #require(
                await worker.deliver(try await worker.claim(rivals.better, replaces: rivals.row))?.replica)
            let aside = try #require(try await replica(rivals.first.id, site).quarantinePath)
            func sweep() async throws -> Bool {
                try await site.run(
                    """
                    update takeup.replica set remove_after = statement_timestamp() - interval '1 hour',
                        aside_after = statement_timestamp() - interval '1 hour' where state = 'retired'
                    """)
                try await worker.sweep()
                return try bytes(aside, site) == DeliverySite.content
            }
            try await site.run(
                """
                insert into takeup.mux_job (sid, sound_id, screen_ids)
                values ('\(rivals.better.sid.rawValue)', \(rivals.first.id.rawValue),
                    '{\(better.id.rawValue)}')
                """)
            #expect(try await sweep(), "a job that waits names it")
            try await site.run("update takeup.mux_job set state = 'superseded'")
            let now = try await pathOfRow(rivals.row, site)
            for path in [aside, rivals.first.content.path] {
                let named = site.scratch.path.appending("volume").appending(path.bytes).displayText
                try await site.run("update callrec.cfiles set cfpath = '\(named)' where id = \(rivals.row)")
                #expect(try await sweep(), "its row was put back by hand, and names it")
            }
            let good = site.scratch.path.appending("volume").appending(now.bytes).displayText
            try await site.run("update callrec.cfiles set cfpath = '\(good)' where id = \(rivals.row)")
            #expect(try await !sweep())
            #expect(try await site.named() == site.files())
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a copy whose bytes are not what was copied is put aside and removed like any other`() async throws {
        try await DeliverySite.with { site in
            let worker = try await site.worker("one")
            let rivals = try await rivals(1, site, worker)
            let rotten = [UInt8](repeating: 7, count: DeliverySite.content.count)
            try site.scratch.write(rotten, to: FilePath("volume").appending(rivals.first.content.path.bytes))
            #expect(await worker.deliver(try await worker.claim(rivals.better, replaces: rivals.row))?.replica != nil)
            let aside = try #require(try await replica(rivals.first.id, site).quarantinePath)
            #expect(try bytes(aside, site) == rotten)
            try await site.run("update takeup.replica set remove_after = remove_after - interval '8 days'")
            try await worker.sweep()
            #expect(try await site.named() == site.files())
        }
    }
}
