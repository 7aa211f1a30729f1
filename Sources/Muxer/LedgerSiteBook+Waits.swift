internal import Ledger
internal import Planning
internal import Postgres
internal import Vocabulary

extension LedgerSiteBook {
    func note(_ wait: ScreenWait?, of claim: SiteClaim) async throws {
        guard let lease = claim.lease else { return }
        let key = ScreenWaitKey(site: .gir, source: SourceName(center), reference: String(lease.id.rawValue))
        try await database.transaction(isDurable: false) { session in
            guard let wait else {
                try ScreenWaits.end([key], in: session)
                return
            }
            try ScreenWaits.begin([(key, nil, .data)], firstLookAfter: .zero, in: session)
            try ScreenWaits.note([key: wait], in: session)
        }
    }
}
