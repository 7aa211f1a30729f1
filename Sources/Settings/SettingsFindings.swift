/// What reading a settings file brings to light besides the settings: declarations, problems, warnings.
final class SettingsFindings {
    /// Whether the file is empty and read for its declarations alone.
    let isDescribing: Bool
    private(set) var sections: [SectionDeclaration] = []
    private(set) var problems: [SettingsProblem] = []
    private(set) var warnings: [SettingsProblem] = []
    /// Keys that no declaration claimed, to be explained when all declarations are known.
    private var strangers: [(path: String, section: String, key: String, line: Int?)] = []
    private var lines: [String: Int] = [:]

    init(isDescribing: Bool) { self.isDescribing = isDescribing }

    func declare(_ section: SectionDeclaration) {
        if !sections.contains(where: { $0.path == section.path }) { sections.append(section) }
    }

    func declare(_ setting: SettingDeclaration, in section: String) {
        guard let index = sections.firstIndex(where: { $0.path == section }) else { return }
        if !sections[index].settings.contains(where: { $0.key == setting.key }) {
            sections[index].settings.append(setting)
        }
    }

    func declareTable(_ key: String, in section: String) {
        guard let index = sections.firstIndex(where: { $0.path == section }) else { return }
        if !sections[index].tables.contains(key) { sections[index].tables.append(key) }
    }

    func refuse(_ key: String, _ what: String, hint: String, line: Int?, column: Int? = nil) {
        problems.append(SettingsProblem(line: line, column: column, key: key, what: what, hint: hint))
    }

    func warn(_ key: String, _ what: String, hint: String, line: Int?) {
        warnings.append(SettingsProblem(line: line, key: key, what: what, hint: hint))
    }

    func meetStranger(_ key: String, at path: String, in section: String, line: Int?) {
        strangers.append((path, section, key, line))
    }

    /// Remembers where a key or table is, for checks that look at several.
    func note(line: Int?, of path: String) { lines[path] = line }

    /// The line of the key, or of the nearest table around it.
    func line(of path: String) -> Int? {
        var path = Substring(path)
        while !path.isEmpty {
            if let line = lines[String(path)] { return line }
            guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return nil }
            path = path[..<cut]
        }
        return nil
    }

    /// Turns every stranger into a problem with the best hint there is.
    func explainStrangers() {
        for stranger in strangers {
            refuse(
                stranger.path, "\"\(stranger.key)\" is not a setting here",
                hint: hint(for: stranger.key, in: stranger.section), line: stranger.line)
        }
        strangers = []
    }

    private func hint(for key: String, in section: String) -> String {
        if key == "password" || key == "pass" {
            return "Passwords do not belong into this file: use password_file, password_credential or the environment"
        }
        let own = sections.first { $0.path == section }
        let names = (own?.settings.flatMap { [$0.key] + $0.aliases } ?? []) + (own?.tables ?? [])
        if let near = NearestWord.to(key, among: names) { return "Did you mean \(near)?" }
        if let home = sections.first(where: { $0.settings.contains { $0.key == key || $0.aliases.contains(key) } }) {
            return "It belongs into \(home.header)"
        }
        for other in sections {
            let keys = other.settings.flatMap { [$0.key] + $0.aliases }
            if let near = NearestWord.to(key, among: keys) { return "Did you mean \(near), in \(other.header)?" }
        }
        return "The settings there are: \(names.joined(separator: ", "))"
    }

    /// In the order of the file.
    func sortedByLine(_ found: [SettingsProblem]) -> [SettingsProblem] {
        found.enumerated().sorted {
            ($0.element.line ?? 0, $0.element.column ?? 0, $0.offset)
                < ($1.element.line ?? 0, $1.element.column ?? 0, $1.offset)
        }.map(\.element)
    }
}
