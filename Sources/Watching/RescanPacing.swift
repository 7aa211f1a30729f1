/// When a rescan that is wanted may begin: at once after a calm, and further apart each time when events are lost again
/// during one or right after it. Wishes meanwhile are one.
struct RescanPacing: Hashable, Sendable {
    private let shortest: Duration
    private let longest: Duration
    private var spacing: Duration
    private var wanted: Duration?
    private var lastEnd: Duration?

    init(shortest: Duration = .seconds(1), longest: Duration = .seconds(60)) {
        self.shortest = shortest
        self.longest = longest
        spacing = shortest
    }

    /// When the rescan that is wanted may begin; nil when none is.
    var due: Duration? {
        guard let wanted else { return nil }
        return lastEnd.map { max(wanted, $0 + spacing) } ?? wanted
    }

    mutating func want(at now: Duration) {
        guard wanted == nil else { return }
        wanted = now
        if let lastEnd { spacing = now - lastEnd < spacing * 2 ? min(spacing * 2, longest) : shortest }
    }

    /// Whether a rescan begins now.
    mutating func begin(at now: Duration) -> Bool {
        guard let due, due <= now else { return false }
        wanted = nil
        return true
    }

    /// A look at the whole tree is done.
    mutating func end(at now: Duration) { lastEnd = now }
}
