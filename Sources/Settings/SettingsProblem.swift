package import Vocabulary

/// One thing that is wrong, or doubtful, in a settings file: where, what, and what to write instead.
package struct SettingsProblem: Hashable, Sendable, CustomStringConvertible {
    /// Line in the file, from 1. None where the file as a whole is meant.
    package let line: Int?
    /// Column, from 1; only syntax errors have one.
    package let column: Int?
    /// The key as a person finds it: `replay.volumes[1].watermark`, counted from 0. Empty for the whole file.
    package let key: String
    /// What is wrong, as a sentence without its full stop. Holds no secret.
    package let what: String
    /// What to do about it, as a sentence without its full stop.
    package let hint: String

    package init(line: Int?, column: Int? = nil, key: String, what: String, hint: String) {
        self.line = line
        self.column = column
        self.key = key
        self.what = what
        self.hint = hint
    }

    /// `line 12, replay.volumes[1].watermark: "85" has no unit. Write a percentage in quotes, such as "85%".`
    package var description: String {
        var place: [String] = []
        if let line { place.append("line \(line)" + (column.map { ", column \($0)" } ?? "")) }
        if !key.isEmpty { place.append(key) }
        let start = place.isEmpty ? "" : place.joined(separator: ", ") + ": "
        return start + what + "." + (advice.map { " " + $0 } ?? "")
    }

    /// The hint as a whole sentence; nil where there is none.
    package var advice: String? {
        if hint.isEmpty { return nil }
        return hint.hasSuffix("?") ? hint : hint + "."
    }
}

/// A settings file that cannot be used: everything that is wrong in it, in the order of the file.
package struct SettingsRefused: Error, CustomStringConvertible {
    package let file: FilePath
    /// At least one.
    package let problems: [SettingsProblem]
    package let warnings: [SettingsProblem]

    package init(file: FilePath, problems: [SettingsProblem], warnings: [SettingsProblem]) {
        self.file = file
        self.problems = problems
        self.warnings = warnings
    }

    package var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return (["\(file.displayText): \(count)"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}
