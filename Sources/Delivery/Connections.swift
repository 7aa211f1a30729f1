package import Postgres
package import Settings

extension ConnectionSettings {
    /// How to reach a database of the settings. Fetches its password: throws `SecretError` where that can't be had.
    package init(
        _ database: DatabaseSettings, label: String, applicationName: String, environment: SettingsEnvironment,
        statementTimeout: Duration = .seconds(60)
    ) throws {
        self.init(
            connectionString: database.conninfo, password: try database.password(in: environment)?.reveal(),
            applicationName: applicationName, label: label, statementTimeout: statementTimeout)
    }
}
