import Testing

@testable import Reporting

@Suite struct HumanTextTests {
    @Test(arguments: [
        (Duration.milliseconds(120), "120 ms"), (.milliseconds(3440), "3.4 s"), (.seconds(3), "3 s"),
        (.seconds(42), "42 s"), (.seconds(120), "2 min"), (.seconds(3599), "59 min"), (.seconds(7200), "2 h"),
        (.seconds(86_400 * 3), "3 d"), (.seconds(-1), "0 ms"),
    ])
    func `a span is said in its largest unit`(span: Duration, text: String) {
        #expect(HumanText.span(span) == text)
    }

    private static let sizes: [(Int64, String)] = [
        (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (442_381_631_488, "412 GiB"),
        (1_649_267_441_664, "1.5 TiB"), (1_073_741_823, "1 GiB"), (-5, "0 B"),
    ]

    @Test(arguments: sizes)
    func `bytes are said in the unit that keeps them short`(count: Int64, text: String) {
        #expect(HumanText.bytes(count) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1000, "-1,000")])
    func `thousands are set apart`(number: Int, text: String) {
        #expect(HumanText.count(number) == text)
    }
}

@Suite struct ScreenLineTests {
    private let line = ScreenLine("ok", .good) + ScreenLine("  fine ")

    @Test func `colour only where it is wanted, and no blanks at the end`() {
        #expect(line.text(isColoured: false) == "ok  fine")
        #expect(line.text(isColoured: true) == "\u{1B}[32mok\u{1B}[0m  fine")
        #expect((ScreenLine("a") + ScreenLine("   ", .bad)).text(isColoured: true) == "a")
    }

    @Test(arguments: [(20, "ok  fine"), (9, "ok  fine"), (5, "ok  …"), (2, "o…"), (1, "…"), (0, "")])
    func `what is too long is cut where it shows`(columns: Int, text: String) {
        #expect(line.clipped(to: columns).text(isColoured: false) == text)
        #expect(line.clipped(to: columns).width <= columns || columns >= 9)
    }

    @Test func `text is wrapped between words`() {
        #expect(wrapped("one two three", to: 7) == ["one two", "three"])
        #expect(wrapped("incomprehensible it is", to: 5) == ["incomprehensible", "it is"])
        #expect(wrapped("", to: 5).isEmpty)
    }
}

@Suite struct LiveScreenTests {
    @Test func `a frame goes back over the one before, and clears what was longer`() {
        var screen = LiveScreen()
        #expect(screen.frame(["one", "two"]) == "\r\u{1B}[Kone\n\u{1B}[Ktwo\n\u{1B}[J")
        #expect(screen.frame(["three"]) == "\u{1B}[2A\r\u{1B}[Kthree\n\u{1B}[J")
        #expect(screen.frame([]) == "\u{1B}[1A\r\u{1B}[J")
        #expect(screen.frame(["x"]) == "\r\u{1B}[Kx\n\u{1B}[J")
    }
}

@Suite struct JSONTextTests {
    @Test func `keys keep their order, and strings are escaped`() {
        let value = JSONText.object([
            ("b", .string("\"\\\n\u{1}/é")), ("a", .list([.integer(1), .real(0.5), .null, .boolean(true)])),
            ("empty", .object([])), ("none", .list([])), ("nothing", .real(.nan)),
        ])
        #expect(
            value.text() == """
                {
                  "b": "\\"\\\\\\n\\u0001/é",
                  "a": [
                    1,
                    0.5,
                    null,
                    true
                  ],
                  "empty": {},
                  "none": [],
                  "nothing": null
                }
                """)
    }
}
