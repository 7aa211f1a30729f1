package import Vocabulary

/// When a day directory counts as closed: nothing more is to come.
package enum ClosedDay {
    /// Whether the day of a folder (`YYYYMMDD`, by whatever recorder's clock) ended `after` ago or longer. For a folder
    /// of another name, `youngest`, the age of what came to it last, has to be that and a day.
    package static func isOver(_ folder: String, at now: Instant, after: Duration, youngest: Duration?) -> Bool {
        guard let noon = noon(of: folder) else {
            return youngest.map { $0 >= after + .seconds(86_400) } ?? false
        }
        // The last place on Earth where that day ends is 12 hours behind UTC.
        return now - noon >= .seconds(86_400) + after
    }

    /// 12:00 UTC of the day.
    private static func noon(of folder: String) -> Instant? {
        let digits = Array(folder.utf8)
        guard digits.count == 8, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        func number(_ range: Range<Int>) -> Int { digits[range].reduce(0) { $0 * 10 + Int($1) - 48 } }
        let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
        guard (1...12).contains(month), (1...31).contains(day) else { return nil }
        // Days since 1970 of the Gregorian calendar, the year beginning in March.
        let years = month > 2 ? year : year - 1
        let era = years / 400
        let ofEra = years - era * 400
        let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
        return Instant(microseconds: (Int64(days) * 86_400 + 43_200) * 1_000_000)
    }
}
