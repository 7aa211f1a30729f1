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
        let day = points.filter { $0.minute > last.minute - FillingForecast.long }
        let hours = day.filter { $0.minute > last.minute - FillingForecast.short }
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

    /// Bytes a minute.
    private static func slope(_ points: [FillingPoint]) -> Double {
        let count = Double(points.count)
        guard let first = points.first, count > 1 else { return 0 }
        let times = points.map { Double($0.minute - first.minute) }
        let middle = times.reduce(0, +) / count
        let level = points.reduce(0) { $0 + Double($1.available) } / count
        var (covariance, variance) = (0.0, 0.0)
        for (point, time) in zip(points, times) {
            covariance += (time - middle) * (Double(point.available) - level)
            variance += (time - middle) * (time - middle)
        }
        return variance > 0 ? covariance / variance : 0
    }
}
