internal import Vocabulary

extension SettingKind<[IndexPattern]> {
    static let indexPatterns = SettingKind(
        name: "list of patterns",
        hint: "Write a list of paths in quotes with {stem}, {name} or {day}, such as [\"{stem}.idx\"]", placeholder: [],
        read: { value in
            guard case .array(let elements) = value.content else { return .refused("is \(value.kindName)") }
            var patterns: [IndexPattern] = []
            for element in elements {
                guard case .string(let text) = element.content else { return .refused("holds \(element.kindName)") }
                do throws(IndexPattern.Fault) {
                    patterns.append(try IndexPattern(text))
                } catch {
                    return .refused("holds \(TOMLText.quoted(text)), which \(error.rawValue)")
                }
            }
            return .value(patterns)
        },
        written: { "[" + $0.map { TOMLText.quoted($0.text) }.joined(separator: ", ") + "]" })
}
