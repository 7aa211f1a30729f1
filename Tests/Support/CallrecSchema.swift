/// The callrec tables of a recorder or a replay, written for tests, in two generations.
package enum CallrecSchema: String, CaseIterable, Sendable, CustomStringConvertible {
    /// As with PostgreSQL 9.1: 32-bit ids from functions, no direction, agents or domains, no change tracking,
    /// `evaluated`.
    case old
    /// 64-bit ids from sequences, direction, agents and domains, phone video, media properties, change tracking
    /// (off until ``changeTracking``), `scorecard_use`.
    case new

    package var description: String { rawValue }

    /// Databases that begin with the tables, empty.
    package var template: ScratchTemplate { ScratchTemplate(name: "callrec \(rawValue)", scripts: scripts) }

    /// The same in a database whose encoding says nothing, as old recorders have it.
    package var bytesTemplate: ScratchTemplate {
        ScratchTemplate(name: "callrec \(rawValue) bytes", encoding: "SQL_ASCII", scripts: scripts)
    }

    /// What makes the tables; for databases that are not made here.
    package var scripts: [String] {
        switch self {
        case .old: [CallrecSchema.oldTables, CallrecSchema.sharedTables(fixedColumns: 15), CallrecSchema.behaviour]
        case .new:
            [
                CallrecSchema.newTables, CallrecSchema.sharedTables(fixedColumns: 30), CallrecSchema.behaviour,
                CallrecSchema.trackingBehaviour,
            ]
        }
    }

    /// Turns change tracking on, where there is any.
    package static let changeTracking = """
        create or replace function callrec.track_changes_enabled() returns boolean
        language sql immutable as 'select true'
        """
}
