/// When a rescan that is wanted may begin: at once after a calm, and further apart each time when events are lost again
/// during one or right after it; then it also rests for as long as the last one took. Wishes meanwhile are one.
struct RescanPacing: Hashable, Sendable {
    private let shortest: Duration
    private let longest: Duration
    private var spacing: Duration
    private var wanted: Duration?
    private var began: Duration?
    private var lastEnd: Duration?
    private var lastCost: Duration = .zero

    init(shortest: Duration = .seconds(1), longest: Duration = .seconds(60)) {
        self.shortest = shortest
        self.longest = longest
        spacing = shortest
    }

    /// When the rescan that is wanted may begin; nil when none is.
    var due: Duration? {
        guard let wanted else { return nil }
        return lastEnd.map { max(wanted, $0 + rest) } ?? wanted
    }

    /// Nothing is wanted, nothing runs, and what would be wanted now would come after a calm.
    func isCalm(at now: Duration) -> Bool { wanted == nil && began == nil && !isSoon(now) }

    mutating func want(at now: Duration) {
        guard wanted == nil else { return }
        wanted = now
        if lastEnd != nil || began != nil { spacing = isSoon(now) ? min(spacing * 2, longest) : shortest }
    }

    /// Whether a rescan begins now.
    mutating func begin(at now: Duration) -> Bool {
        guard let due, due <= now else { return false }
        wanted = nil
        began = now
        return true
    }

    /// The first look at the whole tree begins, which nobody has to want.
    mutating func beginFirst(at now: Duration) { began = now }

    /// A look at the whole tree is done.
    mutating func end(at now: Duration) {
        lastCost = began.map { now - $0 } ?? .zero
        began = nil
        lastEnd = now
    }

    private var rest: Duration { spacing > shortest ? max(spacing, lastCost) : spacing }

    private func isSoon(_ now: Duration) -> Bool {
        if began != nil { return true }
        return lastEnd.map { now - $0 < max(spacing * 2, lastCost) } ?? false
    }
}
