internal import Vocabulary

/// Figures as people say them.
enum HumanText {
    /// `120 ms`, `3.4 s`, `42 s`, `5 min`, `3 h`, `4 d`: the largest unit that is not zero.
    static func span(_ span: Duration) -> String {
        let seconds = max(0, span.inSeconds)
        if seconds < 1 { return "\(Int((seconds * 1000).rounded(.down))) ms" }
        if seconds < 10 { return "\(tenths(seconds)) s" }
        if seconds < 60 { return "\(Int(seconds)) s" }
        if seconds < 3600 { return "\(Int(seconds / 60)) min" }
        if seconds < 48 * 3600 { return "\(Int(seconds / 3600)) h" }
        return "\(Int(seconds / 86_400)) d"
    }

    /// `just now`, `3 s ago`, `2 min ago`.
    static func ago(_ span: Duration) -> String {
        span < .seconds(1) ? "just now" : "\(HumanText.span(.seconds(Int64(span.inSeconds)))) ago"
    }

    /// `512 B`, `1.4 GiB`, `412 GiB`.
    static func bytes(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var amount = Double(max(0, count))
        var place = 0
        while amount >= 1023.5 && place < units.count - 1 {
            amount /= 1024
            place += 1
        }
        let isWhole = place == 0 || amount >= 99.95
        return (isWhole ? "\(Int(amount.rounded()))" : tenths(amount)) + " " + units[place]
    }

    /// `1,234,567`.
    static func count(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0 && (digits.count - place) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + text
    }

    /// `1 recording`, `2 recordings`.
    static func count(_ number: Int, _ noun: String) -> String {
        "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    /// `71.3%` of 71.26.
    static func percent(_ percent: Double) -> String { tenths(percent) + "%" }

    private static func tenths(_ number: Double) -> String {
        let rounded = Int((number * 10).rounded())
        return "\(rounded / 10)" + (rounded % 10 == 0 ? "" : ".\(rounded % 10)")
    }
}
