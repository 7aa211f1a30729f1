/// The version of this program, as `--version` and the ledger have it.
enum Version {
    static let text = "0.1.0"
}
