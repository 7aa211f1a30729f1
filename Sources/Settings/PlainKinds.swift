internal import Vocabulary

extension SettingKind<Bool> {
    static let boolean = SettingKind(
        name: "true or false", hint: "Write true or false, without quotes", placeholder: false,
        read: { value in
            guard case .boolean(let flag) = value.content else { return .refused("is \(value.kindName)") }
            return .value(flag)
        },
        written: { $0 ? "true" : "false" })
}

extension SettingKind<Int> {
    static func integer(_ range: ClosedRange<Int>) -> SettingKind {
        let span = "\(range.lowerBound) to \(range.upperBound)"
        return SettingKind(
            name: "whole number, \(span)", hint: "Write a whole number from \(span), without quotes",
            placeholder: range.lowerBound,
            read: { value in
                guard case .integer(let number) = value.content else { return .refused("is \(value.kindName)") }
                return range.contains(number) ? .value(number) : .refused("is outside \(span)")
            },
            written: { "\($0)" })
    }
}

extension SettingKind<String> {
    /// A text that is not empty and holds no control characters.
    static func text(_ name: String = "text") -> SettingKind {
        quoted(
            name, hint: "Write \(name) in quotes", placeholder: "",
            read: { text in
                if text.allSatisfy(\.isWhitespace) { return .refused("is empty") }
                if text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
                    return .refused("holds a control character")
                }
                return .value(text)
            },
            written: { $0 })
    }

    /// A name that can stand in a journal field, a path and a variable's name.
    static let name = quoted(
        "name", hint: "Write a name in quotes, of letters, digits, \"-\", \"_\" and \".\", at most 64 of them",
        placeholder: "",
        read: { text in
            let allowed = text.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
                default: false
                }
            }
            if text.isEmpty { return .refused("is empty") }
            return allowed && text.utf8.count <= 64 && text.utf8.first != UInt8(ascii: ".")
                ? .value(text) : .refused("is not a name")
        },
        written: { $0 })

    /// The name of a time zone; whether the machine has it is looked up by `isKnown`.
    static func timeZone(isKnown: @escaping @Sendable (String) -> Bool) -> SettingKind {
        quoted(
            "IANA time zone",
            hint: "Write the name of the recorder's time zone, such as \"Europe/Prague\"; `timedatectl list-timezones`"
                + " lists them",
            placeholder: "UTC",
            read: { isKnown($0) ? .value($0) : .refused("is not a time zone that this machine knows") },
            written: { $0 })
    }
}

extension SettingKind<FilePath> {
    /// An absolute path without `..`; slashes at its end and doubled ones are left out.
    static let path = quoted(
        "absolute path", hint: "Write an absolute path in quotes, such as \"/srv/recordings\"",
        placeholder: FilePath(""),
        read: { text in
            let path = FilePath(text)
            if text.isEmpty { return .refused("is empty") }
            if !path.isAbsolute { return .refused("is not an absolute path") }
            if path.climbs { return .refused("holds \"..\"") }
            return .value(normal(path))
        },
        written: \.displayText)

    /// A path below another, without `..`.
    static let pathBelow = quoted(
        "relative path", hint: "Write a path in quotes that begins without a slash, such as \".takeup-mount\"",
        placeholder: FilePath(""),
        read: { text in
            let path = FilePath(text)
            if path.components.isEmpty { return .refused("is empty") }
            return path.isAbsolute || path.climbs
                ? .refused("is not below its directory") : .value(FilePath(bytes: joined(path.components)))
        },
        written: \.displayText)

    private static func normal(_ path: FilePath) -> FilePath {
        FilePath(bytes: [UInt8(ascii: "/")] + joined(path.components))
    }

    private static func joined(_ components: [[UInt8]]) -> [UInt8] {
        Array(components.joined(separator: [UInt8(ascii: "/")]))
    }
}

extension SettingKind<UInt32> {
    /// Permission bits for owner, group and others, in octal.
    static let mode = quoted(
        "octal mode", hint: "Write three or four octal digits in quotes, such as \"0640\"", placeholder: 0,
        read: { text in
            guard (3...4).contains(text.utf8.count), let bits = UInt32(text, radix: 8), bits <= 0o777 else {
                return .refused("is not a mode of owner, group and others")
            }
            return bits & 0o400 == 0 ? .refused("lets not even the owner read") : .value(bits)
        },
        written: { "0" + String($0, radix: 8) })
}

extension SettingKind where Value: RawRepresentable<String> & CaseIterable {
    /// One of the words of an enumeration; `standard` stands in where another is written.
    static func choice(_ standard: Value) -> SettingKind {
        let words = Value.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return quoted(
            "one of \(words)", hint: "Write one of \(words)", placeholder: standard,
            read: { text in Value(rawValue: text).map { .value($0) } ?? .refused("is none of its words") },
            written: { $0.rawValue })
    }
}
