package import Vocabulary

/// How sound and screen become one file.
package struct MuxSettings: Hashable, Sendable {
    /// Jobs that one worker process carries out at once.
    package let workers: Int
    package let ffmpeg: FilePath
    package let ffprobe: FilePath
    package let keys: [KeySettings]
    /// Length of a slice of padding, put where the screen starts later or ends earlier than the sound.
    package let videoPaddingSliceLength: Duration
    /// How much two screens of one recording may overlap before the earlier one is cut.
    package let maxOverlapAllowed: Duration
    /// How much the result's length may differ from the plan's.
    package let lengthTolerance: Duration
    /// Must lie on a tmpfs of this service alone: clear bytes of encrypted media pass through it.
    package let temporaryDirectory: FilePath
    package let probeTimeout: Duration
    package let muxTimeout: Duration
    /// Address space that one ffmpeg or ffprobe may take, in bytes.
    package let memoryLimit: Int64
}

/// A private key and its certificate, for media encrypted to it.
package struct KeySettings: Hashable, Sendable {
    package let name: String
    /// PEM.
    package let certificate: KeyOrigin
    /// PEM, not encrypted.
    package let key: KeyOrigin
}

/// Where a key or a certificate is. It is read by the process that needs it, not with the settings.
package enum KeyOrigin: Hashable, Sendable {
    case file(FilePath)
    /// The name of a systemd credential, a file below `$CREDENTIALS_DIRECTORY`.
    case credential(String)

    package func path(in environment: SettingsEnvironment) throws(SecretError) -> FilePath {
        switch self {
        case .file(let path): path
        case .credential(let name): try environment.credential(name)
        }
    }
}

/// What goes into the journal.
package struct JournalSettings: Hashable, Sendable {
    /// The least important level that is told, in syslog's words.
    package enum Level: String, CaseIterable, Sendable {
        case error, warning, notice, info, debug
    }
    package let level: Level
}
