internal import Vocabulary

/// Texts and times as PostgreSQL writes them, read without ever failing a whole result for one bad value.
enum CatalogText {
    /// The bytes as text; those that are not UTF-8 (a database whose encoding says nothing) as `\xNN`, so that two
    /// texts that differ stay different.
    static func repaired(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
            if let good = String(validating: rest.prefix(length), as: UTF8.self), rest.count >= length {
                text += good
                rest = rest.dropFirst(length)
            } else {
                text += "\\x" + Hex.text(of: [first])
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// PostgreSQL's ISO text of a `timestamp`: `2026-11-21 02:03:04.000005`, fraction optional, a zone of `+00`
    /// allowed. Nil for infinity, years before 1 and after 9999.
    static func wallTime(_ bytes: [UInt8]) -> WallTime? {
        var parts: [Int64] = []
        var fraction: Int64 = 0
        var fractionDigits = 0
        var index = 0
        func number() -> (value: Int64, digits: Int) {
            var value: Int64 = 0
            var digits = 0
            while index < bytes.count, digits < 9, case 48...57 = bytes[index] {
                value = value * 10 + Int64(bytes[index] - 48)
                index += 1
                digits += 1
            }
            return (value, digits)
        }
        for separator in "-- ::".utf8 {
            let (value, digits) = number()
            guard digits > 0, index < bytes.count, bytes[index] == separator else { return nil }
            parts.append(value)
            index += 1
        }
        let seconds = number()
        guard seconds.digits == 2 else { return nil }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            (fraction, fractionDigits) = number()
        }
        guard fractionDigits <= 6, bytes[index...].isEmpty || bytes[index...].elementsEqual("+00".utf8) else {
            return nil
        }
        for _ in fractionDigits..<6 { fraction *= 10 }
        guard (1...9999).contains(parts[0]), (1...12).contains(parts[1]), (1...31).contains(parts[2]) else {
            return nil
        }
        let wholeSeconds =
            days(parts[0], parts[1], parts[2]) * 86_400 + parts[3] * 3600 + parts[4] * 60 + seconds.value
        return WallTime(microseconds: wholeSeconds * 1_000_000 + fraction)
    }

    /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar, with years that begin in March.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
