internal import Vocabulary

/// A number with a unit behind it: `10s`, `30 minutes`, `64MiB`.
private func taken(_ text: some StringProtocol) -> (number: Int64, unit: String)? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits) else { return nil }
    let unit = text[digits.endIndex...].drop { $0 == " " }
    return (number, String(unit))
}

enum DurationText {
    /// The unit's microseconds; short and long names, singular and plural.
    private static let units: [(names: [String], microseconds: Int64)] = [
        (["us", "microsecond", "microseconds"], 1),
        (["ms", "millisecond", "milliseconds"], 1000),
        (["s", "sec", "second", "seconds"], 1_000_000),
        (["m", "min", "minute", "minutes"], 60_000_000),
        (["h", "hour", "hours"], 3_600_000_000),
        (["d", "day", "days"], 86_400_000_000),
    ]

    static func read(_ text: some StringProtocol) -> Reading<Duration> {
        if text.isEmpty { return .refused("is empty") }
        guard let (number, unit) = taken(text) else { return .refused("is not a duration") }
        if unit.isEmpty { return .refused("has no unit") }
        guard let known = units.first(where: { $0.names.contains(unit.lowercased()) }) else {
            return .refused("has a unit that is not one of time")
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: known.microseconds)
        return overflow ? .refused("is too long") : .value(.microseconds(product))
    }

    /// With the largest unit that divides it: `90m`, `10s`.
    static func written(_ span: Duration) -> String {
        let microseconds = span.wholeMicroseconds
        guard microseconds != 0 else { return "0s" }
        for unit in units.reversed() where microseconds.isMultiple(of: unit.microseconds) {
            return "\(microseconds / unit.microseconds)\(unit.names[0])"
        }
        return "\(microseconds)us"
    }
}

enum ByteCountText {
    private static let units: [(name: String, bytes: Int64)] = [
        ("B", 1), ("kB", 1000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20), ("GB", 1_000_000_000),
        ("GiB", 1 << 30), ("TB", 1_000_000_000_000), ("TiB", 1 << 40),
    ]

    static func read(_ text: String) -> Reading<Int64> {
        guard let (number, unit) = taken(text) else { return .refused("is not a size") }
        if unit.isEmpty { return .refused("has no unit") }
        guard let known = units.first(where: { $0.name.lowercased() == unit.lowercased() }) else {
            return .refused("has a unit that is not one of size")
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: known.bytes)
        return overflow ? .refused("is too large") : .value(product)
    }

    /// Plain digits are bytes.
    static func count(_ text: String) -> Reading<Int64> { read(Int64(text) == nil ? text : text + "B") }

    /// With the largest binary unit that divides it: `64MiB`.
    static func written(_ bytes: Int64) -> String {
        guard bytes != 0 else { return "0B" }
        for unit in units.reversed() where unit.name.hasSuffix("iB") && bytes.isMultiple(of: unit.bytes) {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return "\(bytes)B"
    }
}

/// The manual's words for how far back recordings are looked for.
enum IntervalText {
    static func read(_ text: String) -> Reading<Interval> {
        let folded = text.lowercased().split { $0 == " " || $0 == "-" || $0 == "_" }.joined(separator: "-")
        switch folded {
        case "": return .refused("is empty")
        case "yesterday": return .value(.yesterday)
        case "last-week": return .value(.lastWeek)
        case "last-month": return .value(.lastMonth)
        default: return readWindow(text)
        }
    }

    static func written(_ interval: Interval) -> String {
        switch interval {
        case .yesterday: "yesterday"
        case .lastWeek: "last-week"
        case .lastMonth: "last-month"
        case .floating(let days, let endingBefore):
            "floatend=\(DurationText.written(endingBefore)) days=\(days)"
        }
    }

    /// Days of a window that names none.
    private static let standardDays = 7

    /// `floatend=30 minutes days=3`, in either order; without `floatend` the window ends now, without `days` it is a
    /// week long.
    private static func readWindow(_ text: String) -> Reading<Interval> {
        var values: [String: String] = [:]
        var key: String?
        for word in text.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 {
                let name = parts[0].lowercased()
                guard name == "floatend" || name == "days" else { return .refused("has a part that is not known") }
                guard values[name] == nil else { return .refused("says \(name) twice") }
                key = name
                values[name] = String(parts[1])
            } else if let key {
                values[key, default: ""] += " \(word)"
            } else {
                return .refused("is not an interval")
            }
        }
        guard let days = values["days"].map({ Int($0) }) ?? standardDays, (1...3660).contains(days) else {
            return .refused("names no number of days from 1 to 3660")
        }
        guard let floatend = values["floatend"] else { return .value(.floating(days: days, endingBefore: .zero)) }
        switch DurationText.read(floatend) {
        case .value(let span) where span <= .seconds(86_400 * 31):
            return .value(.floating(days: days, endingBefore: span))
        case .value: return .refused("has a floatend of more than 31 days")
        case .refused(let why): return .refused("has a floatend that \(why)")
        }
    }
}

/// A number of bytes as a person types it: `200MiB`, `1 GB`, `4096`; nil where it is none.
package func byteCount(of text: String) -> Int64? {
    guard case .value(let bytes) = ByteCountText.count(text) else { return nil }
    return bytes
}
