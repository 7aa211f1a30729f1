internal import ArgumentParser
internal import Postgres
internal import Support

struct Prepare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the callrec tables in an empty database, a recorder's or a replay's.")

    @OptionGroup var database: DatabaseOption
    @Option(help: "old: as with PostgreSQL 9.1, without direction, properties and change tracking; or new.")
    var generation = CallrecSchema.new
    @Flag(help: "Also let the database know the key that `run` encrypts with, as a replay must.")
    var withKey = false

    func run() async throws {
        let connection = ConnectionSettings(
            connectionString: database.database, applicationName: "recorder", label: "the database to prepare")
        let (scripts, withKey) = (generation.scripts, withKey)
        try await Database(connection, connections: 1).transaction { session in
            for script in scripts { try session.script(script) }
            guard withKey else { return }
            try session.execute(
                """
                insert into callrec.managed_keys (uuid, purpose, algorithm, strength, activationdate)
                values ($1, 'MEDIA', 'RSA', 2048, localtimestamp)
                """, [.text(RecorderModelLayout(mountPrefix: "").keyID)])
        }
    }
}

extension CallrecSchema: ExpressibleByArgument {}
