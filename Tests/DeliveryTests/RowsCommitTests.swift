import Catalogs
import Ledger
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

/// Rows without copies, as batches.
@Suite(.serialized) struct RowsCommitTests {
    private static let media = FilePath("/opt/calls/1.mp3")

    private func recording(
        _ id: Int64, source: SourceName = DeliverySite.source, call: Int64? = nil, media: Int = 2
    ) -> SourceRecording {
        let start = WallTime(microseconds: RecordingSample.noon.microseconds + id * 1_000_000)
        return SourceRecording(
            source: source, id: id, sid: Sid("sid-\(id)"),
            call: SourceCall(id: call ?? id, start: start, stop: start, length: 5, legs: [Sid("sid-\(id)")]),
            start: start, stop: WallTime(microseconds: start.microseconds + 5_000_000), length: 5, state: "FINISHED",
            problemStatus: "NO_PROBLEM", carried: ["callingnr": "420\(id)", "cpltype": "PARK"],
            media: (0..<Int64(media)).map {
                SourceMedia(
                    id: id * 10 + $0, kind: $0 == 0 ? .audio : .video, path: FilePath("/opt/calls/\(id).\($0)"),
                    size: 1000 + $0)
            },
            externalData: (0..<5).map { ExternalDatum(key: "key \($0)", value: "value \(id)") })
    }

    /// As the look plans it where copying is off.
    private static let replan: @Sendable (SourceRecording, ReplayHolding) -> RowsPlan? = { recording, holding in
        let off = SourceSwitches(copyFiles: false, allowMarkWithoutCopy: true)
        guard case .plan(let plan) = reconcile(recording, with: holding, switches: off) else { return nil }
        let pointers = plan.steps.compactMap { step -> PointerPlan? in
            switch step {
            case .point(let media): PointerPlan(media: media, path: FilePath("/mnt\(media.path.displayText)"))
            case .repoint(let media, let row):
                PointerPlan(media: media, path: FilePath("/mnt\(media.path.displayText)"), replacesMediaID: row)
            case .copy, .replace, .measure, .keep, .keepPointer, .leave: nil
            }
        }
        return RowsPlan(
            recording: recording, pointers: pointers, outcome: .keep(mark: plan.mark, fingerprint: [1]))
    }

    private func plans(_ recordings: [SourceRecording]) -> [RowsPlan] {
        recordings.compactMap { RowsCommitTests.replan($0, ReplayHolding()) }
    }

    private func commit(_ site: DeliverySite, _ plans: [RowsPlan]) async throws -> RowsCommit.Outcome {
        try await RowsCommit(replay: try await site.worker("rows").replay, replan: RowsCommitTests.replan).run(plans)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a batch arrives whole, in a number of statements that does not grow with it`() async throws {
        try await DeliverySite.with { site in
            let cluster = try ScratchCluster(settings: ["shared_preload_libraries=pg_stat_statements"])
            let counted = try await ScratchDatabase(CallrecSchema.new.template, in: cluster)
            let database = counted.connect(connections: 1)
            try await database.transaction { session in _ = try Migrations.apply(program: "test", in: session) }
            try await database.perform { try $0.script("create extension pg_stat_statements") }
            let catalog = try await database.perform { session in try ReplayCatalog(reading: session) }
            let replay = Replay(database: database, catalog: catalog, holder: Holder("rows"))
            func statements(_ recordings: [SourceRecording]) async throws -> Int64 {
                try await database.perform { try $0.query("select pg_stat_statements_reset()") }
                let done = try await RowsCommit(replay: replay, replan: RowsCommitTests.replan).run(plans(recordings))
                #expect(done.stale.isEmpty && done.refused.isEmpty)
                return try await database.perform { session in
                    try session.first(
                        """
                        select sum(calls)::bigint as count from pg_stat_statements
                        where toplevel and dbid = (select oid from pg_database where datname = current_database())
                        """)?.integer("count") ?? -1
                }
            }
            let few = try await statements((1...2).map { recording($0) })
            let many = try await statements((1001...1500).map { recording($0, call: $0 / 2) })
            #expect(many == few && few < 30, "\(few) statements for 2 recordings, \(many) for 500")
            let counts = try await database.perform { session in
                try session.first(
                    """
                    select (select count(*) from callrec.couples)
                        || ' ' || (select count(*) from callrec.calls)
                        || ' ' || (select count(*) from callrec.cfiles where cfpath like '/mnt/opt/calls/%')
                        || ' ' || (select count(*) from callrec.couple_extdata)
                        || ' ' || (select count(*) from takeup.pointer) as counts
                    """)?.text("counts")
            }
            #expect(counts == "502 253 1004 2510 1004")
            // What the triggers count, and what a call spans.
            let wrong = try await database.perform { session in
                try session.first(
                    """
                    select count(*) as wrong from callrec.couples p join callrec.calls c on c.id = p.callid
                    where p.cfcnt <> 2 or p.callingnr <> '420' || substr(p.sid, 5) or c.realcplcnt <> c.cplcnt
                        or c.cplcnt <> (select count(*) from callrec.couples o where o.callid = c.id)
                        or c.start_ts <> (select min(o.start_ts) from callrec.couples o where o.callid = c.id)
                        or c.stop_ts <> (select max(o.stop_ts) from callrec.couples o where o.callid = c.id)
                        or c.length <> extract(epoch from c.stop_ts - c.start_ts)
                    """)?.integer("wrong")
            }
            #expect(wrong == 0)
            _ = site
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `done again it changes no row, and finds its pointers as its own`() async throws {
        try await DeliverySite.with { site in
            let shown = (1...20).map { recording(Int64($0)) }
            _ = try await commit(site, plans(shown))
            let before = try await everything(site)
            let catalog = try await site.worker("look").replay.catalog
            let again = try await site.database.perform { session in
                let holdings = try Holdings.find(for: shown, catalog: catalog, in: session)
                return shown.compactMap { RowsCommitTests.replan($0, holdings[$0.reference] ?? ReplayHolding()) }
            }
            #expect(again.count == 20 && again.allSatisfy { $0.pointers.isEmpty })
            let done = try await commit(site, again)
            #expect(done.stale.isEmpty && done.refused.isEmpty)
            #expect(try await everything(site) == before)
        }
    }

    private func everything(_ site: DeliverySite) async throws -> String? {
        try await site.database.perform { session in
            try session.first(
                """
                select md5(string_agg(part, ' ' order by part)) as rows from (
                    select p.xmin::text || p::text as part from callrec.couples p
                    union all select c.xmin::text || c::text from callrec.calls c
                    union all select f.xmin::text || f::text from callrec.cfiles f
                    union all select e.xmin::text || e::text from callrec.couple_extdata e
                    union all select t.xmin::text || t::text from takeup.pointer t) parts
                """)?.text("rows")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a row that the database refuses takes no other with it, and is told of without its values`() async throws {
        try await DeliverySite.with { site in
            var shown = (1...9).map { recording(Int64($0)) }
            shown[4].carried["cpltype"] = "NO SUCH TYPE"
            let done = try await commit(site, plans(shown))
            #expect(Array(done.refused.keys) == [shown[4].reference] && done.stale.isEmpty)
            #expect(try await site.count("callrec.couples") == 8)
            #expect(try await site.count("callrec.cfiles") == 16)
            #expect(try await site.count("callrec.couple_extdata") == 40)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `what another source brought between plan and commit is stale, and nothing is there twice`() async throws {
        try await DeliverySite.with { site in
            var twins = (1...10).map { recording(Int64($0)) }
            for place in twins.indices {
                twins[place].source = SourceName("rec_b")
                twins[place].media = twins[place].media.map { media in
                    var media = media
                    media.id += 1000
                    return media
                }
            }
            let (late, early) = (plans(twins), plans((1...5).map { recording(Int64($0)) }))
            _ = try await commit(site, early)
            let done = try await commit(site, late)
            #expect(done.stale == Set(twins.prefix(5).map(\.reference)) && done.refused.isEmpty)
            #expect(try await site.count("callrec.couples") == 10)
            #expect(try await site.count("callrec.cfiles") == 20)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `batches of two sources that hold the same recordings meet without loss`() async throws {
        try await DeliverySite.with { site in
            for round in 0..<10 {
                let ids = (1...30).map { Int64(round * 100 + $0) }
                let here = ids.map { recording($0) }
                let there = ids.reversed().map { recording($0, source: SourceName("rec_b")) }
                async let one = commit(site, plans(here))
                async let other = commit(site, plans(there))
                let (first, second) = (try await one, try await other)
                #expect(first.refused.isEmpty && second.refused.isEmpty)
                #expect(first.stale.count + second.stale.count == 30)
            }
            #expect(try await site.count("callrec.couples") == 300)
            #expect(try await site.count("callrec.cfiles") == 600)
            #expect(try await site.count("callrec.couple_extdata") == 1500)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a held copy stays where another source has a better file that is not copied`() async throws {
        try await DeliverySite.with { site in
            let shown = try await site.record(1)
            let worker = try await site.worker("copy")
            let replica = await worker.deliver(try await worker.claim(shown))?.replica
            #expect(replica != nil)
            var twin = shown
            twin.source = SourceName("rec_b")
            twin.media = [SourceMedia(id: 1010, kind: .audio, path: FilePath("/opt/calls/1.mp3"), size: 80_000)]
            let done = try await commit(site, plans([twin]))
            #expect(done.stale == [twin.reference] && done.refused.isEmpty)
            let (catalog, better) = (worker.replay.catalog, twin)
            let again = try await site.database.perform { session in
                let holdings = try Holdings.find(for: [better], catalog: catalog, in: session)
                return RowsCommitTests.replan(better, holdings[better.reference] ?? ReplayHolding())
            }
            #expect(again?.pointers == [])
            _ = try await commit(site, [again].compactMap { $0 })
            #expect(try await site.count("takeup.pointer") == 0)
            #expect(try await site.count("takeup.replica where state = 'held'") == 1)
            #expect(try await site.named() == site.files())
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a copy that comes later takes the pointer's row, and is no pointer any more`() async throws {
        try await DeliverySite.with { site in
            let shown = try await site.record(1)
            _ = try await commit(site, plans([shown]))
            #expect(try await site.count("takeup.pointer") == 1)
            let row = try await site.database.perform { session in
                try session.first("select id from callrec.cfiles")?.integer("id") ?? -1
            }
            let worker = try await site.worker("copy")
            let claimed = try await worker.claim(shown, replaces: row)
            let outcome = await worker.deliver(claimed)
            #expect(outcome?.replica?.content.replayMediaID == row, "\(String(describing: outcome))")
            #expect(try await site.count("takeup.pointer") == 0)
            #expect(try await site.count("callrec.cfiles") == 1)
            #expect(try await site.named() == site.files())
        }
    }
}
