package import Vocabulary

/// A moment of a mask as it was written down.
package enum MaskMoment: Hashable, Sendable {
    /// On the recorder's clock. Of whole seconds it is known to the second only.
    case wall(WallTime)
    /// UTC, with a zone that was named.
    case instant(Instant)
    /// From the start of the sound.
    case offset(Duration)

    /// `2026-11-20 12:00:00`, with fractions or without, with `T`, with a zone or without; or a number: of 10^11 and more,
    /// milliseconds since 1970 UTC, below that milliseconds from the start of the sound.
    ///
    /// Nil for all else: who cannot read a mask must not guess.
    package init?(_ text: String) {
        let text = String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        if let number = Int64(text) {
            guard number >= 0, number < 100_000_000_000_000 else { return nil }
            self =
                number >= 100_000_000_000
                ? .instant(Instant(microseconds: number * 1000)) : .offset(.milliseconds(number))
            return
        }
        var reader = MomentReader(Array(text.utf8))
        guard let wall = reader.wallTime() else { return nil }
        if reader.isAtEnd {
            self = .wall(wall)
        } else if let offset = reader.zone(), reader.isAtEnd {
            self = .instant(Instant(microseconds: wall.microseconds - offset * 1_000_000))
        } else {
            return nil
        }
    }
}

/// Reads a date and time byte by byte.
private struct MomentReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { place == bytes.count }

    mutating func wallTime() -> WallTime? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2) else { return nil }
        guard take("T") || take(" ") else { return nil }
        guard let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2) else {
            return nil
        }
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second < 60
        else { return nil }
        var fraction: Int64 = 0
        if take(".") {
            var unit: Int64 = 100_000
            var count = 0
            while let digit = digit() {
                fraction += digit * unit
                unit /= 10
                count += 1
            }
            if count == 0 { return nil }
        }
        let days = MomentReader.days(year, month, day)
        let made = WallTime(
            microseconds: (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + fraction)
        // The 31st of a month that has none.
        return made.civil.day == Int(day) ? made : nil
    }

    /// Seconds east of UTC: `Z`, `+0100`, `+01:00`.
    mutating func zone() -> Int64? {
        if take("Z") { return 0 }
        let sign: Int64
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hours = number(2) else { return nil }
        _ = take(":")
        guard let minutes = number(2), hours <= 14, minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    private mutating func take(_ character: Character) -> Bool {
        guard place < bytes.count, bytes[place] == character.asciiValue else { return false }
        place += 1
        return true
    }

    private mutating func digit() -> Int64? {
        guard place < bytes.count, (48...57).contains(bytes[place]) else { return nil }
        place += 1
        return Int64(bytes[place - 1] - 48)
    }

    private mutating func number(_ count: Int) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    /// Since 1970-01-01, in the proleptic Gregorian calendar.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// A mask as it was written down, before it is known when the sound began.
package struct RecordedMask: Hashable, Sendable {
    package var start: MaskMoment
    /// Nil: it was not ended.
    package var end: MaskMoment?

    package init(start: MaskMoment, end: MaskMoment?) {
        self.start = start
        self.end = end
    }

    /// `<start>/<end>`, or `<start>/` where it was not ended. Nil for all else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let start = MaskMoment(String(parts[0])) else { return nil }
        self.start = start
        let last = parts[1].drop { $0 == " " }
        if last.isEmpty { return }
        guard let end = MaskMoment(String(last)) else { return nil }
        self.end = end
    }

    /// On the sound's clock; nil where it takes the sound's start and nobody knows that, or a zone that nobody knows.
    /// - Parameter isUTC: the rows' clock is UTC, as that of a GIR site is.
    package func placed(from beginning: Beginning?, isUTC: Bool) -> MaskedTime? {
        guard let first = start.span(from: beginning, isUTC: isUTC) else { return nil }
        guard let end else { return MaskedTime(start: first.earliest, end: nil) }
        guard let last = end.span(from: beginning, isUTC: isUTC) else { return nil }
        return MaskedTime(start: first.earliest, end: last.latest)
    }
}

extension MaskMoment {
    fileprivate func span(from beginning: Beginning?, isUTC: Bool) -> (earliest: Duration, latest: Duration)? {
        let wall: WallTime
        switch self {
        case .offset(let offset): return (offset, offset)
        case .wall(let time): wall = time
        case .instant(let instant):
            guard isUTC else { return nil }
            wall = WallTime(microseconds: instant.microseconds)
        }
        guard let beginning else { return nil }
        let middle = (beginning.earliest.microseconds + beginning.latest.microseconds) / 2
        let offset = Duration.microseconds(wall.microseconds - middle)
        // Of whole seconds nobody knows how they were rounded.
        let grain = wall.microseconds % 1_000_000 == 0 ? Duration.seconds(1) : .zero
        return (offset - grain, offset + grain)
    }
}
