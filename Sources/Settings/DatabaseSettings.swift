package import Vocabulary

/// How a database is reached. The password stands apart and is fetched only when it is needed, because a process may
/// have the right to one database's password and not to another's.
package struct DatabaseSettings: Hashable, Sendable, CustomStringConvertible {
    /// For libpq, as `keyword=value` pairs, without a password.
    package let conninfo: String
    package let passwordOrigin: PasswordOrigin
    /// What the database is, for telling it from others.
    package let identity: DatabaseIdentity

    package init(conninfo: String, passwordOrigin: PasswordOrigin, identity: DatabaseIdentity) {
        self.conninfo = conninfo
        self.passwordOrigin = passwordOrigin
        self.identity = identity
    }

    /// Fetches the password; `nil` where none is set (peer, certificate or `.pgpass` then).
    package func password(in environment: SettingsEnvironment) throws(SecretError) -> Secret? {
        try passwordOrigin.fetch(in: environment)
    }

    /// `dbname at host:port`; holds no secret.
    package var description: String { identity.description }
}

/// Which database is meant: two with a common address and one name are the same.
package struct DatabaseIdentity: Hashable, Sendable, CustomStringConvertible {
    /// `host:port` in one spelling each; sockets by their directory. More than one where libpq may choose.
    package let addresses: [String]
    package let name: String

    package init(addresses: [String], name: String) {
        self.addresses = addresses
        self.name = name
    }

    package func isSame(as other: DatabaseIdentity) -> Bool {
        name == other.name && !Set(addresses).isDisjoint(with: other.addresses)
    }

    package var description: String { "\(name) at \(addresses.joined(separator: " or "))" }
}

/// Where a password comes from.
package enum PasswordOrigin: Hashable, Sendable {
    case none
    /// Written into the settings file itself; accepted with a warning.
    case settings(Secret)
    /// A variable of the environment.
    case environment(String)
    /// A file of its own; a line feed at its end is not part of the password.
    case file(FilePath)
    /// The name of a systemd credential, a file below `$CREDENTIALS_DIRECTORY`.
    case credential(String)

    package func fetch(in environment: SettingsEnvironment) throws(SecretError) -> Secret? {
        switch self {
        case .none: return nil
        case .settings(let secret): return secret
        case .environment(let variable):
            guard let text = environment.variables[variable] else {
                throw SecretError(doing: "read a password from $\(variable)", cause: "the variable is not set")
            }
            return Secret(text)
        case .file(let path): return try environment.secret(at: path)
        case .credential(let name): return try environment.secret(at: environment.credential(name))
        }
    }
}

/// A secret that could not be fetched. Its text names the place, never the secret.
package struct SecretError: Error, CustomStringConvertible {
    package let doing: String
    package let cause: String

    package init(doing: String, cause: String) {
        self.doing = doing
        self.cause = cause
    }

    package var description: String { "\(doing): \(cause)" }
}

extension DatabaseSettings {
    /// `variable` is the environment's variable whose value, where it is set, is the password and wins.
    static func read(
        from reader: inout SectionReader, variable: String, example: String, _ help: String,
        in environment: SettingsEnvironment
    ) -> DatabaseSettings {
        let connection = reader.required(
            "database", .connection, example: ConnectionText(written: example),
            "\(help) A connection string of libpq: keyword=value pairs, dbname among them, or a URI.")
        let file = reader.optional(
            "password_file", .path, example: FilePath("/etc/takeup/password"),
            "A file that holds the password and nothing else.")
        let credential = reader.optional(
            "password_credential", .name, example: "database",
            "The systemd credential that holds the password; the unit needs LoadCredential= or"
                + " LoadCredentialEncrypted= of that name.")
        let origin = origin(of: connection, file: file, credential: credential, reader: reader)
        return DatabaseSettings(
            conninfo: connection.text,
            passwordOrigin: environment.variables[variable] == nil ? origin : .environment(variable),
            identity: connection.identity)
    }

    private static func origin(
        of connection: ConnectionText, file: FilePath?, credential: String?, reader: SectionReader
    ) -> PasswordOrigin {
        var origins: [PasswordOrigin] = []
        if let password = connection.password {
            let path = reader.path(of: "database")
            reader.findings.warn(
                path, "the password stands in the settings file",
                hint: "Put it into a file (password_file) or a systemd credential (password_credential)",
                line: reader.findings.line(of: path))
            origins.append(.settings(password))
        }
        if let file { origins.append(.file(file)) }
        if let credential { origins.append(.credential(credential)) }
        if origins.count > 1 {
            let path = reader.path(of: credential == nil ? "password_file" : "password_credential")
            reader.findings.refuse(
                path, "the password is given more than once",
                hint: "Keep one of password_file, password_credential and the connection string",
                line: reader.findings.line(of: path))
        }
        return origins.last ?? .none
    }
}

extension ConnectionText {
    /// For examples in declarations, which are valid.
    init(written text: String) {
        switch ConnectionText.read(text) {
        case .value(let connection): self = connection
        case .refused(let why): preconditionFailure("the example \(text) \(why)")
        }
    }
}
