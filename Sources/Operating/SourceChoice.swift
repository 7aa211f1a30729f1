package import Settings
package import Vocabulary

/// Which sources an operator means.
package enum SourceChoice: Hashable, Sendable {
    case all
    case named([SourceName])

    /// A name that nothing knows.
    package struct Unknown: Error, CustomStringConvertible {
        package let name: SourceName
        package let known: [SourceName]
        package var description: String {
            known.isEmpty
                ? "There is no source \(name): the settings have none."
                : "There is no source \(name). The settings have: \(known.map(\.rawValue).joined(separator: ", "))."
        }
    }

    /// The sources of the settings that are meant, each once.
    ///
    /// - Parameter known: more names that are accepted: what the ledger holds of sources that the settings forgot.
    package func sources(
        of settings: Settings, known: [SourceName] = []
    ) throws(Unknown) -> [SourceName] {
        let names = settings.sources.map(\.name)
        switch self {
        case .all: return names + Set(known).subtracting(names).sorted()
        case .named(let wanted):
            for name in wanted where !names.contains(name) && !known.contains(name) {
                throw Unknown(name: name, known: names)
            }
            return Set(wanted).sorted()
        }
    }
}
