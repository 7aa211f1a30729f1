internal import Ledger
package import Postgres
package import Settings
internal import Vocabulary

/// Changes how fast sources may be read while agents run. It is kept in the ledger: what runs obeys within two seconds,
/// what starts later obeys too.
package enum ReadLimiting {
    /// What an operator can say.
    package enum Word: Hashable, Sendable {
        /// Bytes a second.
        case atMost(Int64)
        case unlimited
        /// What `read_limit` of the settings says, if anything.
        case asSet

        /// `20MB`, `none`, `settings`; nil for anything else, and for limits that no setting can have.
        package init?(_ text: String) {
            switch text {
            case "none": self = .unlimited
            case "settings": self = .asSet
            default:
                guard let bytes = byteCount(of: text),
                    (SourceSettings.slowest...SourceSettings.fastest).contains(bytes)
                else { return nil }
                self = .atMost(bytes)
            }
        }
    }

    /// Gives a line for each source. Throws ``SourceChoice/Unknown``, `LedgerError` where there is no ledger of this
    /// version, and what the database throws.
    package static func change(
        _ choice: SourceChoice, to word: Word, settings: Settings, in database: Database
    ) async throws -> [String] {
        let known = try await database.transaction { session in
            try Migrations.confirm(in: session)
            return try ReadLimits.all(in: session).map(\.source)
        }
        let sources = try choice.sources(of: settings, known: word == .asSet ? known : [])
        try await database.transaction { session in
            switch word {
            case .atMost(let bytes): try ReadLimits.say(bytes, of: sources, in: session)
            case .unlimited: try ReadLimits.say(nil, of: sources, in: session)
            case .asSet: try ReadLimits.forget(sources, in: session)
            }
        }
        return sources.map { name in
            let limit: Int64? =
                switch word {
                case .atMost(let bytes): bytes
                case .unlimited: nil
                case .asSet: settings.sources.first { $0.name == name }?.readLimit
                }
            let why = word == .asSet ? ", as the settings say" : ""
            return limit.map { "Source \(name) is read at no more than \($0) bytes a second\(why)." }
                ?? "Source \(name) is read as fast as it goes\(why)."
        }
    }
}
