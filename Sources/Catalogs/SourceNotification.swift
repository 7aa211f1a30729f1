package import Postgres

/// The notifications of a source whose operator installed `units/sql/source-notify.sql`.
package enum SourceNotification {
    /// The payload is a recording's id at the source, in decimal digits.
    package static let channel = "takeup_recording"

    /// Whether the trigger is there and fires.
    package static func isInstalled(on session: Session) throws -> Bool {
        try session.first(
            """
            select 1 as one from pg_trigger t join pg_class c on c.oid = t.tgrelid
            join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'callrec' and c.relname = 'couples' and t.tgname = 'takeup_recording_update'
                and t.tgenabled in ('O', 'A')
            """) != nil
    }
}
