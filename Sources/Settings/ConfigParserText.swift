/// The text of a file that Python's `ConfigParser` reads, by the rules of Python 2.7, which `muxer.cfg` was made for.
///
/// Sections in brackets; `key = value` or `key: value`; keys in any case; `#` and `;` at the start of a line begin a
/// comment, and so does ` ;` behind a value; `rem` does, too; a line that begins with a blank goes on with the value before it; what comes
/// later wins; a section may come twice. Where that parser would fail and the meaning is plain, this one goes on: a byte
/// order mark, an indented line that continues nothing. `%` means nothing.
struct ConfigParserText {
    struct Entry: Hashable {
        /// Lowercased.
        let section: String
        /// Lowercased.
        let key: String
        let value: String
        /// From 1.
        let line: Int
        /// The last line that its value takes.
        fileprivate(set) var lastLine: Int
    }

    /// In the order of the file; of what stands twice, both.
    private(set) var entries: [Entry] = []
    private(set) var problems: [SettingsProblem] = []
    private(set) var warnings: [SettingsProblem] = []

    private var section: String?
    private var canContinue = false

    init(bytes: [UInt8]) {
        var bytes = bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        let text: String
        if let valid = String(validating: bytes, as: UTF8.self) {
            text = valid
        } else {
            text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
            warnings.append(
                SettingsProblem(
                    line: nil, key: "", what: "the file is not UTF-8 and was read as Latin-1",
                    hint: "Save it as UTF-8, so that passwords and paths mean the same everywhere"))
        }
        for (index, line) in ConfigParserText.lines(of: text).enumerated() { read(line, number: index + 1) }
    }

    private static func lines(of text: String) -> [Substring] {
        // By scalars: "\r\n" is one character.
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            Substring(line.last == "\r" ? line.dropLast() : line)
        }
    }

    private mutating func read(_ line: Substring, number: Int) {
        let trimmed = line.trimmedOfBlanks
        let isIndented = line.first.map(\.isBlank) == true
        if trimmed.isEmpty || line.first == "#" || line.first == ";" { return }
        if let word = trimmed.split(whereSeparator: \.isBlank).first, word.lowercased() == "rem", !isIndented { return }
        if isIndented, canContinue, let last = entries.last {
            entries[entries.count - 1] = Entry(
                section: last.section, key: last.key, value: last.value + "\n" + trimmed, line: last.line,
                lastLine: number)
            return
        }
        if trimmed.first == "[" {
            canContinue = false
            guard let end = trimmed.firstIndex(of: "]"), end != trimmed.index(after: trimmed.startIndex) else {
                refuse(number, "a section begins with a bracket and has to end with one", "Write it as [processing]")
                return
            }
            section = trimmed[trimmed.index(after: trimmed.startIndex)..<end].trimmedOfBlanks.lowercased()
            return
        }
        readEntry(trimmed, number: number)
    }

    private mutating func readEntry(_ line: Substring, number: Int) {
        guard let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }), separator != line.startIndex else {
            // What stands there may be a secret.
            refuse(number, "this is neither a section, nor a key with a value, nor a comment", "Write key = value")
            return
        }
        guard let section else {
            refuse(number, "a key stands before the first section", "Begin with a section such as [htcc]")
            return
        }
        var value = line[line.index(after: separator)...]
        if let comment = value.firstIndex(of: ";"), comment > value.startIndex,
            value[value.index(before: comment)].isBlank
        {
            value = value[..<comment]
        }
        let plain = value.trimmedOfBlanks
        entries.append(
            Entry(
                section: section, key: line[..<separator].trimmedOfBlanks.lowercased(),
                value: plain == "\"\"" ? "" : String(plain), line: number, lastLine: number))
        canContinue = true
    }

    private mutating func refuse(_ line: Int, _ what: String, _ hint: String) {
        problems.append(SettingsProblem(line: line, key: "", what: what, hint: hint))
    }
}

extension Character {
    var isBlank: Bool { self == " " || self == "\t" || self == "\u{0B}" || self == "\u{0C}" || self == "\r" }
}

extension Substring {
    var trimmedOfBlanks: Substring {
        var rest = self
        while rest.first?.isBlank == true { rest.removeFirst() }
        while rest.last?.isBlank == true { rest.removeLast() }
        return rest
    }
}
