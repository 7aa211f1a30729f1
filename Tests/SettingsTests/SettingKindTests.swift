import Testing
import Vocabulary

@testable import Settings

/// What is read from a text; for a refusal, its reason.
private func outcome<Value>(_ kind: SettingKind<Value>, _ text: String) -> String {
    switch kind.read(DocumentValue(content: .string(text), line: nil)) {
    case .value(let value): kind.written(value)
    case .refused(let why): why
    }
}

@Suite struct SettingKindTests {
    @Test(arguments: [
        ("10s", "\"10s\""), ("500ms", "\"500ms\""), ("5m", "\"5m\""), ("7d", "\"7d\""), ("120 seconds", "\"2m\""),
        ("30 minutes", "\"30m\""), ("1 Hour", "\"1h\""), ("0s", "\"0s\""), ("1500ms", "\"1500ms\""),
        ("10", "has no unit"), ("10 parsecs", "has a unit that is not one of time"), ("ten s", "is not a duration"),
        ("-1s", "is not a duration"), ("1.5s", "has a unit that is not one of time"), ("", "is empty"),
        ("99999999999999999999s", "is not a duration"), ("9223372036854775807d", "is too long"),
        ("31d", "is outside 0s to 30d"), ("10MiB", "has a unit that is not one of time"),
    ])
    func `durations say their unit`(text: String, expected: String) {
        #expect(outcome(.duration(.zero...(.seconds(30 * 86_400))), text) == expected)
    }

    @Test(arguments: [
        ("64MiB", "\"64MiB\""), ("1 GiB", "\"1GiB\""), ("2048kib", "\"2MiB\""), ("1MB", "\"1000000B\""),
        ("0B", "\"0B\""), ("64", "has no unit"), ("64M", "has a unit that is not one of size"),
        ("10s", "has a unit that is not one of size"), ("x", "is not a size"), ("9999999TiB", "is too large"),
        ("2TiB", "is outside 0B to 1TiB"),
    ])
    func `sizes say their unit`(text: String, expected: String) {
        #expect(outcome(.byteCount(0...1 << 40), text) == expected)
    }

    @Test(arguments: [
        ("85%", "\"85%\""), ("99.5%", "\"99.5%\""), ("85.05%", "\"85.05%\""), ("100%", "\"100%\""),
        ("85", "has no percent sign"), ("0%", "is outside 1% to 100%"), ("100.01%", "is outside 1% to 100%"),
        ("-5%", "is not a percentage"), ("1.234%", "is not a percentage"), ("%", "is not a percentage"),
        ("0.5GB", "has no percent sign"),
    ])
    func `percentages have their sign`(text: String, expected: String) {
        #expect(outcome(.percent(1...100), text) == expected)
    }

    @Test(arguments: [
        ("yesterday", "\"yesterday\""), ("Yesterday", "\"yesterday\""), ("Last Week", "\"last-week\""),
        ("last_month", "\"last-month\""), ("floatend=30 minutes days=3", "\"floatend=30m days=3\""),
        ("days=3 floatend=2h", "\"floatend=2h days=3\""), ("days=14", "\"floatend=0s days=14\""),
        ("LAST MONTH", "\"last-month\""), ("last-Week", "\"last-week\""),
        ("floatend=30 minutes", "\"floatend=30m days=7\""), ("FloatEnd=90 seconds", "\"floatend=90s days=7\""),
        ("floatend=1 hour Days=2", "\"floatend=1h days=2\""), ("days=5 floatend=1 day", "\"floatend=1d days=5\""),
        ("floatend=2 days", "\"floatend=2d days=7\""),
        ("floatend=1 fortnight", "has a floatend that has a unit that is not one of time"),
        ("days=three", "names no number of days from 1 to 3660"),
        ("days=0", "names no number of days from 1 to 3660"),
        ("days=1 days=2", "says days twice"), ("weeks=2", "has a part that is not known"),
        ("last-year", "is not an interval"), ("floatend=30 days=3", "has a floatend that has no unit"),
        ("floatend=40 days days=3", "has a floatend of more than 31 days"), ("", "is empty"),
    ])
    func `intervals are the manual's`(text: String, expected: String) {
        #expect(outcome(.interval, text) == expected)
    }

    @Test(arguments: [
        ("/srv//a/", "\"/srv/a\""), ("/", "\"/\""), ("/srv/./a", "\"/srv/a\""), ("srv/a", "is not an absolute path"),
        ("/srv/../etc", "holds \"..\""), ("", "is empty"),
    ])
    func `paths are absolute and do not climb`(text: String, expected: String) {
        #expect(outcome(.path, text) == expected)
    }

    @Test(arguments: [
        ("0640", "\"0640\""), ("750", "\"0750\""), ("4755", "is not a mode of owner, group and others"),
        ("0088", "is not a mode of owner, group and others"), ("0040", "lets not even the owner read"),
    ])
    func `modes are octal`(text: String, expected: String) {
        #expect(outcome(.mode, text) == expected)
    }

    @Test(arguments: [
        ("Europe/Prague", true), ("UTC", true), ("zone.tab", false), ("../../etc/passwd", false), ("", false),
        ("Mars/Olympus", false),
    ])
    func `time zones are those of the machine`(name: String, isKnown: Bool) {
        #expect(environment().knowsTimeZone(name) == isKnown)
    }

    @Test(arguments: [
        ("sleep_periode", "sleep_period"), ("sleep-period", "sleep_period"), ("slepe_period", "sleep_period"),
        ("workres", "workers"), ("x", nil), ("colour", nil),
    ])
    func `a slip finds the word that was meant`(typed: String, meant: String?) {
        #expect(NearestWord.to(typed, among: ["sleep_period", "workers", "watermark"]) == meant)
    }

    @Test func `a list of texts holds texts, and as many as it may`() {
        func read(_ elements: [DocumentValue.Content]) -> String {
            let kind = SettingKind<[String]>.texts(1...3)
            let list = elements.map { DocumentValue(content: $0, line: nil) }
            switch kind.read(DocumentValue(content: .array(list), line: nil)) {
            case .value(let texts): return kind.written(texts)
            case .refused(let why): return why
            }
        }
        #expect(read([.string("a b"), .string("\"")]) == "[\"a b\", \"\\\"\"]")
        #expect(read([]) == "has 0 elements")
        #expect(read(Array(repeating: .string("a"), count: 4)) == "has 4 elements")
        #expect(read([.string("a"), .integer(1)]) == "has an element that is a whole number")
        #expect(read([.string("a\nb")]) == "has an element that holds a control character")
        #expect(outcome(.texts(1...3), "a") == "is a text")
    }
}
