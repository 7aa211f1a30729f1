/// Pages made of the declarations: what every setting is, and a file that shows them all.
package enum SettingsReference {
    /// The reference page.
    package static func markdown() -> String {
        var page = """
            # Settings

            One TOML file, by default `/etc/takeup/takeup.toml`. Unknown keys, wrong units and settings that contradict each
            other are refused at start, all of them at once, with line and hint; `takeup check` shows them.
            This page is made from the declarations in the program (`takeup settings --reference`); do not edit it.

            A list of tables, `[[…]]`, may be repeated. Names and defaults are those of the Synchro and Recording Muxer manuals
            where they name a thing.

            """
        for section in Settings.declarations() {
            page += "\n## `\(section.header)`\n\n\(section.help)\n\n"
            page += "| Key | Takes | Default | Meaning |\n|---|---|---|---|\n"
            for setting in section.settings { page += row(setting) }
        }
        return page
    }

    private static func row(_ setting: SettingDeclaration) -> String {
        let standard =
            switch setting.presence {
            case .required: "required"
            case .standard(let text): "`\(text)`"
            case .optional: "–"
            }
        let aliases = setting.aliases.isEmpty ? "" : " (also `\(setting.aliases.joined(separator: "`, `"))`)"
        let cells = ["`\(setting.key)`\(aliases)", setting.kind, standard, setting.help]
        return "| " + cells.map { $0.split(separator: "|").joined(separator: "\\|") }.joined(separator: " | ") + " |\n"
    }

    /// A settings file with every key: required ones as an example, all others in comments with their defaults.
    package static func exampleFile() -> String {
        var file = comment(
            "Every setting of Takeup. What begins with # may be left out and is the default, or an example where there"
                + " is none. Made by `takeup settings --example`.", indent: "")
        for section in Settings.declarations() {
            let indent = section.isCommented ? "# " : ""
            file += "\n" + comment(section.help, indent: indent) + indent + section.header + "\n"
            for setting in section.settings {
                file += comment(setting.help, indent: indent)
                file += indent + line(setting) + "\n"
            }
        }
        return file
    }

    private static func line(_ setting: SettingDeclaration) -> String {
        switch setting.presence {
        case .required(let example): "\(setting.key) = \(example)"
        case .standard(let text): "#\(setting.key) = \(text)"
        case .optional(let example): "#\(setting.key) = \(example)"
        }
    }

    /// Wrapped at 100 columns.
    private static func comment(_ text: String, indent: String) -> String {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 100 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append("\(indent)# \(word)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
