package import Vocabulary

/// How sound and screen become one file.
package struct MuxSettings: Hashable, Sendable {
    /// Jobs that one worker process carries out at once.
    package let workers: Int
    package let ffmpeg: FilePath
    package let ffprobe: FilePath
    /// Length of a slice of padding, put where the screen starts later or ends earlier than the sound.
    package let videoPaddingSliceLength: Duration
    /// Whether the first and the last picture of a screen stand where it has none, rather than black.
    package let padsWithStill: Bool
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
    /// The name of the key that results of encrypted media are encrypted for; nil: they are clear.
    package let resultKey: String?
    package let resultCipher: ResultCipher
    /// Results of encrypted media are meant to be clear where no `resultKey` is set.
    package let resultsAreClear: Bool
    /// Keep mp3 of 16 kHz and more, which mp4 allows, rather than encode it to AAC, which plays everywhere.
    package let keepsMP3: Bool
    package let pictureCheck: PictureCheck
    /// Whether times in media rows tell how long their files are: recorders are known whose rows tell of the call.
    package let comparesRowLengths: Bool
    package let screenWait: ScreenWaitSettings
    package let masks: MaskSettings
    /// Nil: RECD alone is not muxable.
    package let converter: ConverterSettings?
    package let keys: [KeySettings]

    package enum ResultCipher: String, CaseIterable, Sendable {
        case cbc = "aes-256-cbc"
        case gcm = "aes-256-gcm"
    }

    /// Which pictures of a screen are decoded before it is muxed.
    package enum PictureCheck: String, CaseIterable, Sendable {
        /// The key pictures, and of the result all around joins.
        case joins
        /// The same, and all of a screen that no digest, CRC or cipher vouches for.
        case unvouched
        case all
    }
}

/// A private key and its certificate, for media encrypted to it.
package struct KeySettings: Hashable, Sendable {
    package let name: String
    /// PEM.
    package let certificate: KeyOrigin
    /// PEM, not encrypted.
    package let key: KeyOrigin
    /// What rows call it: its uuid in the replay's `managed_keys`.
    package let id: String?
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

extension MuxSettings {
    static func read(from reader: inout SectionReader) -> MuxSettings {
        MuxSettings(
            workers: reader.value(
                "workers", .integer(1...64), standard: 2, "Jobs that one worker process carries out at once."),
            ffmpeg: reader.value("ffmpeg", .path, standard: FilePath("/usr/bin/ffmpeg"), "The program."),
            ffprobe: reader.value("ffprobe", .path, standard: FilePath("/usr/bin/ffprobe"), "The program."),
            videoPaddingSliceLength: reader.value(
                "video_padding_slice_length_ms", .milliseconds(100...60_000), standard: .milliseconds(5000),
                "Length of a slice of padding, put where the screen starts later or ends earlier than the sound: so long one "
                    + "black picture stands."),
            padsWithStill: reader.value(
                "padding_is_still", .boolean, standard: false,
                "Before a screen its first picture stands, and behind it its last one; without, it is black there."),
            maxOverlapAllowed: reader.value(
                "max_overlap_allowed", .duration(.zero...(.seconds(60))), standard: .seconds(2),
                "How much two screens of one recording may overlap before the earlier one is cut."),
            lengthTolerance: reader.value(
                "length_tolerance", .duration(.milliseconds(100)...(.seconds(60))), standard: .milliseconds(100),
                "How much the result's length may differ from what was planned."),
            temporaryDirectory: reader.value(
                "temporary_directory", .path, standard: FilePath("/run/takeup-mux"),
                "A directory on a tmpfs of this service alone: clear bytes of encrypted media pass through it."),
            probeTimeout: reader.value(
                "probe_timeout", .duration(.seconds(1)...(.seconds(3600))), standard: .seconds(60),
                "How long ffprobe may take."),
            muxTimeout: reader.value(
                "mux_timeout", .duration(.seconds(10)...(.seconds(86_400))), standard: .seconds(3600),
                "How long ffmpeg may take."),
            memoryLimit: reader.value(
                "memory_limit", .byteCount(256 << 20...1 << 40), standard: 2 << 30,
                "Address space that one ffmpeg or ffprobe may take."),
            resultKey: reader.optional(
                "result_key", .name, example: "screens-2026",
                "The name of the key of [[mux.keys]] that a result is encrypted for where one of its halves was encrypted."
            ),
            resultCipher: reader.value(
                "result_cipher", .choice(.cbc), standard: .cbc,
                "The cipher of results. Of aes-256-gcm every change shows; not every player opens it."),
            resultsAreClear: reader.value(
                "results_are_clear", .boolean, standard: false,
                "Results of encrypted media are meant to be clear. Where there are keys, and neither this nor `result_key` is set, "
                    + "each start and `takeup check` say that they are."),
            keepsMP3: reader.value(
                "keep_mp3", .boolean, standard: false,
                "Keep mp3 of 16 kHz and more in the result, which saves time, rather than encode it to AAC, which plays everywhere."
            ),
            pictureCheck: reader.value(
                "picture_check", .choice(.unvouched), standard: .unvouched,
                "Which pictures are decoded before a result counts: the key pictures and all around joins; also all of screens that "
                    + "no digest, CRC or authenticated cipher vouches for, which takes longest; or all."),
            comparesRowLengths: reader.value(
                "compare_row_lengths", .boolean, standard: true,
                "What lacks more than 2 s and 2 % of the time that its row says is taken for damaged, and what differs by less for "
                    + "drift where the file is known to be whole. Off where a recorder's rows tell of the call and not of the file."
            ),
            screenWait: ScreenWaitSettings.read(from: &reader), masks: MaskSettings.read(from: &reader),
            converter: ConverterSettings.read(from: &reader),
            keys: reader.tables(
                "keys", isCommented: true, "A private key and its certificate, for media that are encrypted to it."
            ) { KeySettings.read(from: &$0) })
    }
}

extension KeySettings {
    fileprivate static func read(from reader: inout SectionReader) -> KeySettings {
        KeySettings(
            name: reader.required("name", .name, example: "screens-2026", "What the key is called; unique."),
            certificate: origin("certificate", "The certificate, PEM.", from: &reader),
            key: origin("key", "The private key, PEM, without a passphrase.", from: &reader),
            id: reader.optional(
                "id", .name, example: "5f0c2b1e-6a3d-4c7e-9b58-1d2f3a4b5c6d",
                "Its uuid in the replay's managed_keys, which rows of results name; needed for `result_key`."))
    }

    /// `key_file` or `key_credential`, one of the two.
    private static func origin(_ key: String, _ help: String, from reader: inout SectionReader) -> KeyOrigin {
        let file = reader.optional(
            "\(key)_file", .path, example: FilePath("/etc/takeup/keys/\(key).pem"), "\(help) As a file.")
        let credential = reader.optional(
            "\(key)_credential", .name, example: "screens-\(key)",
            "\(help) As a systemd credential of the worker's unit.")
        if let file, credential == nil { return .file(file) }
        if (file == nil) == (credential == nil) && !reader.findings.isDescribing {
            reader.findings.refuse(
                reader.path(of: key), file == nil ? "there is no \(key)" : "the \(key) is given twice",
                hint: "Give one of \(key)_file and \(key)_credential", line: reader.findings.line(of: reader.path))
        }
        return .credential(credential ?? "")
    }
}

extension JournalSettings {
    static func read(from reader: inout SectionReader) -> JournalSettings {
        JournalSettings(
            level: reader.value(
                "level", .choice(.info), standard: .info, "The least important level that goes into the journal."))
    }
}
