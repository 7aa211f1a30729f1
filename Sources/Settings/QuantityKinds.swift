internal import Vocabulary

extension SettingKind<Duration> {
    static func duration(_ range: ClosedRange<Duration>) -> SettingKind {
        let span = "\(DurationText.written(range.lowerBound)) to \(DurationText.written(range.upperBound))"
        return quoted(
            "duration, \(span)",
            hint: "Write a duration in quotes with its unit (ms, s, m, h, d), from \(span), such as \"10s\"",
            placeholder: range.lowerBound,
            read: { text in
                switch DurationText.read(text) {
                case .value(let span) where range.contains(span): .value(span)
                case .value: .refused("is outside \(span)")
                case .refused(let why): .refused(why)
                }
            },
            written: DurationText.written)
    }

    /// A whole number of milliseconds, for settings whose names end in `_ms`.
    static func milliseconds(_ range: ClosedRange<Int>) -> SettingKind {
        let span = "\(range.lowerBound) to \(range.upperBound)"
        return SettingKind(
            name: "whole milliseconds, \(span)",
            hint: "Write a whole number of milliseconds from \(span), without quotes and unit",
            placeholder: .milliseconds(range.lowerBound),
            read: { value in
                guard case .integer(let number) = value.content else { return .refused("is \(value.kindName)") }
                return range.contains(number) ? .value(.milliseconds(number)) : .refused("is outside \(span)")
            },
            written: { "\($0.wholeMilliseconds)" })
    }
}

extension SettingKind<Percent> {
    static func percent(_ range: ClosedRange<Int>) -> SettingKind {
        let span = "\(range.lowerBound)% to \(range.upperBound)%"
        return quoted(
            "percentage, \(span)", hint: "Write a percentage in quotes, from \(span), such as \"85%\"",
            placeholder: Percent(range.lowerBound),
            read: { text in
                guard text.hasSuffix("%") else { return .refused("has no percent sign") }
                guard let points = hundredths(text.dropLast()) else { return .refused("is not a percentage") }
                guard (range.lowerBound * 100...range.upperBound * 100).contains(points),
                    let percent = Percent(basisPoints: points)
                else { return .refused("is outside \(span)") }
                return .value(percent)
            },
            written: \.description)
    }

    fileprivate static func basisPoints(_ text: Substring) -> Int? { hundredths(text) }

    /// `85` → 8500, `85.25` → 8525; at most two decimal places.
    private static func hundredths(_ text: Substring) -> Int? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = digits(parts[0], atMost: 6) else { return nil }
        guard parts.count == 2 else { return whole * 100 }
        guard let part = digits(parts[1], atMost: 2) else { return nil }
        return whole * 100 + (parts[1].utf8.count == 1 ? part * 10 : part)
    }

    private static func digits(_ text: Substring, atMost count: Int) -> Int? {
        guard (1...count).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}

extension SettingKind<Int64> {
    static func byteCount(_ range: ClosedRange<Int64>) -> SettingKind {
        let span = "\(ByteCountText.written(range.lowerBound)) to \(ByteCountText.written(range.upperBound))"
        return quoted(
            "size, \(span)",
            hint:
                "Write a size in quotes with its unit (B, KiB, MiB, GiB, TiB, or kB, MB, GB, TB), from \(span), such as"
                + " \"64MiB\"",
            placeholder: range.lowerBound,
            read: { text in
                switch ByteCountText.read(text) {
                case .value(let bytes) where range.contains(bytes): .value(bytes)
                case .value: .refused("is outside \(span)")
                case .refused(let why): .refused(why)
                }
            },
            written: ByteCountText.written)
    }
}

extension SettingKind<Interval> {
    static let interval = quoted(
        "interval",
        hint: "Write \"yesterday\", \"last-week\", \"last-month\", or a window such as \"floatend=30 minutes days=3\"",
        placeholder: .yesterday, read: IntervalText.read, written: IntervalText.written)
}

extension SettingKind<Watermark> {
    /// A percentage used, or `free:` and a size.
    static let watermark = quoted(
        "percentage, 1% to 100%, or free:SIZE",
        hint: "Write a percentage in quotes, from 1% to 100%, such as \"85%\", or what is to stay free, such as"
            + " \"free:200GiB\"",
        placeholder: .used(Percent(1)),
        read: { text in
            if text.hasPrefix("free:") {
                return switch ByteCountText.read(String(text.dropFirst(5))) {
                case .value(let bytes) where bytes > 0: .value(.free(bytes))
                case .value: .refused("leaves nothing free")
                case .refused(let why): .refused(why)
                }
            }
            guard text.hasSuffix("%") else { return .refused("has no percent sign") }
            guard let points = SettingKind<Percent>.basisPoints(text.dropLast()) else {
                return .refused("is not a percentage")
            }
            guard (100...10_000).contains(points), let percent = Percent(basisPoints: points) else {
                return .refused("is outside 1% to 100%")
            }
            return .value(.used(percent))
        },
        written: \.description)
}
