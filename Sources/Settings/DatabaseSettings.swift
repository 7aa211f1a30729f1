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
