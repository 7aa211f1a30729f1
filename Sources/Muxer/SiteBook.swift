internal import Interaction
internal import Ledger
internal import Planning
internal import Vocabulary

/// Which calls of a GIR site are to be looked at, when, and by whom.
///
/// Two keep it: the memory of one worker, and the ledger that many workers share.
protocol SiteBook: Sendable {
    /// Whether claims end with a time, and have to be renewed.
    var hasLeases: Bool { get }
    /// Whether a search is due; who is told so makes it.
    func beginsSearch() async throws -> Bool
    /// Takes down calls that a search showed. New ones, and those whose media changed, are due at once.
    ///
    /// - Parameter wakes: so are those that wait for a later look: a batch looks at all that it finds.
    func note(_ calls: [SiteCall], wakes: Bool) async throws
    /// - Parameter batch: only what it has still to look at.
    func claim(_ limit: Int, batch: SiteCalls.Batch?) async throws -> [SiteClaim]
    /// - Returns: the calls that are still ours.
    func renew(_ claims: [SiteClaim]) async throws -> Set<String>
    /// Takes down a name at a store before anything is written there. False: the call is not ours any more.
    func stage(_ address: String, _ claim: SiteClaim) async throws -> Bool
    func end(_ claim: SiteClaim, _ ending: SiteCalls.Ending) async throws
    /// Whether a call waits for a screen, where anybody can ask for that: nil: not, or not any more.
    func note(_ wait: ScreenWait?, of claim: SiteClaim) async throws
    func count(_ batch: SiteCalls.Batch) async throws -> (open: Int, failed: Int)
    /// How long until a search or a call is due; nil where nothing ever is.
    func untilDue() async throws -> Duration?
}

/// A call to be looked at.
struct SiteClaim: Sendable {
    let call: String
    /// As a search of this worker showed it; nil where it has to be asked for.
    var record: SiteCall?
    let start: Instant?
    let failures: Int
    /// Names at stores that an earlier worker may have left.
    var staged: [String] = []
    var lease: Claim<SiteCalls.ID>?
}
