internal import ArgumentParser
internal import Delivery
internal import Operating
internal import Postgres
internal import Reporting
internal import Settings
internal import Vocabulary

/// The replay's database, for a command that does one thing in the ledger.
enum ReplayConnection {
    /// Runs `body`; what stands in its way is told, and ends the process: 64 for a name that nothing knows, else 1.
    static func use<Outcome>(
        _ settings: Settings, as command: String, _ body: (Database) async throws -> Outcome
    ) async throws -> Outcome {
        try await carryOut {
            var connection = try ConnectionSettings(
                settings.replay.database, label: "replay", applicationName: "takeup \(command)",
                environment: .ofProcess(), statementTimeout: .seconds(30))
            connection.connectTimeout = .seconds(5)
            return try await body(Database(connection, connections: 1))
        }
    }

    /// The same for the database that workers of a GIR site share, with a password from where libpq looks for one.
    static func use<Outcome>(
        ledger: String, as command: String, _ body: (Database) async throws -> Outcome
    ) async throws -> Outcome {
        try await carryOut {
            let connection = ConnectionSettings(
                connectionString: ledger, applicationName: "takeup \(command)", label: "ledger",
                statementTimeout: .seconds(30))
            return try await body(Database(connection, connections: 1))
        }
    }

    private static func carryOut<Outcome>(_ body: () async throws -> Outcome) async throws -> Outcome {
        do {
            return try await body()
        } catch let error as SourceChoice.Unknown {
            Terminal.complain(error.description)
            throw ExitCode.validationFailure
        } catch let error as SecretError {
            Terminal.complain("The replay's database can't be asked: \(error).")
            throw ExitCode.failure
        } catch {
            Terminal.complain(StatusFailure.sentence(error))
            throw ExitCode.failure
        }
    }
}

/// `--source` and `--all`, of which one is given.
struct SourceOption: ParsableArguments {
    @Option(help: ArgumentHelp("A source of the settings; may be given again.", valueName: "name"))
    var source: [String] = []

    @Flag(help: "All sources of the settings.")
    var all = false

    func validate() throws {
        if all && !source.isEmpty { throw ValidationError("Either --source or --all, not both.") }
    }

    var isGiven: Bool { all || !source.isEmpty }
    var choice: SourceChoice { all ? .all : .named(source.map { SourceName($0) }) }
}
