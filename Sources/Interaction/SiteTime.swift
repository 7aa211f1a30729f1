package import Vocabulary

/// Times as RWS writes them: `2024-03-05T10:00:00.000+0000`, or with `Z`.
package enum SiteTime {
    /// Nil where the text is no such time.
    package static func instant(_ text: String) -> Instant? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == dash, bytes[7] == dash,
            bytes[10] | 0x20 == UInt8(ascii: "t"),
            bytes[13] == colon, bytes[16] == colon,
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]),
            1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second < 61
        else { return nil }
        var rest = bytes[19...]
        var micros: Int64 = 0
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            let digits = rest.prefix { digit($0) != nil }
            guard !digits.isEmpty else { return nil }
            var unit: Int64 = 100_000
            for byte in digits.prefix(6) {
                micros += Int64(byte - zero) * unit
                unit /= 10
            }
            rest = rest.dropFirst(digits.count)
        }
        guard let zone = zoneSeconds(rest) else { return nil }
        let seconds = days(year, month, day) * 86_400 + Int64(hour * 3600 + minute * 60 + second) - zone
        return Instant(microseconds: seconds * 1_000_000 + micros)
    }

    /// As the insertion takes it: `2024-03-05T10:00:00.250Z`.
    package static func text(_ instant: Instant) -> String {
        let wall = WallTime(microseconds: instant.microseconds)
        let millis = String(wall.civil.microsecond / 1000)
        return wall.secondsText(separator: "T") + "." + String(repeating: "0", count: 3 - millis.count)
            + millis + "Z"
    }

    /// As a search takes it.
    package static func milliseconds(_ instant: Instant) -> String {
        String(Int64((Double(instant.microseconds) / 1000).rounded(.down)))
    }

    /// East of Greenwich. `Z`, `+0000`, `+00:00`.
    private static func zoneSeconds(_ text: ArraySlice<UInt8>) -> Int64? {
        guard let sign = text.first else { return nil }
        if sign | 0x20 == UInt8(ascii: "z") { return text.count == 1 ? 0 : nil }
        let digits = text.dropFirst().filter { $0 != colon }
        guard sign == UInt8(ascii: "+") || sign == dash, digits.count == 4,
            let hours = number(digits[0..<2]),
            let minutes = number(digits[2..<4])
        else { return nil }
        return Int64(hours * 3600 + minutes * 60) * (sign == dash ? -1 : 1)
    }

    private static let dash = UInt8(ascii: "-")
    private static let colon = UInt8(ascii: ":")
    private static let zero = UInt8(ascii: "0")

    private static func digit(_ byte: UInt8) -> Int? {
        zero...UInt8(ascii: "9") ~= byte ? Int(byte - zero) : nil
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for byte in bytes {
            guard let digit = digit(byte) else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Days since 1970-01-01 of a Gregorian date, with years that begin in March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let years = month <= 2 ? year - 1 : year
        let era = years / 400
        let yearOfEra = years - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return Int64(
            era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
    }
}
