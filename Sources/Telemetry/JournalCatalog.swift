/// The journal's message catalog: what `journalctl -x` shows below an event (systemd's CATALOG.md).
package enum JournalCatalog {
    /// The whole file, `units/takeup.catalog`.
    package static func text() -> String {
        let start = """
            # Explanations of Takeup's journal events, for journalctl -x.
            # Made from the declarations in the program (takeup events --catalog); do not edit.

            """
        return start + Event.allCases.map { "\n" + entry(of: $0) }.joined()
    }

    private static func entry(of event: Event) -> String {
        let advice = event.advice
        let paragraphs = [
            advice.happened.text(replace: field),
            "What Takeup did: " + advice.did.text(replace: field),
            "What to do: " + advice.next.text(replace: field),
            "See more: journalctl TAKEUP_EVENT=\(event.rawValue)",
        ]
        return """
            -- \(event.declaration.messageID)
            Subject: \(advice.subject)
            Defined-By: Takeup

            \(paragraphs.map { wrapped($0) }.joined(separator: "\n\n"))

            """
    }

    private static func field(_ name: Fact.Name) -> String { "@\(name.journalField)@" }

    /// At 76 columns, as catalogs are.
    private static func wrapped(_ text: String) -> String {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 76 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.joined(separator: "\n")
    }
}
