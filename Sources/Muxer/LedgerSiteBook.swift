internal import Delivery
internal import Files
internal import HTTP
internal import Interaction
internal import Ledger
internal import Postgres
internal import Settings
internal import Synchronization
internal import Vocabulary

/// What any number of workers of a site know together, in the ledger: each call is one worker's at a time, by a lease.
final class LedgerSiteBook: SiteBook {
    let database: Database
    let site: String
    /// Workers with another one search for themselves.
    private let kind: String
    private let interval: Duration
    private let holder: Holder
    /// A call that rests and is found all the same, by a batch or behind one, is looked at again; not twice in a while.
    private static let again = Duration.seconds(600)
    /// What this worker's own searches showed, of calls that it may claim soon.
    private let records = Mutex<[String: SiteCall]>([:])
    private static let mostRecords = 20_000

    init(
        database: Database, site: String, kind: String, interval: Duration, holder: Holder
    ) {
        self.database = database
        self.site = site
        self.kind = kind
        self.interval = interval
        self.holder = holder
    }

    /// A contact center at one RWS. Another region has an RWS of its own, which knows nothing of the calls of this one.
    static func site(_ settings: GIRSettings) -> String {
        let address = HTTPAddress(settings.rws.address)
        let path = (address?.path ?? "").split(separator: "/").map { "/" + $0 }.joined()
        return "\(settings.contactCenter) \(address?.origin.description ?? settings.rws.address)\(path)"
    }

    /// Its contact center, at whatever RWS: as persons know it.
    var center: String { String(site.prefix { $0 != " " }) }

    var hasLeases: Bool { true }

    func beginsSearch() async throws -> Bool {
        try await write { [site, center, kind, interval] session in
            guard try SiteCalls.beginSearch(site: site, kind: kind, interval: interval, in: session) else {
                return false
            }
            try SiteCalls.forget(site: site, after: .seconds(35 * 86_400), in: session)
            try SiteBacklog.forget(site: center, in: session)
            return true
        }
    }

    func note(_ calls: [SiteCall], wakes: Bool) async throws {
        let found = calls.map {
            SiteCalls.Found(id: $0.id, fingerprint: LedgerSiteBook.fingerprint(of: $0), start: $0.start)
        }
        try await write { [site] session in
            try SiteCalls.note(found, site: site, again: LedgerSiteBook.again, wakes: wakes, in: session)
        }
        records.withLock { records in
            if records.count + calls.count > LedgerSiteBook.mostRecords { records = [:] }
            for call in calls { records[call.id] = call }
        }
    }

    func claim(_ limit: Int, batch: SiteCalls.Batch?) async throws -> [SiteClaim] {
        let claimed = try await write { [site, holder] session in
            try SiteCalls.claim(
                site: site, holder: holder, limit: limit, newest: limit / 4, lease: ReplayBase.lease, batch: batch,
                in: session)
        }
        return records.withLock { records in
            claimed.map { claimed in
                // Another worker's search may have shown more since.
                let record = records.removeValue(forKey: claimed.call).flatMap {
                    LedgerSiteBook.fingerprint(of: $0).bytes == claimed.fingerprint ? $0 : nil
                }
                return SiteClaim(
                    call: claimed.call, record: record, start: claimed.start, failures: claimed.failures,
                    staged: claimed.staged, lease: claimed.claim)
            }
        }
    }

    func renew(_ claims: [SiteClaim]) async throws -> Set<String> {
        let leases = claims.compactMap(\.lease)
        let held = try await write { session in
            try SiteCalls.renew(leases, lease: ReplayBase.lease, in: session)
        }
        return Set(claims.filter { $0.lease.map { held.contains($0.id) } ?? false }.map(\.call))
    }

    func stage(_ address: String, _ claim: SiteClaim) async throws -> Bool {
        guard let lease = claim.lease else { return false }
        return try await database.transaction { session in try SiteCalls.stage(address, lease, in: session) }
    }

    func end(_ claim: SiteClaim, _ ending: SiteCalls.Ending) async throws {
        guard let lease = claim.lease else { return }
        try await database.transaction { session in _ = try SiteCalls.end(lease, ending, in: session) }
    }

    func count(_ batch: SiteCalls.Batch) async throws -> (open: Int, failed: Int) {
        try await database.perform { [site] session in try SiteCalls.count(batch, site: site, in: session) }
    }

    func untilDue() async throws -> Duration? {
        try await database.perform { [site, kind, interval] session in
            let call = try SiteCalls.nextDue(site: site, in: session)
            let search = try SiteCalls.untilSearch(site: site, kind: kind, interval: interval, in: session)
            return [call, search].compactMap(\.self).min()
        }
    }

    private func write<Outcome: Sendable>(
        _ body: @escaping @Sendable (Session) throws -> Outcome
    ) async throws -> Outcome {
        try await database.transaction(isDurable: false, body)
    }

    private static func fingerprint(of call: SiteCall) -> Digest {
        let hash = StreamHash()
        hash.begin(digest: true, crc32: false)
        for id in call.mediaIDs.sorted() { Array("\(id.utf8.count):\(id)".utf8).withUnsafeBytes { hash.add($0) } }
        guard let digest = hash.finish().digest else { preconditionFailure("a digest was asked for") }
        return digest
    }
}
