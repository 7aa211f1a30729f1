internal import Planning
internal import Vocabulary

/// What the pictures of a result are to be, besides from when to when.
struct ExpectedPictures: Hashable, Sendable {
    /// Something begins: a picture has to be shown then, and so many earlier.
    struct Join: Hashable, Sendable {
        var moment: Duration
        /// Nil: any number.
        var earlier: ClosedRange<Int>?
    }

    /// In order.
    var joins: [Join] = []
    /// How many pictures there are to be; nil: any number.
    var count: ClosedRange<Int>?

    var moments: [Duration] { joins.map(\.moment) }

    init() {}

    /// Of pictures that are encoded: so many a second.
    init(encodedBy plan: MuxPlan) {
        func count(_ time: Duration) -> ClosedRange<Int> {
            let count = Int((time.inSeconds * Double(plan.frameRate)).rounded())
            return max(0, count - 2)...count + 2
        }
        joins = plan.shownPieces.map(\.start).filter { $0 > .zero && $0 < plan.duration }.map {
            Join(moment: $0, earlier: count($0))
        }
        self.count = count(plan.duration)
    }

    /// Of pictures that are copied: each that its screen has, unless it is cut.
    init(copiedBy plan: MuxPlan, from screens: [MuxInput], sliceLength: Duration) {
        let pieces = plan.shownPieces
        // Of what a tool had to measure it is not known what it leaves out.
        let isKnown = pieces.compactMap(\.screen).allSatisfy { screens[$0].quick != nil }
        var earlier = 0...0
        for (number, piece) in pieces.enumerated() {
            switch piece.content {
            case .padding:
                join(piece.start, isKnown ? earlier : nil)
                let count = MuxCommand.sliceStarts(from: piece.start, to: piece.end, length: sliceLength).count
                earlier = earlier.lowerBound + count...earlier.upperBound + count
            case .screen(let screen, from: _, let stretch):
                let facts = screens[screen].facts
                guard let picture = facts.picture, let rate = fraction(picture.frameRate), rate > 0 else { continue }
                func shown(_ time: Duration) -> Duration { piece.start + (time - facts.start) * stretch }
                let step = Duration.seconds(1 / rate)
                if number > 0 || piece.start == .zero {
                    join(shown(picture.start), isKnown ? earlier : nil)
                } else if isKnown, picture.packetCount > 1 {
                    // The first picture stands from the start on, so the second tells when its screen begins.
                    join(shown(picture.start + step), 1...1)
                }
                let count = ExpectedPictures.count(
                    picture, until: piece.end, from: shown(picture.start), step: step * stretch,
                    isCut: shown(picture.end) > piece.end + .milliseconds(1))
                earlier = earlier.lowerBound + count.lowerBound...earlier.upperBound + count.upperBound
            }
        }
        joins = joins.filter { $0.moment > .zero && $0.moment < plan.duration }
        if isKnown { count = earlier }
    }

    private mutating func join(_ moment: Duration, _ earlier: ClosedRange<Int>?) {
        joins.append(Join(moment: moment, earlier: earlier))
    }

    private static func count(
        _ picture: StreamFacts, until end: Duration, from start: Duration, step: Duration, isCut: Bool
    ) -> ClosedRange<Int> {
        guard isCut else { return picture.packetCount...picture.packetCount }
        let shown = max(0, Int((max(.zero, end - start) / step).rounded(.up)))
        // Reordered, what others need comes with them.
        let needed = picture.reorderTicks == 0 ? 1 : 20
        let most = min(picture.packetCount, shown + needed)
        return min(most, max(1, shown - 2))...most
    }

    /// What is not so; nil where all is.
    func mismatch(_ picture: StreamFacts) -> String? {
        func text(_ range: ClosedRange<Int>) -> String {
            range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        }
        if let count, !count.contains(picture.packetCount) {
            return "it has \(picture.packetCount) pictures rather than \(text(count))"
        }
        guard picture.moments.count == joins.count else { return "when its pictures are shown is not known" }
        for (join, found) in zip(joins, picture.moments) {
            guard found.nearest <= MomentTimes.tolerance else {
                return "no picture is shown at \(join.moment.inSeconds) s, where something begins"
            }
            guard let earlier = join.earlier else { continue }
            // The last ones before may be so near that they do not count as earlier.
            let near =
                2 + Int(MomentTimes.tolerance.inSeconds * (fraction(picture.frameRate).map { min($0, 60) } ?? 60))
            guard (earlier.lowerBound - near...earlier.upperBound).contains(found.earlier) else {
                return
                    "\(found.earlier) pictures are shown before \(join.moment.inSeconds) s rather than \(text(earlier))"
            }
        }
        return nil
    }
}
