/// Free space at one minute (of any clock that goes evenly).
package struct FillingPoint: Hashable, Sendable {
    package let minute: Int64
    /// Bytes.
    package let available: Int64
    package init(minute: Int64, available: Int64) {
        self.minute = minute
        self.available = available
    }
}

/// When a volume will be full, as straight lines of least squares over a short and a long while say.
package struct FillingForecast: Hashable, Sendable {
    /// Until its floor, by the line that gives it longer; nil where one of them says never.
    package let toFloor: Duration?
    package let toTrigger: Duration?
    /// By the long line alone.
    package let longToFloor: Duration?

    private static let short: Int64 = 6 * 60
    private static let long: Int64 = 24 * 60
    private static let fewest = 12
    /// The long line needs more to it than the short one, or both are one.
    private static let longAtLeast: Int64 = 12 * 60

    /// - Parameter points: the oldest first; those that are too old count for nothing.
    /// - Returns: nil where they are too few, or of too short a while.
    package init?(_ points: [FillingPoint], trigger: Int64, floor: Int64) {
        guard let last = points.last else { return nil }
        let day = FillingForecast.points(after: last.minute - FillingForecast.long, of: points[...])
        let hours = FillingForecast.points(after: last.minute - FillingForecast.short, of: day)
        guard hours.count >= FillingForecast.fewest, let first = day.first,
            last.minute - first.minute >= FillingForecast.longAtLeast
        else { return nil }
        let slopes = [FillingForecast.slope(hours), FillingForecast.slope(day)]
        func time(to level: Int64, at slope: Double) -> Duration? {
            guard slope < 0 else { return nil }
            return .seconds(Int64(min(1e9, max(0, Double(last.available - level) / -slope * 60))))
        }
        func longer(to level: Int64) -> Duration? {
            let times = slopes.compactMap { time(to: level, at: $0) }
            return times.count == slopes.count ? times.max() : nil
        }
        toFloor = longer(to: floor)
        toTrigger = longer(to: trigger)
        longToFloor = time(to: floor, at: slopes[1])
    }

    /// Whether it looks as if it should be told, once that has lasted.
    /// - Parameter free: the fraction available.
    package func isFilling(free: Double) -> Bool {
        guard let toFloor else { return false }
        return toFloor < .seconds(24 * 3600) && free < 0.4
    }

    /// Whether what was told is over.
    package var isOver: Bool { longToFloor.map { $0 > .seconds(36 * 3600) } ?? true }

    /// Points come in their order.
    private static func points(after minute: Int64, of points: ArraySlice<FillingPoint>) -> ArraySlice<FillingPoint> {
        var (begin, end) = (points.startIndex, points.endIndex)
        while begin < end {
            let middle = (begin + end) / 2
            if points[middle].minute > minute { end = middle } else { begin = middle + 1 }
        }
        return points[begin...]
    }

    /// Bytes a minute.
    private static func slope(_ points: ArraySlice<FillingPoint>) -> Double {
        let count = Double(points.count)
        guard let first = points.first, count > 1 else { return 0 }
        var (middle, level) = (0.0, 0.0)
        for point in points {
            middle += Double(point.minute - first.minute)
            level += Double(point.available)
        }
        middle /= count
        level /= count
        var (covariance, variance) = (0.0, 0.0)
        for point in points {
            let time = Double(point.minute - first.minute) - middle
            covariance += time * (Double(point.available) - level)
            variance += time * time
        }
        return variance > 0 ? covariance / variance : 0
    }
}
