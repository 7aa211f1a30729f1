extension SettingKind<[String]> {
    /// A list of texts, none of them empty or with control characters.
    static func texts(_ count: ClosedRange<Int>) -> SettingKind {
        let one = SettingKind<String>.text()
        return SettingKind(
            name: "list of texts",
            hint: "Write \(count.lowerBound) to \(count.upperBound) texts in quotes, in brackets",
            placeholder: [],
            read: { value in
                guard case .array(let elements) = value.content else { return .refused("is \(value.kindName)") }
                guard count.contains(elements.count) else { return .refused("has \(elements.count) elements") }
                var texts: [String] = []
                for element in elements {
                    switch one.read(element) {
                    case .value(let text): texts.append(text)
                    case .refused(let why): return .refused("has an element that \(why)")
                    }
                }
                return .value(texts)
            },
            written: { "[" + $0.map(TOMLText.quoted).joined(separator: ", ") + "]" })
    }
}
