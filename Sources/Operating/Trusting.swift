internal import Ledger
package import Postgres
package import Vocabulary

/// An operator's word that a suspect volume may be used again.
package enum Trusting {
    package enum Outcome: Hashable, Sendable {
        /// It is tried now.
        case suspect
        case notSuspect
        case unknown
    }

    package static func trust(_ volume: VolumeName, in database: Database) async throws -> Outcome {
        try await database.transaction { session in
            try Migrations.confirm(in: session)
            return switch try VolumeTrust.acknowledge(volume, in: session) {
            case true?: .suspect
            case false?: .notSuspect
            case nil: .unknown
            }
        }
    }
}
