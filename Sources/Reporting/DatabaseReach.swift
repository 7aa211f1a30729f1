internal import Delivery
internal import Postgres
internal import Settings

/// A way to a database of the settings, for a check: short patience, one connection.
struct DatabaseReach: Sendable {
    let settings: DatabaseSettings
    let label: String
    let environment: SettingsEnvironment

    /// Throws `SecretError` where the password can't be had.
    func connection() throws -> ConnectionSettings {
        var connection = try ConnectionSettings(
            settings, label: label, applicationName: "takeup check", environment: environment,
            statementTimeout: SiteCheck.patience)
        connection.connectTimeout = SiteCheck.patience
        return connection
    }

    func database() throws -> Database { Database(try connection(), connections: 1) }

    /// Why it could not be looked at, and what now.
    func failure(_ error: any Error, of subject: String) -> CheckFinding {
        if let error = error as? SecretError { return unknownPassword(error, subject) }
        guard let error = error as? PostgresError else {
            return CheckFinding(.fail, subject, "\(settings): \(error)")
        }
        return CheckFinding(.fail, subject, "\(settings): \(error.message)", hint: hint(for: error.code))
    }

    func late(_ subject: String) -> CheckFinding {
        CheckFinding(
            .fail, subject, "\(settings) did not answer within 5 s.", hint: hint(for: .unreachable))
    }

    /// A credential is there for the unit alone: run by hand, this check knows nothing, which is no failure.
    private func unknownPassword(_ error: SecretError, _ subject: String) -> CheckFinding {
        switch settings.passwordOrigin {
        case .credential where environment.variables["CREDENTIALS_DIRECTORY"] == nil:
            CheckFinding(
                .warn, subject, "\(settings) was not looked at: its password is a credential of the service.",
                hint: "Run the check with the same credential: systemd-run --pipe -p LoadCredential=… takeup check.")
        case .none, .settings, .environment, .file, .credential:
            CheckFinding(
                .fail, subject, "\(settings) can't be reached without its password: \(error).",
                hint: "Correct the password's place, and let the service's user read it.")
        }
    }

    private func hint(for code: PostgresError.Code) -> String? {
        switch code {
        case .unreachable, .connectionLost, .timeout:
            "Check that the server runs and that host, port and firewall let this machine through."
        case .permission: "Check user, password and rights there, and its pg_hba.conf."
        case .badSettings: "Correct `database` in the settings."
        case .schema: "Check that dbname is the callrec database."
        case .commitUnknown, .conflict, .uniqueViolation, .refused, .badValue, .resources, .other: nil
        }
    }
}

/// `15.18` of 150018, `9.1.24` of 90124.
func serverVersionText(_ version: Int) -> String {
    version >= 100_000
        ? "\(version / 10_000).\(version % 10_000)"
        : "\(version / 10_000).\(version / 100 % 100).\(version % 100)"
}
