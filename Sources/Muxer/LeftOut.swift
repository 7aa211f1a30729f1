internal import Ledger
internal import Media
internal import Vocabulary

/// The screens of a pair that its result lacks, as each was refused for what it is itself: sound and the other screens are
/// worth having without them.
struct LeftOut: Sendable {
    private let pair: MuxPair
    private var refusals: [(place: Int, error: any Error)] = []

    init(of pair: MuxPair) { self.pair = pair }

    /// So often a tool may be killed at a screen before that is taken for the screen's own fault.
    private static let mostKills = 2

    /// Whether it is of the screen at this place alone, for as long as that is what it is.
    func takes(_ error: any Error, of place: Int) -> Bool {
        if let failure = error as? MuxFailure { return !failure.isTransient }
        guard let error = error as? MediaError else { return false }
        switch error.code {
        // What was read is what was copied, to the last byte: it grows no more.
        case .noKey, .wrongKey, .truncated, .damaged, .malformed, .unsupported: return true
        case .toolKilled, .converterFailed:
            let screen = pair.screens[place].replica.id
            return pair.job.killedScreens.count { $0 == screen } >= LeftOut.mostKills
        // What a tool says that fails by itself, or that its host fails, is nothing of the screen.
        case .mismatch, .toolMissing, .toolFailed, .toolStarved, .timedOut, .cancelled, .io: return false
        }
    }

    /// What is thrown of a screen that is not left out: where a tool was killed at it, with the screen.
    func refusal(_ error: any Error, of place: Int) -> any Error {
        guard let killed = error as? MediaError, [.toolKilled, .converterFailed].contains(killed.code) else {
            return error
        }
        return KilledAtScreen(screen: pair.screens[place].replica.id, error: killed)
    }

    /// Throws where the screen at this place can't be left out: no screen would be left, a result shows it which stands, or
    /// it was refused for something that passes.
    mutating func add(_ place: Int, _ error: any Error) throws {
        guard takes(error, of: place) else { throw refusal(error, of: place) }
        if pair.shown.contains(pair.screens[place].replica.id) {
            throw MuxFailure(what: "\(error). The result that shows it stays", isTransient: false)
        }
        refusals.append((place, error))
        if kept.isEmpty { throw all }
    }

    /// Those of these that are kept so far, by their roles. Gives whether there are any.
    mutating func add(_ screens: [String: any Error]) throws -> Bool {
        let found = kept.compactMap { place in screens[pair.screens[place].role].map { (place, $0) } }
        for (place, error) in found { try add(place, error) }
        return !found.isEmpty
    }

    var isEmpty: Bool { refusals.isEmpty }
    /// The places of the others.
    var kept: [Int] {
        let places = Set(refusals.map(\.place))
        return pair.screens.indices.filter { !places.contains($0) }
    }
    var ids: [Replica.ID] { refusals.map { pair.screens[$0.place].replica.id }.sorted() }
    /// What who plays the result should know.
    var notes: [String] {
        refusals.sorted { $0.place < $1.place }.map { "\(pair.screens[$0.place].role) is left out: \($0.error)" }
    }

    private var all: any Error {
        let isOne = refusals.count == 1 || refusals.allSatisfy { ($0.error as? MediaError)?.code == .noKey }
        guard isOne, let first = refusals.first else {
            return MuxFailure(
                what: refusals.map { String(describing: $0.error) }.joined(separator: "; "), isTransient: false)
        }
        return first.error
    }
}

/// A tool was killed at a screen, not yet so often that this is taken for the screen's own fault.
struct KilledAtScreen: Retryable, CustomStringConvertible {
    let screen: Replica.ID
    let error: MediaError
    var isTransient: Bool { error.isTransient }
    var description: String { error.description }
}
