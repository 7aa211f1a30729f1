/// What a setting may hold: how it is read, checked, named in the reference, and written in an example.
struct SettingKind<Value: Sendable>: Sendable {
    /// For the reference: `duration, 1s to 1h`.
    let name: String
    /// What to write, for the hint: `Write a duration in quotes with its unit, such as "10s"`.
    let hint: String
    /// Stands in for a value that could not be read, until the file is refused for it.
    let placeholder: Value
    /// Whether what is written may hold a secret, and so is not repeated in a problem.
    var holdsSecret = false
    /// The value, or what is wrong with what is written.
    let read: @Sendable (DocumentValue) -> Reading<Value>
    /// As it is written in TOML.
    let written: @Sendable (Value) -> String
}

enum Reading<Value> {
    case value(Value)
    /// A sentence without its subject and full stop: `has no unit`.
    case refused(String)
}

extension SettingKind {
    /// A kind that is written as a quoted text.
    static func quoted(
        _ name: String, hint: String, placeholder: Value, holdsSecret: Bool = false,
        read: @escaping @Sendable (String) -> Reading<Value>, written: @escaping @Sendable (Value) -> String
    ) -> SettingKind {
        SettingKind(
            name: name, hint: hint, placeholder: placeholder, holdsSecret: holdsSecret,
            read: { value in
                guard case .string(let text) = value.content else { return .refused("is \(value.kindName)") }
                return read(text)
            },
            written: { TOMLText.quoted(written($0)) })
    }
}

/// TOML as it is written.
enum TOMLText {
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
