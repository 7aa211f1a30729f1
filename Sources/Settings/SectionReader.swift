/// Reads one table of the file. To ask for a key is to declare it: each call gives key, kind, default and help once, and
/// parser, reference, example and suggestions all come from that.
///
/// What cannot be read is noted as a problem and a placeholder returned, so that one pass finds everything; the file is
/// refused afterwards.
struct SectionReader {
    /// Without indexes, as declarations have it; empty for the whole file.
    let section: String
    /// With indexes: `replay.volumes[1]`; empty for the whole file.
    let path: String
    let findings: SettingsFindings
    private let members: [String: DocumentValue]
    /// Of the table's header.
    private let line: Int?
    private var claimed: Set<String> = []

    init(section: String, path: String, table: DocumentValue?, findings: SettingsFindings) {
        self.section = section
        self.path = path
        self.findings = findings
        line = table?.line
        if case .table(let members)? = table?.content { self.members = members } else { members = [:] }
        findings.note(line: line, of: path)
    }

    /// Whether the key is written in the file.
    func has(_ key: String) -> Bool { members[key] != nil }

    func path(of key: String) -> String { path.isEmpty ? key : path + "." + key }

    // MARK: - Values

    mutating func value<Value>(
        _ key: String, also aliases: [String] = [], _ kind: SettingKind<Value>, standard: Value, _ help: String
    ) -> Value {
        declare(key, aliases, kind, .standard(kind.written(standard)), help)
        guard let found = find(key, aliases) else { return standard }
        return read(found, key, kind) ?? standard
    }

    mutating func required<Value>(
        _ key: String, also aliases: [String] = [], _ kind: SettingKind<Value>, example: Value, _ help: String
    ) -> Value {
        declare(key, aliases, kind, .required(example: kind.written(example)), help)
        guard let found = find(key, aliases) else {
            if !findings.isDescribing {
                findings.refuse(
                    path(of: key), "\(key) is missing",
                    hint: "Add \(key) = \(kind.written(example)) to \(section.isEmpty ? "the file" : "this table")",
                    line: line)
            }
            return kind.placeholder
        }
        return read(found, key, kind) ?? kind.placeholder
    }

    mutating func optional<Value>(
        _ key: String, also aliases: [String] = [], _ kind: SettingKind<Value>, example: Value, _ help: String
    ) -> Value? {
        declare(key, aliases, kind, .optional(example: kind.written(example)), help)
        return find(key, aliases).flatMap { read($0, key, kind) }
    }

    // MARK: - Tables

    /// A table of its own, whose settings all have defaults: it may be left out.
    mutating func table<Value>(_ key: String, _ help: String, read: (inout SectionReader) -> Value) -> Value {
        let inner = declareTable(key, isList: false, help)
        let found = members[key]
        var table: DocumentValue?
        if let found {
            if case .table = found.content {
                table = found
            } else {
                findings.refuse(
                    path(of: key), "\(key) is \(found.kindName), not a table",
                    hint: "Write [\(inner)] on a line of its own",
                    line: found.line)
            }
        }
        var reader = SectionReader(section: inner, path: path(of: key), table: table, findings: findings)
        let value = read(&reader)
        reader.finish()
        return value
    }

    /// Tables of one name. When describing, one empty table is read.
    mutating func tables<Value>(
        _ key: String, atLeastOne: Bool = false, isCommented: Bool = false, _ help: String,
        read: (inout SectionReader) -> Value
    ) -> [Value] {
        let inner = declareTable(key, isList: true, isCommented: isCommented, help)
        let elements = findings.isDescribing ? [DocumentValue(content: .table([:]), line: nil)] : list(key, inner)
        if atLeastOne && elements.isEmpty && members[key] == nil {
            findings.refuse(path(of: key), "there is no [[\(inner)]]", hint: "Add at least one", line: line)
        }
        return elements.enumerated().map { index, element in
            let path = "\(path(of: key))[\(index)]"
            if case .table = element.content {
            } else {
                findings.refuse(
                    path, "it is \(element.kindName), not a table", hint: "Write [[\(inner)]]", line: element.line)
            }
            var reader = SectionReader(section: inner, path: path, table: element, findings: findings)
            let value = read(&reader)
            reader.finish()
            return value
        }
    }

    /// A list whose elements may be texts or tables: a text stands for a table with that text under `shortKey`.
    mutating func list<Value>(
        _ key: String, shortKey: String, example: String, _ help: String, tableHelp: String,
        read: (inout SectionReader) -> Value
    ) -> [Value] {
        let inner = path(of: key, in: section)
        findings.declare(
            SettingDeclaration(
                key: key, aliases: [], kind: "list of texts or tables", presence: .required(example: example),
                help: help),
            in: section)
        claimed.insert(key)
        findings.declare(SectionDeclaration(path: inner, isList: true, help: tableHelp, isCommented: true))
        let elements = findings.isDescribing ? [DocumentValue(content: .table([:]), line: nil)] : list(key, inner)
        if elements.isEmpty {
            findings.refuse(
                path(of: key), "\(key) is missing or empty", hint: "Add \(key) = \(example)",
                line: members[key]?.line ?? line)
        }
        return elements.enumerated().map { index, element in
            var table = element
            if case .string = element.content {
                table = DocumentValue(content: .table([shortKey: element]), line: element.line)
            } else if case .table = element.content {
            } else {
                findings.refuse(
                    "\(path(of: key))[\(index)]", "it is \(element.kindName)",
                    hint: "Write a path in quotes, or a table with \(shortKey) = …", line: element.line)
            }
            var reader = SectionReader(
                section: inner, path: "\(path(of: key))[\(index)]", table: table, findings: findings)
            let value = read(&reader)
            reader.finish()
            return value
        }
    }

    /// To be called when everything was asked for: what is left are keys that nobody knows.
    func finish() {
        for (key, value) in members where !claimed.contains(key) {
            findings.meetStranger(key, at: path(of: key), in: section, line: value.line)
        }
    }

    // MARK: - Parts

    private func path(of key: String, in section: String) -> String { section.isEmpty ? key : section + "." + key }

    private mutating func declareTable(
        _ key: String, isList: Bool, isCommented: Bool = false, _ help: String
    ) -> String {
        claimed.insert(key)
        let inner = path(of: key, in: section)
        findings.declareTable(key, in: section)
        findings.declare(SectionDeclaration(path: inner, isList: isList, help: help, isCommented: isCommented))
        return inner
    }

    private func list(_ key: String, _ inner: String) -> [DocumentValue] {
        guard let found = members[key] else { return [] }
        if case .array(let elements) = found.content { return elements }
        let hint =
            if case .table = found.content { "Write [[\(inner)]] with two brackets: there may be several" } else {
                "Write a list in brackets"
            }
        findings.refuse(path(of: key), "\(key) is \(found.kindName), not a list", hint: hint, line: found.line)
        return []
    }

    private mutating func declare<Value>(
        _ key: String, _ aliases: [String], _ kind: SettingKind<Value>, _ presence: SettingDeclaration.Presence,
        _ help: String
    ) {
        claimed.formUnion([key] + aliases)
        findings.declare(
            SettingDeclaration(key: key, aliases: aliases, kind: kind.name, presence: presence, help: help), in: section
        )
    }

    private func find(_ key: String, _ aliases: [String]) -> DocumentValue? {
        let written = ([key] + aliases).filter { members[$0] != nil }
        if written.count > 1 {
            findings.refuse(
                path(of: key), "\(written.joined(separator: " and ")) are two names of one setting",
                hint: "Keep \(key) alone", line: members[written[1]]?.line)
        }
        return written.first.flatMap { members[$0] }
    }

    private func read<Value>(_ found: DocumentValue, _ key: String, _ kind: SettingKind<Value>) -> Value? {
        findings.note(line: found.line, of: path(of: key))
        switch kind.read(found) {
        case .value(let value): return value
        case .refused(let why):
            let shown = kind.holdsSecret ? key : quotation(of: found) ?? key
            findings.refuse(path(of: key), "\(shown) \(why)", hint: kind.hint, line: found.line)
            return nil
        }
    }

    /// What is written, where it is short enough to be shown.
    private func quotation(of value: DocumentValue) -> String? {
        switch value.content {
        case .string(let text): text.count <= 60 ? TOMLText.quoted(text) : nil
        case .integer(let number): "\(number)"
        case .decimal(let number): "\(number)"
        case .boolean(let flag): "\(flag)"
        case .array, .table, .moment: nil
        }
    }
}
