internal import Vocabulary

/// What is shown at a moment at which something is to begin.
package struct MomentFacts: Hashable, Sendable {
    /// How far from it the nearest picture is shown; what is farther off than ``MomentTimes/farthest`` is that far.
    package var nearest: Duration
    /// How many pictures are shown earlier than by ``MomentTimes/tolerance`` before it.
    package var earlier: Int
}

/// Gathers what is shown at moments, whatever the order in which pictures come.
struct MomentTimes {
    static let farthest = Duration.seconds(1)
    /// How far a picture or the sound may be shown or heard from when it was.
    static let tolerance = Duration.milliseconds(40)

    private let moments: [Int64]
    private var nearest: [Int64]
    /// Of each moment, how many pictures are earlier than it, and not than the one before; the last of none.
    private var counts: [Int]

    /// - Parameter moments: in order.
    init(_ moments: [Duration]) {
        self.moments = moments.map(\.wholeMicroseconds)
        nearest = Array(repeating: MomentTimes.farthest.wholeMicroseconds, count: moments.count)
        counts = Array(repeating: 0, count: moments.count + 1)
    }

    var isEmpty: Bool { moments.isEmpty }
    var facts: [MomentFacts] {
        var earlier = 0
        return moments.indices.map {
            earlier += counts[$0]
            return MomentFacts(nearest: .microseconds(nearest[$0]), earlier: earlier)
        }
    }

    mutating func take(_ time: Duration) {
        let time = time.wholeMicroseconds
        let most = MomentTimes.farthest.wholeMicroseconds
        var index = first(from: time - most)
        while index < moments.count, moments[index] <= time + most {
            nearest[index] = min(nearest[index], abs(moments[index] - time))
            index += 1
        }
        counts[first(from: time + MomentTimes.tolerance.wholeMicroseconds + 1)] += 1
    }

    /// The first moment that is not before this.
    private func first(from time: Int64) -> Int {
        var (low, high) = (0, moments.count)
        while low < high {
            let middle = (low + high) / 2
            if moments[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
