internal import Vocabulary

/// A time in which the sound was masked, from the sound's estimated start, on the recorder's clock, as offsets of screens
/// are. What is not known for sure is in it.
package struct MaskedTime: Hashable, Sendable {
    package var start: Duration
    /// Nil: until the sound ends.
    package var end: Duration?

    package init(start: Duration, end: Duration?) {
        self.start = start
        self.end = end
    }
}

/// A span of a result in which nothing may be seen, on the sound's timeline.
package struct BlankedSpan: Hashable, Sendable {
    package var start: Duration
    package var end: Duration

    package init(start: Duration, end: Duration) {
        self.start = start
        self.end = end
    }
}

package enum MaskRefusal: Hashable, Sendable, CustomStringConvertible {
    /// The mask at this index lies before the sound or behind it: it is another's, or in another clock.
    case outside(Int)
    /// The mask at this index ends before it begins.
    case reversed(Int)
    /// The screen at this index began nobody knows when, so that nobody knows what it showed meanwhile.
    case unplaced(screen: Int)

    package var description: String { text(screens: []) }

    /// The screen without which the mask may be placed; nil where it is the mask's own.
    package var screen: Int? {
        switch self {
        case .outside, .reversed: nil
        case .unplaced(let screen): screen
        }
    }

    package func text(screens names: [String]) -> String {
        switch self {
        case .outside(let index): "masked time \(index + 1) does not lie within the sound"
        case .reversed(let index): "masked time \(index + 1) ends before it begins"
        case .unplaced(let index):
            "the row of \(names.indices.contains(index) ? names[index] : "screen \(index + 1)") does not say when it began, so "
                + "that masked time cannot be placed on it"
        }
    }
}

extension MuxPlan {
    /// The plan with pictures blanked while the sound was masked; they have to be encoded for that.
    ///
    /// Spans are widened by all that may be off in the places of the screens: by what their starts are uncertain, by how far
    /// they were moved, and by what is left between the lengths of rows and files.
    package func blanking(
        _ masks: [MaskedTime], sound: SoundTrack, screens: [ScreenTrack]
    ) throws(MaskFailure) -> MuxPlan {
        if masks.isEmpty { return self }
        let pace = soundPace
        let farthest = pieces.map { slack(of: $0, screens) }.max() ?? .zero
        let margin = farthest + remainder(sound.claimed, scaled(sound.duration, by: 1 / pace)) + BlankedSpan.leastMargin
        var spans: [BlankedSpan] = []
        for (index, mask) in masks.enumerated() {
            if let end = mask.end, end < mask.start { throw MaskFailure(refusal: .reversed(index)) }
            let start = scaled(mask.start, by: pace) - margin
            let end = mask.end.map { scaled($0, by: pace) + margin } ?? duration
            guard start < duration, .zero < end else { throw MaskFailure(refusal: .outside(index)) }
            spans.append(BlankedSpan(start: max(start, .zero), end: max(min(end, duration), .zero)))
        }
        var blanked = self
        blanked.blanked = merged(spans)
        blanked.picture = .encode(.masked)
        return blanked
    }

    /// How far the pictures of a piece may be from where they belong.
    private func slack(of piece: Piece, _ screens: [ScreenTrack]) -> Duration {
        guard case .screen(let index, let from, let stretch) = piece.content else { return .zero }
        let screen = screens[index]
        let moved = piece.start - scaled(from, by: stretch) - scaled(screen.offset, by: soundPace)
        return screen.uncertainty + max(moved, .zero - moved)
            + remainder(screen.claimed, screen.duration)
    }
}

/// Why masked time cannot be blanked.
package struct MaskFailure: Error, Hashable {
    package let refusal: MaskRefusal
}

extension BlankedSpan {
    /// For what is rounded on the way.
    static let leastMargin = Duration.milliseconds(2)
}

/// What lies between the length that the row claims and the measured one. Of a screen also where it was taken for drift: pictures
/// may be missing rather than slow, while sound has no gaps.
private func remainder(_ claimed: ClaimedLength?, _ measured: Duration) -> Duration {
    guard let claimed else { return .zero }
    let left = claimed.length - measured
    return max(left, .zero - left)
}

private func merged(_ spans: [BlankedSpan]) -> [BlankedSpan] {
    var merged: [BlankedSpan] = []
    for span in spans.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
        if let last = merged.last, span.start <= last.end {
            merged[merged.count - 1].end = max(last.end, span.end)
        } else {
            merged.append(span)
        }
    }
    return merged
}
