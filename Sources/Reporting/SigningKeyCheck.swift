internal import Files
internal import Glibc
internal import Media
internal import Settings
internal import Vocabulary

/// The key that signs manifests: that it can be read and signs, and that nobody else can. It is never printed.
enum SigningKeyCheck {
    private static let subject = "signing key"

    static func checks(_ manifests: ManifestSettings, environment: SettingsEnvironment) -> [Check] {
        guard manifests.isEnabled, let key = manifests.key else { return [] }
        return [
            Check(late: CheckFinding(.fail, subject, "It could not be read in time.")) {
                await findings(key, environment)
            }
        ]
    }

    private static func findings(_ key: KeyOrigin, _ environment: SettingsEnvironment) async -> [CheckFinding] {
        let path: FilePath
        do throws(SecretError) {
            path = try key.path(in: environment)
        } catch {
            return [unknown(error, environment)]
        }
        do {
            let threads = FileThreads(name: "check-key", count: 1)
            let (kind, id, mode) = try await threads.run(timeout: SiteCheck.patience) { _ in
                let signer = try ManifestSigner(pem: try environment.readFile(path))
                // One that can't sign shows it only now.
                _ = try signer.sign(Array("takeup".utf8))
                // What a link leads to counts.
                var status = stat()
                let mode =
                    stat(path.bytes.map { CChar(bitPattern: $0) } + [0], &status) == 0 ? UInt32(status.st_mode) : 0
                return (signer.kind, signer.keyID, mode)
            }
            let found = CheckFinding(
                .ok, subject, "\(kind), signs; SHA-256 of its public key \(id.prefix(16))…")
            return [found] + exposure(mode)
        } catch let error as ManifestSigner.Refused {
            return [
                CheckFinding(
                    .fail, subject, "No manifest is written: \(error).",
                    hint:
                        "Give an Ed25519, EC or RSA key as PEM without a passphrase; LoadCredentialEncrypted= keeps it secret."
                )
            ]
        } catch let error as UnreadableFile {
            return [
                CheckFinding(
                    .fail, subject, "No manifest is written: \(path.displayText) cannot be read: \(error.reason).",
                    hint: "Let the service's user read it, and run this check as that user.")
            ]
        } catch {
            return [CheckFinding(.fail, subject, "It could not be read: \(error).")]
        }
    }

    private static func exposure(_ mode: UInt32) -> [CheckFinding] {
        let whose: String
        if mode & 0o022 != 0 {
            whose = "its group or everybody can replace it"
        } else if mode & 0o004 != 0 {
            whose = "everybody can read it"
        } else {
            return []
        }
        return [
            CheckFinding(
                .warn, subject, "Its signatures prove little: \(whose).",
                hint: "`chmod 0400` or 0440; and make a new key, as this one may be known.")
        ]
    }

    private static func unknown(_ error: SecretError, _ environment: SettingsEnvironment) -> CheckFinding {
        if environment.variables["CREDENTIALS_DIRECTORY"] == nil {
            return CheckFinding(
                .warn, subject, "It was not looked at: it is a credential of the scrub's service.",
                hint: "The scrub says in its summary where it can't use it.")
        }
        return CheckFinding(
            .fail, subject, "\(error).",
            hint: "Add LoadCredential= or LoadCredentialEncrypted= to takeup-scrub.service.")
    }
}
