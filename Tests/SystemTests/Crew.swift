internal import Glibc
internal import Postgres
internal import Support
internal import Testing

/// The processes of a site, killed and started again as a service manager would do it.
actor Crew {
    private let site: ScratchSite
    private var standing: [ScratchSite.Role: ChildProcess] = [:]
    private(set) var kills = 0
    /// How often a process ended without having been asked to.
    private(set) var ends = 0

    init(_ site: ScratchSite) { self.site = site }

    /// Starts what does not run.
    func keepRunning() throws {
        for role in ScratchSite.Role.allCases {
            if let process = standing[role] {
                var status: CInt = 0
                guard waitpid(process.id, &status, WNOHANG) != 0 else { continue }
                ends += 1
            }
            standing[role] = try site.start(role)
        }
    }

    /// Starts all for the first time, and returns when they serve.
    func startServing() async throws {
        try keepRunning()
        let site = site
        let isServing = try await site.wait(upTo: .seconds(120)) {
            ScratchSite.Role.allCases.allSatisfy { role in
                site.log(role).contains(role == .mux ? " muxes, " : "serves mount")
            }
        }
        try #require(isServing, "\(site.allLogs())")
    }

    /// `kill -9`; gives the process that was.
    @discardableResult
    func kill(_ role: ScratchSite.Role) -> ChildProcess? {
        guard let process = standing.removeValue(forKey: role) else { return nil }
        process.send(SIGKILL)
        process.wait()
        kills += 1
        return process
    }

    func killAll() {
        for role in ScratchSite.Role.allCases { kill(role) }
    }

    /// Asks all to stop, and waits until they did.
    func stop() {
        for process in standing.values { process.send(SIGTERM) }
        for process in standing.values { process.wait() }
        standing = [:]
    }
}

extension ScratchSite {
    /// Lets the leases of a process that is dead run out now: for tests that have no time to wait for it. What it held
    /// is otherwise as it left it.
    func expire(leasesOf process: ChildProcess) async throws {
        try await expireLeases(of: "%/\(process.id)/%")
    }

    func expireAllLeases() async throws { try await expireLeases(of: "%") }

    private func expireLeases(of holder: String) async throws {
        try await replay.transaction { session in
            for table in ["transfer", "mux_job", "intent", "keeper"] {
                try session.execute(
                    """
                    update takeup.\(table) set lease_until = lease_until - interval '100 seconds'
                    where holder like $1
                    """, [.text(holder)])
            }
        }
    }

    /// Intents that are not committed, dropped or swept yet.
    func openIntents() async throws -> Int {
        try await count("select count(*) from takeup.intent where state <> 'swept'", in: replay)
    }

    func allLogs(last count: Int = 40) -> String {
        Role.allCases.map { role in
            "--- \(role.rawValue)\n" + log(role).split(separator: "\n").suffix(count).joined(separator: "\n")
        }.joined(separator: "\n")
    }
}
