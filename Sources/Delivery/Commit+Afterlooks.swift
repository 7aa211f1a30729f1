internal import Copying
internal import Ledger
internal import Postgres

extension Commit {
    /// What no row vouches for, and what holds space that may not have been written, is looked at again before its mark.
    static func beginAfterlooks(_ arrivals: [Arrival], in session: Session) throws {
        let wanted = arrivals.map(\.consignment).enumerated().filter { place, consignment in
            !consignment.isVouched || arrivals[place].copied.hasBlankPages
        }
        let looks = wanted.compactMap(\.element.afterlook)
        guard let quiet = wanted.map(\.element.quiet).max() else { return }
        try Afterlooks.begin(looks, after: quiet, in: session)
    }
}
