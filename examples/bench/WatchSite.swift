internal import Glibc
internal import Postgres
internal import Support

/// A site whose replay is durable and tells when its rows were committed, with the agent of its sounds.
final class WatchSite: Sendable {
    let site: ScratchSite
    let agent: ChildProcess

    static func cluster() throws -> ScratchCluster {
        try ScratchCluster(
            isDurable: true,
            settings: [
                "track_commit_timestamp=on", "shared_preload_libraries=pg_stat_statements",
                "pg_stat_statements.track_planning=on", "shared_buffers=256MB", "autovacuum=on",
            ])
    }

    /// Returns when the agent serves, and had three seconds of rest.
    /// - Parameter notifies: the recorder's database has the trigger that tells of recordings.
    init(_ cluster: ScratchCluster, notifies: Bool) async throws {
        site = try await ScratchSite(.new, replaySchema: .new, cluster: cluster, notifies: notifies)
        try await site.replay.perform { try $0.script("create extension pg_stat_statements") }
        agent = try site.start(.calls)
        let isUp = try await site.wait(upTo: .seconds(30)) { [site] in
            site.log(.calls).contains("serves mount")
        }
        guard isUp else { throw BenchFailure(description: "the agent did not come up: \(site.log(.calls))") }
        try await Task.sleep(for: .seconds(3))
    }

    /// An agent that runs already.
    init(serving site: ScratchSite, by agent: ChildProcess) {
        (self.site, self.agent) = (site, agent)
    }

    func stop() {
        agent.send(SIGTERM)
        agent.wait()
    }

    /// Waits until the source has marked so many recordings. Throws where they stand still for `patience`.
    func waitForMarks(_ count: Int, patience: Duration = .seconds(60)) async throws {
        var best = (marks: -1, at: ContinuousClock.now)
        while true {
            let marks = try await site.markedCount()
            if marks >= count { return }
            if marks > best.marks { best = (marks, .now) }
            guard ContinuousClock.now - best.at < patience else {
                throw BenchFailure(
                    description: "stands still at \(marks) of \(count) marks: \(site.log(.calls).suffix(4000))")
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    /// Waits until the replay has so many media rows. Throws where they stand still for a minute.
    func waitForReplicas(_ count: Int) async throws {
        var best = (rows: -1, at: ContinuousClock.now)
        while true {
            let rows = try await site.count("select count(*) as count from callrec.cfiles", in: site.replay)
            if rows >= count { return }
            if rows > best.rows { best = (rows, .now) }
            guard ContinuousClock.now - best.at < .seconds(60) else {
                throw BenchFailure(
                    description: "stands still at \(rows) of \(count) files: \(site.log(.calls).suffix(4000))")
            }
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    func recorder() async throws -> WatchRecorder { try await WatchRecorder(site.source, site.recorder.layout) }

    struct Arrival: Sendable {
        /// Commit timestamp of the media row, microseconds since 1970 UTC.
        var committed: Int64
        /// Where the replica lies.
        var path: String
    }

    /// By sid, as the rows of the replay have it.
    func arrivals() async throws -> [String: Arrival] {
        let rows = try await site.replay.perform { session in
            try session.query(
                """
                select c.sid, f.cfpath,
                    (extract(epoch from pg_xact_commit_timestamp(f.xmin)) * 1000000)::bigint as committed
                from callrec.cfiles f join callrec.couples c on c.id = f.cplid where c.sid not like 'tree-%'
                """
            ).map {
                (try $0.text("sid"), Arrival(committed: try $0.integer("committed"), path: try $0.text("cfpath")))
            }
        }
        return Dictionary(rows) { first, _ in first }
    }

    /// Begins to count them.
    func countStatements() async throws {
        try await site.replay.perform { try $0.script("create extension if not exists pg_stat_statements") }
        try await site.replay.perform { session in try session.query("select pg_stat_statements_reset()") }
    }

    /// Since the last time, and begins anew.
    func printStatements(_ when: String) async throws {
        let lines = try await site.replay.perform { session in
            try session.query(
                """
                select format('%7s calls %9s ms run %9s ms planned %7s rows  %s', calls,
                    round(total_exec_time::numeric, 1), round(total_plan_time::numeric, 1), rows,
                    left(regexp_replace(query, '\\s+', ' ', 'g'), 150)) as line
                from pg_stat_statements
                where dbid = (select oid from pg_database where datname = current_database())
                order by total_exec_time + total_plan_time desc limit 60
                """
            ).map { try $0.text("line") }
        }
        try await site.replay.perform { session in try session.query("select pg_stat_statements_reset()") }
        print("statements \(when):")
        print(lines.joined(separator: "\n"))
    }
}
