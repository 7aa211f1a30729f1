internal import Vocabulary

/// How held copies are read again.
package struct ScrubSettings: Hashable, Sendable {
    /// From a copy's commit to its first check.
    package let firstAfter: Duration
    /// What is read again of a volume's bytes in a day.
    package let share: Percent
    /// The least time between two checks of a copy.
    package let againAfter: Duration
    /// Bytes a second that are read of each volume.
    package let rate: Int64
}

/// The lists of digests in closed day directories.
package struct ManifestSettings: Hashable, Sendable {
    package let isEnabled: Bool
    /// From the end of a day to its manifest.
    package let closeAfter: Duration
    /// PEM, not encrypted; nil where manifests are not signed.
    package let key: KeyOrigin?
}

extension ScrubSettings {
    static func read(from reader: inout SectionReader) -> ScrubSettings {
        ScrubSettings(
            firstAfter: reader.value(
                "first_after", .duration(.zero...(.seconds(30 * 86_400))), standard: .seconds(86_400),
                "From a copy's commit until it is read for the first time."),
            share: reader.value(
                "share", .percent(0...100), standard: Percent(8),
                "What is read again of each volume's bytes in a day, besides what is read for the first time."),
            againAfter: reader.value(
                "again_after", .duration(.zero...(.seconds(3650 * 86_400))), standard: .seconds(10 * 86_400),
                "The least time between two checks of one copy."),
            rate: reader.value(
                "rate", .byteCount(64 << 10...1 << 40), standard: 64 << 20,
                "What is read of each volume in a second, at most."))
    }
}

extension ManifestSettings {
    static func read(from reader: inout SectionReader) -> ManifestSettings {
        ManifestSettings(
            isEnabled: reader.value(
                "enabled", .boolean, standard: true,
                "Whether each closed day directory gets its SHA256SUMS."),
            closeAfter: reader.value(
                "close_after", .duration(.zero...(.seconds(3650 * 86_400))), standard: .seconds(2 * 86_400),
                "From the end of a day until its directory counts as closed, if nothing is on its way to it."),
            key: key(from: &reader))
    }

    private static func key(from reader: inout SectionReader) -> KeyOrigin? {
        let file = reader.optional(
            "signing_key_file", .path, example: FilePath("/etc/takeup/keys/manifests.pem"),
            "A private key (PEM, without a passphrase; Ed25519, EC or RSA) that signs manifests. As a file.")
        let credential = reader.optional(
            "signing_key_credential", .name, example: "manifests-key", "The same as a systemd credential of the unit.")
        if file != nil, credential != nil {
            reader.findings.refuse(
                reader.path(of: "signing_key_credential"), "the signing key is given twice",
                hint: "Give one of signing_key_file and signing_key_credential",
                line: reader.findings.line(of: reader.path(of: "signing_key_credential")))
        }
        return file.map(KeyOrigin.file) ?? credential.map(KeyOrigin.credential)
    }
}
