/// One key of the settings file, as it is declared where it is read.
struct SettingDeclaration: Equatable {
    enum Presence: Equatable {
        /// Must be there; `example` is what an example file says, as TOML.
        case required(example: String)
        /// May be left out, and then is `standard`, as TOML.
        case standard(String)
        /// May be left out, and then means what `help` says.
        case optional(example: String)
    }

    let key: String
    /// Other names that are read as this key: those of the manuals.
    let aliases: [String]
    let kind: String
    let presence: Presence
    /// Sentences for the reference and the example file.
    let help: String
}

/// A table of the settings file with its keys.
struct SectionDeclaration: Equatable {
    /// Without indexes: `replay.volumes`.
    let path: String
    /// Whether there may be several, written `[[path]]`.
    let isList: Bool
    let help: String
    /// Whether an example file shows it in comments only.
    let isCommented: Bool
    var settings: [SettingDeclaration] = []
    /// The keys under which it holds tables of its own.
    var tables: [String] = []

    var header: String { isList ? "[[\(path)]]" : "[\(path)]" }
}
