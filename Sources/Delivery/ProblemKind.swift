/// The kinds of problems, once, each with what a person can do about it. The raw value is what the ledger holds.
package enum ProblemKind: String, CaseIterable, Sendable {
    case missingFile = "missing-file"
    case shortFile = "short-file"
    case unsettledFile = "unsettled-file"
    case orphanFiles = "orphan-files"
    case damagedMedia = "damaged-media"
    case unreadableFile = "unreadable-file"
    case pathRefused = "path-refused"
    case unservedMedia = "unserved-media"
    case notMeasured = "not-measured"
    case rowRefused = "row-refused"
    case sidCollision = "sid-collision"
    case removedAtReplay = "removed-at-replay"
    case keyMissing = "key-missing"
    case notDecoded = "not-decoded"
    case sameDatabase = "same-database"
    case checksumMismatch = "checksum-mismatch"
    case copyFailed = "copy-failed"
    case commitRefused = "commit-refused"
    case markFailed = "mark-failed"
    case markedErroneous = "marked-erroneous"
    case deletionNear = "deletion-near"
    case markedNotHeld = "marked-not-held"
    case unmarkedOlder = "unmarked-older"
    case noRoom = "no-room"
    case volumeUnavailable = "volume-unavailable"
    case volumeLimited = "volume-limited"
    case volumeSuspect = "volume-suspect"
    case fileTooLarge = "file-too-large"
    case copyUnsupported = "copy-unsupported"
    case mountUnavailable = "mount-unavailable"
    case muxFailed = "mux-failed"
    case screenLeftOut = "screen-left-out"
    case phraseUnknown = "phrase-unknown"
    case valueTooLong = "value-too-long"
    case copyChanged = "copy-changed"
    case copyMissing = "copy-missing"
    case copyUnreadable = "copy-unreadable"
    case copiesUnread = "copies-unread"
    case manifestTampered = "manifest-tampered"
    case manifestWaiting = "manifest-waiting"
    case volumeDisordered = "volume-disordered"
    case outOfResources = "out-of-resources"

    /// Whether it is about what a recorder shows of a recording, and so is over once that has its mark. Damage is not: it
    /// came along.
    package var endsWithMark: Bool {
        switch self {
        case .notMeasured, .missingFile, .shortFile, .unsettledFile, .unreadableFile, .pathRefused, .unservedMedia,
            .rowRefused,
            .sidCollision, .removedAtReplay, .notDecoded, .checksumMismatch, .copyFailed, .commitRefused, .fileTooLarge,
            .copyUnsupported:
            true
        case .orphanFiles, .damagedMedia, .deletionNear, .markedNotHeld, .unmarkedOlder, .sameDatabase, .markFailed,
            .markedErroneous, .noRoom, .volumeUnavailable, .volumeLimited, .volumeSuspect, .mountUnavailable,
            .muxFailed, .screenLeftOut, .keyMissing, .phraseUnknown, .valueTooLong, .copyChanged, .copyMissing,
            .copyUnreadable, .copiesUnread, .manifestTampered, .manifestWaiting, .volumeDisordered, .outOfResources:
            false
        }
    }

    package var hint: String {
        switch self {
        case .missingFile:
            "Look on the recorder whether the file exists at all; it is fetched as soon as it appears."
        case .shortFile:
            "The recorder's row claims more bytes than the file has; look there whether the file was cut."
        case .unsettledFile: "The file does not come to rest; look on the recorder who writes to it."
        case .orphanFiles:
            "`takeup files --orphans` lists them: look in the recorder's database whether recordings were lost there."
        case .damagedMedia:
            "What the recorder wrote is kept as it is; play the original there to see whether the damage is old."
        case .unreadableFile: "Check the rights of the mount and of the file; it is tried again by itself."
        case .pathRefused: "The row's path leads out of the recorder's directories; correct it at the recorder."
        case .notMeasured:
            "Look whether ffmpeg is there (`takeup check`) and both files can be read; what is held stays meanwhile."
        case .unservedMedia: "Add the mount that holds this path to the source's `mounts`, and start its agent."
        case .rowRefused: "Correct the row at the recorder; it is looked at again by itself."
        case .sidCollision:
            "Two different calls have one sid; nothing is replaced or marked until one of them is corrected."
        case .removedAtReplay:
            "It does not come back by itself: `takeup restore` brings it. units/sql/replay-tombstones.sql lets removals say so."
        case .keyMissing: "Bring the key to the replay's managed_keys, or the certificate and key to `mux.keys`."
        case .notDecoded:
            "Look on the recorder why it was not decoded; it travels once it is. `only_processed = false` takes captures"
                + " as they are."
        case .sameDatabase: "Correct `database` of one of the two in the settings, and restart the agents."
        case .checksumMismatch:
            "The file is not what its row says; compare it with the recorder's own copy before trusting either."
        case .copyFailed: "The reason stands beside; it is tried again by itself, with growing pauses."
        case .commitRefused: "The replay's database refused the rows; its log says which constraint or trigger."
        case .markFailed: "Check that the source's role may update callrec.couples; the copies are safe."
        case .deletionNear:
            "Hold back deletion at the recorder until these are marked; `takeup status` says what they wait for."
        case .markedNotHeld:
            "Their marks let the recorder delete them. Hold its deletion back (of RECD above all), and run `takeup audit`."
        case .unmarkedOlder:
            "Nobody looks for them. If they are wanted, lengthen the source's `interval` until they are collected."
        case .markedErroneous:
            "Mend the cause, then `takeup retry`: it is taken up again, and ends with its true mark."
        case .noRoom: "Free space, raise a watermark or add a volume; originals are kept and unmarked meanwhile."
        case .volumeUnavailable:
            "Mount it, or run `takeup volume init` if it is new; other volumes serve meanwhile."
        case .volumeLimited:
            "Raise the quota, or look what holds its space back; it is tried again by itself, and other volumes serve meanwhile."
        case .volumeSuspect:
            "Look at the disk and the kernel's log. When it is mended: `takeup volume trust NAME`; it is tried before it is used."
        case .fileTooLarge:
            "Add a volume that is large enough, or lower its watermark's reserve; other recordings go on."
        case .copyUnsupported:
            "Use a file system without such limits for one of the volumes; other recordings go on."
        case .mountUnavailable:
            "Mount the right one, or look at the server behind it; nothing is concluded, and it goes on by itself."
        case .phraseUnknown:
            "Phrases are defined at the replay: add it there, or remove it at the recorder; media are safe."
        case .valueTooLong:
            "Nothing is lost, but no player shows them. Where that index can be changed, insert them from takeup.kept_datum,"
                + " and delete them there."
        case .copyChanged:
            "Look at the disk of that volume; a copy that no recorder has any more stays as it is, as evidence."
        case .copyMissing:
            "Find out who removed it: the replay's own tools remove the row as well. It is copied again where a recorder has it."
        case .copyUnreadable: "Look at the kernel's messages about the disk of that volume, and replace it."
        case .copiesUnread:
            "Look at the rights of files on that volume, and at the disk or server behind it: nobody knows whether these copies"
                + " are what was copied. The summaries of scrubs name them; they are tried again each day."
        case .manifestTampered:
            "Find out who wrote there, and move the changed manifest away as evidence: the next scrub writes a new one."
        case .manifestWaiting:
            "`takeup files --missing` and the problems of its source say what it waits for; it is written once that came or was"
                + " given up."
        case .volumeDisordered:
            "Lower placement.floor or placement.largest_file, lower the volume's watermark, or raise placement.hysteresis:"
                + " agents do not start again with it."
        case .outOfResources:
            "Raise `LimitNOFILE=` or `MemoryMax=` of the unit, or look what else holds descriptors and memory on that host; it"
                + " goes on by itself, slowly."
        case .muxFailed: "The reason stands beside; sound and screen are safe and can be played apart."
        case .screenLeftOut:
            "The screen is safe and can be played apart. A better copy of it makes the result anew; once the cause is mended here,"
                + " `takeup retry` does, or the next start of a mux worker."
        }
    }
}
