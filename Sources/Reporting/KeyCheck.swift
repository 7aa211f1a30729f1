internal import Files
internal import Media
internal import Settings
internal import Vocabulary

/// A private key with its certificate: that both can be read and belong together. Neither is ever printed.
enum KeyCheck {
    static func checks(_ keys: [KeySettings], environment: SettingsEnvironment) -> [Check] {
        keys.map { key in
            let subject = "key \(key.name)"
            return Check(late: CheckFinding(.fail, subject, "It could not be read in time.")) {
                [await finding(key, subject, environment)]
            }
        }
    }

    private static func finding(
        _ key: KeySettings, _ subject: String, _ environment: SettingsEnvironment
    ) async -> CheckFinding {
        let files: KeyRing.KeyFiles
        do throws(SecretError) {
            files = KeyRing.KeyFiles(
                privateKey: try key.key.path(in: environment), certificates: try key.certificate.path(in: environment))
        } catch {
            return unknown(error, subject, environment)
        }
        do {
            let threads = FileThreads(name: "check-key", count: 1)
            let count = try await threads.run(timeout: SiteCheck.patience) { _ in
                try KeyRing(loading: [files]).count
            }
            return CheckFinding(.ok, subject, "readable, with \(HumanText.count(count, "certificate")) of its own")
        } catch let error as MediaError {
            return CheckFinding(.fail, subject, "\(error.reason).", hint: hint(for: error.code))
        } catch {
            return CheckFinding(.fail, subject, "It could not be read: \(error).")
        }
    }

    private static func unknown(
        _ error: SecretError, _ subject: String, _ environment: SettingsEnvironment
    ) -> CheckFinding {
        if environment.variables["CREDENTIALS_DIRECTORY"] == nil {
            return CheckFinding(
                .warn, subject, "It was not looked at: it is a credential of the worker's service.",
                hint: "The worker says at its start whether it can read it.")
        }
        return CheckFinding(.fail, subject, "\(error).", hint: "Add LoadCredential= to the worker's unit.")
    }

    private static func hint(for code: MediaError.Code) -> String {
        switch code {
        case .wrongKey: "Name the certificate that was made for this key."
        case .noKey, .truncated, .damaged, .malformed, .unsupported, .mismatch, .toolMissing, .toolFailed, .toolKilled,
            .converterFailed,
            .toolStarved, .timedOut, .cancelled, .io:
            "Give a PEM file that the service's user can read."
        }
    }
}
