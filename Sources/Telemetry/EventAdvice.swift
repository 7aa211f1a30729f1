/// What a person should know of an event: the text of its entry in the journal's catalog (`journalctl -x`).
package struct EventAdvice: Hashable, Sendable {
    /// One line.
    package let subject: String
    package let happened: Sentence
    /// What Takeup did about it.
    package let did: Sentence
    /// What to do.
    package let next: Sentence
}

extension Event {
    package var advice: EventAdvice {
        switch self {
        case .watermarkRaised:
            EventAdvice(
                subject: "A volume is above its watermark",
                happened: """
                    Volume {volume} at {volume_path} is {used_pct} percent full ({resource}); its watermark is \
                    {watermark_pct} percent.
                    """,
                did: """
                    New recordings go to other volumes. Nothing was deleted, and nothing stops as long as \
                    another volume has room.
                    """,
                next: """
                    Give the volume space, or let retention make some. The alert ends by itself when use is \
                    well below the watermark again; `takeup status` shows all volumes.
                    """)
        case .watermarkCleared:
            EventAdvice(
                subject: "A volume is below its watermark again",
                happened: """
                    Volume {volume} at {volume_path} is {used_pct} percent full; its watermark is \
                    {watermark_pct} percent.
                    """,
                did: "The volume takes recordings again.",
                next: "Nothing.")
        case .floorReached:
            EventAdvice(
                subject: "A volume is full",
                happened: """
                    Volume {volume} at {volume_path} has only its floor left ({resource}), which is never \
                    taken.
                    """,
                did: "Nothing more is written to it.",
                next: """
                    Make room on the volume. If it is the last one, recordings wait at the recorders until \
                    there is room.
                    """)
        case .floorCleared:
            EventAdvice(
                subject: "A volume has room above its floor again",
                happened: "Volume {volume} at {volume_path} has {avail_bytes} bytes available again.",
                did: "The volume can take recordings when no other is under its watermark.",
                next: "Nothing.")
        case .placementSpilled:
            EventAdvice(
                subject: "Recordings go to a volume of lower priority",
                happened: "No volume of the preferred priority could take a file, so volume {volume} was chosen.",
                did: "Recordings are placed on {volume} until a preferred volume has room again.",
                next: "If this is not meant to happen, make room on the preferred volumes.")
        case .overflow:
            EventAdvice(
                subject: "All volumes are above their watermarks",
                happened: "No volume is under its watermark any more.",
                did: "Recordings are placed on {volume}, down to its floor, so that none is lost.",
                next: "Make room soon. When the floors are reached, recordings wait at the recorders.")
        case .allFull:
            EventAdvice(
                subject: "No volume can take recordings",
                happened: "Every volume is at its floor, absent or refuses to be written.",
                did: """
                    No work is taken and no recording is marked, so the recorders keep their originals. \
                    {count} recordings wait.
                    """,
                next: """
                    Make room, or bring a volume back. Check that nothing deletes unmarked recordings at the \
                    recorders. Work goes on by itself.
                    """)
        case .allFullCleared:
            EventAdvice(
                subject: "Recordings can be placed again",
                happened: "Volume {volume} can take recordings again.",
                did: "The {count} recordings that waited are being collected.",
                next: "Nothing.")
        case .filling:
            EventAdvice(
                subject: "A volume will be full within a day",
                happened: """
                    Volume {volume} at {volume_path} has {avail_bytes} bytes left. As it went in the last six hours, and in the \
                    last day, it will be at its floor within a day.
                    """,
                did: "Nothing else changed: it takes recordings up to its watermark.",
                next: "Make room before that, or add a volume. This is told again once a day while it stands.")
        case .fillingCleared:
            EventAdvice(
                subject: "A volume will not be full soon any more",
                happened:
                    "Volume {volume} at {volume_path} has {avail_bytes} bytes left, which last for more than a day and a half.",
                did: "The alert has ended.",
                next: "Nothing.")
        case .volumeUnavailable:
            EventAdvice(
                subject: "A volume is not available",
                happened: """
                    Volume {volume} at {volume_path} did not prove itself: {reason}. Its marker file is \
                    missing or another's, or it does not answer.
                    """,
                did: "Nothing is written to it and nothing is created in its place. Other volumes are used.",
                next: """
                    Mount the right file system at {volume_path}. A new volume is made known once with `takeup \
                    volume init`.
                    """)
        case .volumeReadonly:
            EventAdvice(
                subject: "A volume is read-only",
                happened: "The file system of volume {volume} at {volume_path} refuses to be written.",
                did: "Other volumes are used.",
                next: """
                    Look for errors of the disk in the kernel's messages, then mount it read-write. Services \
                    whose sandbox began while it was read-only must be restarted.
                    """)
        case .volumeLimited:
            EventAdvice(
                subject: "A volume takes less than it shows",
                happened: """
                    Volume {volume} at {volume_path} refused to reserve space that it shows as available \
                    ({reason}).
                    """,
                did: "Other volumes are used, and this one is tried again after 1, 2, 4 … 15 minutes.",
                next: """
                    Look for a quota of the service's user or of the directory, or for a thin pool that is \
                    full.
                    """)
        case .volumeSuspect:
            EventAdvice(
                subject: "A volume does not keep what is written to it",
                happened: """
                    Writes to volume {volume} at {volume_path} failed or read back differently, more than once, or many \
                    of its copies were bad when they were read again ({reason}).
                    """,
                did: """
                    Nothing new is placed there any more. No bad write was published; copies that went bad since are \
                    told of one by one.
                    """,
                next: """
                    Check the disk and its cables, or its server. Then say `takeup volume trust` with its name: it is used \
                    again when a trial passes (write, fsync, read back).
                    """)
        case .volumeDisordered:
            EventAdvice(
                subject: "The levels of a volume are in no order",
                happened: """
                    Volume {volume} at {volume_path} showed up while Takeup was running, and by the settings {detail}.
                    """,
                did:
                    "It is used all the same, down to its watermark: where the floor lies above that, it counts as lying there.",
                next: """
                    Lower placement.floor or placement.largest_file, lower the volume's watermark, or raise \
                    placement.hysteresis; `takeup check` says when they are in order. Agents do not start again before.
                    """)
        case .volumeAvailable:
            EventAdvice(
                subject: "A volume is available again",
                happened: "Volume {volume} at {volume_path} proves itself and can be written.",
                did: "It takes recordings again.",
                next: "Nothing.")
        case .copyCommitted:
            EventAdvice(
                subject: "A copy was verified and recorded",
                happened: """
                    Media {media} of recording {recording} lies on volume {volume}, read back and equal byte \
                    by byte.
                    """,
                did: "Its digest is on record.",
                next: "Nothing.")
        case .copyRetry:
            EventAdvice(
                subject: "A copy failed and will be repeated",
                happened: "Attempt {attempt} to copy media {media} of recording {recording} failed: {detail}",
                did: "What was staged is removed; the copy is tried again after a growing pause.",
                next:
                    "Nothing, unless it goes on; then the open problem of the recording in `takeup status` tells more.")
        case .copyElsewhere:
            EventAdvice(
                subject: "A copy went to another volume, as a disk failed",
                happened: """
                    The disk of volume {prev_volume} failed a copy of media {media} of recording {recording}: {detail}
                    """,
                did: """
                    It was read from its original again and copied to volume {volume}, which has it now. What was staged on \
                    the other is removed.
                    """,
                next: """
                    Look at the disk of volume {prev_volume} and at the kernel's log. When two of its last three writes \
                    have failed it is not used any more.
                    """)
        case .reserveRefused:
            EventAdvice(
                subject: "Space that was shown could not be reserved",
                happened: """
                    Volume {volume} did not reserve what media {media} of recording {recording} needs: {detail}
                    """,
                did: "Nothing was written. It goes to another volume where there is one; else it waits.",
                next: """
                    Nothing, when others filled the volume in that moment. Where it goes on, look for a quota or a thin pool that is full.
                    """)
        case .copyEnospc:
            EventAdvice(
                subject: "A volume ran out of space in the middle of a copy",
                happened: """
                    Volume {volume} had no space left although space was reserved: something else filled it.
                    """,
                did: "The staged file is removed and the copy goes to another volume.",
                next: "Find what else writes to the volume; give Takeup a file system of its own.")
        case .copyQuota:
            EventAdvice(
                subject: "A quota refused a copy",
                happened: """
                    A quota on volume {volume} is used up: {detail} ({count} times within the last minute).
                    """,
                did:
                    "Nothing of it has a name. It goes to another volume where there is one, and is tried again after a growing pause.",
                next: """
                    Raise the quota of the user, group, directory or subvolume that the copies belong to.
                    """)
        case .copyInodes:
            EventAdvice(
                subject: "A volume has no inodes left",
                happened: """
                    Volume {volume} has bytes left but cannot make another file ({count} times within the last minute).
                    """,
                did:
                    "Nothing of it has a name. It goes to another volume where there is one, and is tried again after a growing pause.",
                next: """
                    Remove small files that are no copies, or give the copies a file system with more inodes (`mkfs.ext4 -N`). `df -i` shows them.
                    """)
        case .copyReadonly:
            EventAdvice(
                subject: "A volume turned read-only",
                happened: """
                    Volume {volume} cannot be written any more: {detail} ({count} times within the last minute).
                    """,
                did:
                    "Nothing of it has a name. It goes to another volume where there is one, and is tried again after a growing pause.",
                next: """
                    Look at the kernel's messages: file systems turn read-only after errors. Mount it read-write again; the service sees that by itself.
                    """)
        case .copyVolumeGone:
            EventAdvice(
                subject: "A volume was not there for a copy",
                happened: """
                    Volume {volume} was absent, or was unmounted while files were copied to it ({reason}, {count} times within the last minute): {detail}
                    """,
                did:
                    "Nothing was written below the bare directory, and what was copied does not count. Nothing of it has a name. It goes to another volume where there is one, and is tried again after a growing pause.",
                next: """
                    Mount the volume. `takeup check` shows whether it proves itself.
                    """)
        case .copyWrongDisk:
            EventAdvice(
                subject: "Another volume lies where one is expected",
                happened: """
                    The marker at the path of volume {volume} names another volume ({count} times within the last minute).
                    """,
                did:
                    "Nothing was written to it. Nothing of it has a name. It goes to another volume where there is one, and is tried again after a growing pause.",
                next: """
                    Mount the right file system, or correct the path in the settings.
                    """)
        case .copyStale:
            EventAdvice(
                subject: "A volume was forgotten by what is behind it",
                happened: """
                    The server or file system behind volume {volume} no longer knows what was open there (ESTALE, {count} times within the last minute).
                    """,
                did: "The volume was opened anew once, and the copy goes on there or on another.",
                next: """
                    Look at the server of the volume: it was restarted, or its export was replaced.
                    """)
        case .copyHung:
            EventAdvice(
                subject: "A copy stands still",
                happened: """
                    A call does not return while media {media} of recording {recording} is copied to volume {volume}, at {reason} ({count} times within the last minute).
                    """,
                did:
                    "Its thread was given up; other volumes and mounts go on. The copy is tried again after a growing pause.",
                next: """
                    Look for a mount or volume that hangs: MOUNT_UNRESPONSIVE or VOLUME_UNAVAILABLE name it.
                    """)
        case .copyDenied:
            EventAdvice(
                subject: "A volume does not let the service write",
                happened: """
                    Writing to volume {volume} was refused: {detail} ({count} times within the last minute).
                    """,
                did: "Nothing of it has a name. It is tried again after a growing pause.",
                next: """
                    Give the user of the service the right to write below the volume, or, with `replay.user`, the drop-in preserve-owner.conf.
                    """)
        case .copyUnsupported:
            EventAdvice(
                subject: "A volume cannot hold a file",
                happened: """
                    Volume {volume} does not take media {media} of recording {recording} ({reason}): {detail}
                    """,
                did:
                    "The volume is passed over for this file; others are tried. Where none takes it, a problem `copy-unsupported` stays open.",
                next: """
                    Use a file system without such limits for the volume: ext4, XFS or btrfs.
                    """)
        case .attributesUnsupported:
            EventAdvice(
                subject: "A volume does not keep extended attributes",
                happened: "Volume {volume} refused an attribute of the user namespace: {detail}",
                did: "Copies are made without those that it does not take. This is told once for each process.",
                next: """
                    Use a file system that keeps them, or switch `copying.extended_attributes` off. An NFS server needs \
                    NFS 4.2 and Linux 5.9 for it.
                    """)
        case .resourceLimit:
            EventAdvice(
                subject: "This machine has run out of descriptors or memory",
                happened: """
                    A call failed while media {media} of recording {recording} was looked at or copied: {detail} ({count} \
                    times within the last minute).
                    """,
                did: """
                    What is under way goes on. Nothing new is begun here for a second, and for twice as long each time until \
                    a minute; then it is tried again, with fewer files at once. No recording counts it as its failure.
                    """,
                next: """
                    Look at the limits of the unit (`LimitNOFILE=`, `MemoryMax=`) and at what else runs here. Where it \
                    lasts there is a problem `out-of-resources` in `takeup status`.
                    """)
        case .verifyMismatch:
            EventAdvice(
                subject: "A copy reads back differently",
                happened: """
                    The bytes that volume {volume} returns for media {media} of recording {recording} are not \
                    those that were written.
                    """,
                did: """
                    The copy was discarded and is made anew. Nothing wrong was published, and the original is \
                    untouched.
                    """,
                next: """
                    Suspect the disk, its controller, its cable or the memory of this machine. Check older \
                    copies on this volume.
                    """)
        case .durabilityFailed:
            EventAdvice(
                subject: "A volume could not make copies durable",
                happened: "Volume {volume} reported an error while data were brought to the disk ({reason}): {detail}",
                did:
                    "What it took with it was discarded and is copied anew; it is never asked twice for the same bytes.",
                next: "Check the disk; look at the kernel's messages.")
        case .digestMismatch:
            EventAdvice(
                subject: "A file at the recorder is not what its row says",
                happened: "Media {media} of recording {recording} differs from the {reason} in its row.",
                did: """
                    It was not published and the recording is not marked. It is looked at again when row or \
                    file changes.
                    """,
                next: """
                    Compare the file at the recorder with its row; restore it from the recorder's archive if \
                    it is damaged.
                    """)
        case .sourceChanged:
            EventAdvice(
                subject: "An original changed while it was copied",
                happened: "Media {media} of recording {recording} was written to while it was copied.",
                did: "The copy was discarded; it is made anew when the file is quiet.",
                next: "Nothing, unless it goes on: then a program at the recorder rewrites finished files.")
        case .copyOutdated:
            EventAdvice(
                subject: "A file changed after it was copied",
                happened: """
                    A file of {recording} is not what was copied any more, though its row was FINISHED when it was: its \
                    recorder went on writing.
                    """,
                did: """
                    The file is copied anew once it has settled again; until then the earlier copy stays. It is kept aside \
                    for some days after that.
                    """,
                next: """
                    Nothing. If there are many, let the recorder write sizes into its rows, or lengthen \
                    `watching.quiet`.
                    """)
        case .sourceUnreadable:
            EventAdvice(
                subject: "An original cannot be read",
                happened: "Reading media {media} of recording {recording} below {mount} failed: {detail}",
                did: "It is tried again after a growing pause; everything else goes on.",
                next: "Check the permissions of the file for the service's user, and the recorder's disk.")
        case .pathRefused:
            EventAdvice(
                subject: "A path that leaves the mount was refused",
                happened: """
                    The path in the row of media {media} of recording {recording} holds `..`, a link that \
                    leads out of {mount}, or is no regular file.
                    """,
                did: "It was not opened.",
                next: "Find out who wrote that row: it may be a fault of the recorder or an attack.")
        case .fileTooLarge:
            EventAdvice(
                subject: "A file can be taken by no volume",
                happened: """
                    Media {media} of recording {recording} ({size} bytes) is too large, or its name not \
                    allowed, on every volume: {reason}.
                    """,
                did: "It waits; other files go on.",
                next: "Add a volume that can take it.")
        case .nameConflict:
            EventAdvice(
                subject: "Another file has the name of a copy",
                happened: """
                    On volume {volume} there is already a different file where media {media} of recording \
                    {recording} belongs.
                    """,
                did: "Nothing was overwritten; the copy waits.",
                next: "Find out which file that is and where it came from; move it out of the volume.")
        case .swept:
            EventAdvice(
                subject: "Leftovers were removed",
                happened: """
                    Volume {volume} held {count} staged or uncommitted files whose work had ended without \
                    them.
                    """,
                did: "They were removed after their lease and a grace time. No recorded copy was touched.",
                next: "Nothing.")
        case .scrubMismatch:
            EventAdvice(
                subject: "A copy changed on its volume",
                happened: """
                    The {kind} copy of recording {recording} on volume {volume} was read again, twice, and is not what was \
                    copied: {detail}. Its SHA-256 on record is {sha256}.
                    """,
                did: """
                    Where a recorder still has the recording, its mark is taken back there and it is copied again; the \
                    bad copy is put aside when the new one is on record. A muxed file is muxed again from sound and screen. \
                    Otherwise it stays as it is.
                    """,
                next: """
                    Look at the disk of volume {volume} (kernel messages, SMART) and at its memory: such errors come in \
                    groups. `takeup status` shows the problem until the copy is good again.
                    """)
        case .scrubMissing:
            EventAdvice(
                subject: "A copy is gone from its volume",
                happened: """
                    The {kind} copy of recording {recording} is not on volume {volume}, which proved itself before and \
                    after, and the replay's rows still name it: {detail}.
                    """,
                did: "Where a recorder still has the recording, its mark is taken back there and it is copied again.",
                next: """
                    Find out who removes files there. What the replay's own tools delete with their rows is no problem; \
                    this was not deleted so.
                    """)
        case .scrubUnreadable:
            EventAdvice(
                subject: "A copy cannot be read",
                happened: """
                    The disk of volume {volume} gives errors where the {kind} copy of recording {recording} lies: {detail}.
                    """,
                did: """
                    Where a recorder still has the recording, its mark is taken back there and it is copied again. \
                    Otherwise the copy stays as it is.
                    """,
                next: "Look at the kernel's messages about the disk, and replace it before more is lost.")
        case .scrubSummary:
            EventAdvice(
                subject: "Copies were read again",
                happened: "A scrub read {count} copies: {detail}.",
                did: "What was found good is recorded with the time of the check.",
                next: "Nothing; what is not good is told of by itself.")
        case .manifestSealed:
            EventAdvice(
                subject: "A day directory has its manifest",
                happened: """
                    {directory} on volume {volume} is closed. Its SHA256SUMS names {count} files, and has the SHA-256 {sha256}.
                    """,
                did: "The digest of the manifest is in the ledger.",
                next: "Nothing. `sha256sum -c SHA256SUMS` in that directory checks the files.")
        case .manifestTampered:
            EventAdvice(
                subject: "A manifest was changed by others",
                happened: """
                    SHA256SUMS or SHA256SUMS.removed in {directory} on volume {volume} is not what Takeup wrote: {detail}.
                    """,
                did: "It is left as it is, and nothing is written over it. No copy was touched.",
                next: """
                    Find out who writes there; `takeup verify` compares the files of the directory with the ledger. Move the \
                    changed manifest away as evidence: a new one is written by the next scrub.
                    """)
        case .recordingCommitted:
            EventAdvice(
                subject: "A recording was committed",
                happened: "Recording {recording} and {count} of its media are on the replay.",
                did: "The commit is durable.",
                next: "Nothing.")
        case .recordingMarked:
            EventAdvice(
                subject: "A recording was marked",
                happened: """
                    Recording {recording} is marked {mark} at its source: everything that the mark promises is \
                    durable.
                    """,
                did: "From now on other tools may delete the original.",
                next: "Nothing.")
        case .lateChange:
            EventAdvice(
                subject: "A marked recording has something new",
                happened: "After its mark, recording {recording} got metadata or media at its source.",
                did: "What is new is collected. The mark stays as it is.",
                next: "Nothing.")
        case .backlogHigh:
            EventAdvice(
                subject: "Files wait for long before they are copied",
                happened: """
                    {count} files of {source} ({waiting_bytes}) have not been tried yet; the oldest has waited for \
                    {oldest_usec}, which is longer than `synchro.backlog_limit`.
                    """,
                did: """
                    They are copied as fast as it goes, and what is recorded now does not wait behind them. Nothing is \
                    marked before it is copied.
                    """,
                next: """
                    `takeup status` shows whether an agent of the source is away, a read limit too low, or a volume slow. \
                    Hold back deletion at the recorder meanwhile. After a first start, or an outage, it ends by itself.
                    """)
        case .backlogCleared:
            EventAdvice(
                subject: "Files are copied in time again",
                happened: "What waits of {source} has not waited for long any more.",
                did: "The alert has ended.",
                next: "Nothing.")
        case .unmarkedOlder:
            EventAdvice(
                subject: "Unmarked recordings are older than the interval",
                happened: """
                    {count} finished recordings of {source} have no mark and ended before the interval that is looked \
                    for begins.
                    """,
                did: "They are counted and left where they are.",
                next: """
                    If they are wanted, lengthen the source's `interval` until they are collected. The problem \
                    `unmarked-older` closes when none is left.
                    """)
        case .markRefused:
            EventAdvice(
                subject: "A mark was withheld",
                happened: """
                    Between commit and mark, recording {recording} was found changed at its source: {reason}.
                    """,
                did: "It was not marked; it is looked at again and what is new is collected.",
                next: "Nothing.")
        case .markingStopped:
            EventAdvice(
                subject: "Marking has stopped",
                happened: """
                    The replay database is not the one that recordings were committed to: {reason}. It may \
                    have been restored or failed over.
                    """,
                did: "Recordings are still collected, but none is marked, so the recorders keep their originals.",
                next: """
                    Run `takeup audit`, and `takeup audit --repair` where it finds something; marking begins again \
                    when it has passed. The guide to backup and restore has the steps.
                    """)
        case .markingResumed:
            EventAdvice(
                subject: "Marking goes on",
                happened: "An audit has passed, and marks are given to source {source} again.",
                did: "What was collected meanwhile is marked now.",
                next: "Nothing.")
        case .problemOpened:
            EventAdvice(
                subject: "A problem was opened",
                happened: "{detail} ({problem}, source {source})",
                did: "The recording waits, is tried again, and takes no place from others.",
                next: """
                    `takeup status` shows it with what to do, as long as it is open. It closes by itself when its cause \
                    is gone.
                    """)
        case .problemClosed:
            EventAdvice(
                subject: "A problem is over",
                happened: "The cause of problem {problem} at source {source} is gone.",
                did: "The problem was closed.",
                next: "Nothing.")
        case .problemGivenUp:
            EventAdvice(
                subject: "A problem was closed without being mended",
                happened: "{detail} ({problem}, source {source}). {reason}.",
                did: "The problem was closed, as nothing is tried any more. What was brought before stays.",
                next:
                    "`takeup retry` takes up again what was marked erroneous; what its recorder deleted is not there any more."
            )
        case .mountAbsent:
            EventAdvice(
                subject: "A mount is away",
                happened: "{mount} does not show the recorder's directory since {elapsed_usec} µs: {detail}.",
                did: """
                    Nothing is concluded from it: no file counts as missing, nothing is marked for it, and what needs it \
                    waits. It is proved every second, and collecting goes on by itself when it is back, without a \
                    restart. Other mounts go on.
                    """,
                next: """
                    Mount it: `systemctl status` of its mount unit, or `findmnt {mount}`, says what there is. Where the \
                    server is away, look at the network and at the recorder's file service; a handle that stays stale \
                    needs an unmount and a mount.
                    """)
        case .mountWrong:
            EventAdvice(
                subject: "A mount is not the right one",
                happened: "What is mounted at {mount} does not prove to be the recorder's directory: {detail}.",
                did: """
                    Nothing is read from it and no file counts as missing. Collecting goes on by itself when the right \
                    one is back.
                    """,
                next: """
                    Mount the right file system, or correct the marker in the settings. Where the new one is meant, \
                    restart this agent: it takes what it finds at its start.
                    """)
        case .mountUnresponsive:
            EventAdvice(
                subject: "A mount does not answer",
                happened: "{mount} has not answered for {elapsed_usec} µs.",
                did: """
                    What needs it waits, and nothing is concluded. All other mounts go on, and so does this one when it \
                    answers again, without a restart.
                    """,
                next: """
                    Look at the network and at the recorder's file service. A call that hangs on a `hard` NFS mount ends \
                    when the server is back, or after `umount -f`.
                    """)
        case .mountBack:
            EventAdvice(
                subject: "A mount is back",
                happened: "{mount} proves itself again.",
                did: "It is scanned anew, and what was missed is collected.",
                next: "Nothing.")
        case .mountTaken:
            EventAdvice(
                subject: "A second agent was refused",
                happened: "An agent ({holder}) already serves {mount}.",
                did: "This one ended without doing anything.",
                next: "Stop one of them; a mount has one agent.")
        case .watchDegraded:
            EventAdvice(
                subject: "Watching is degraded",
                happened: "Not all directories below {mount} can be watched for events: {reason}.",
                did:
                    "They are polled, so recordings arrive later but none is missed. Events are tried again by itself.",
                next: """
                    If the limit on watches is reached, raise fs.inotify.max_user_watches; if there is no inotify \
                    instance, fs.inotify.max_user_instances. If directories cannot be read, let the service's user \
                    read them.
                    """)
        case .watchRecovered:
            EventAdvice(
                subject: "Watching is back to normal",
                happened: "Events of {mount} arrive again.",
                did: "Everything was scanned once.",
                next: "Nothing.")
        case .watchMode:
            EventAdvice(
                subject: "How a mount is watched",
                happened: "Changes below {mount} are noticed in mode {state} from now on: {reason}.",
                did: """
                    In mode event the kernel says what changes; in mode mixed the directories that get recordings are \
                    polled as well; in mode polling nothing else is done. Whatever it is, the whole tree is scanned \
                    from time to time.
                    """,
                next: "Nothing. If the choice is wrong, set `watch` of the mount in the settings.")
        case .eventsLost:
            EventAdvice(
                subject: "Events were lost",
                happened: "More events of {mount} came than the kernel keeps (fs.inotify.max_queued_events).",
                did: "The mount is scanned as often as this goes on, at growing intervals, and nothing is missed.",
                next: "Nothing, if it happens once. If it goes on, look at what writes or renames so many files.")
        case .eventsComplete:
            EventAdvice(
                subject: "Lost events are made up for",
                happened: "Events of {mount} arrive completely again.",
                did: "It was scanned {count} times in {elapsed_usec}.",
                next: "Nothing.")
        case .sourceUnreachable:
            EventAdvice(
                subject: "A recorder's database cannot be reached",
                happened: "The database of source {source} ({database}) gave: {detail}",
                did: "It is tried again after growing pauses; other sources go on.",
                next: """
                    Check the recorder, the network, its pg_hba.conf, and that IPAddressAllow= of the unit names the \
                    recorder.
                    """)
        case .sourceRefused:
            EventAdvice(
                subject: "A source's database is not its own",
                happened: "Takeup reached the database of source {source} and knew it again. {reason}",
                did: "Nothing is read from it, copied or marked. Other sources go on.",
                next: """
                    Correct `database` of one of the two in the settings and restart the agents. `takeup check` compares \
                    all databases.
                    """)
        case .sourceBack:
            EventAdvice(
                subject: "A recorder's database answers again",
                happened: "The database of source {source} ({database}) can be reached.",
                did: "What was missed is collected.",
                next: "Nothing.")
        case .sourcePaused:
            EventAdvice(
                subject: "A source is paused",
                happened: "Source {source} was told to rest with `takeup pause`, at {since_usec}: {reason}",
                did: """
                    What was being copied ends. Nothing else is looked at, copied or marked there, and its database \
                    is asked nothing. Originals stay where they are.
                    """,
                next: "`takeup resume --source` lets it go on. It stays paused over every restart until then.")
        case .sourceResumed:
            EventAdvice(
                subject: "A source goes on",
                happened: "Source {source} was paused since {since_usec}, and was told to go on.",
                did: "What came meanwhile is collected.",
                next: "Nothing.")
        case .readLimited:
            EventAdvice(
                subject: "A source is read at a limit",
                happened: "All agents of source {source} together read no more than {size} a second for copies.",
                did: "What is under way goes on at this pace.",
                next: """
                    Nothing. `takeup status` shows the limit and how fast is read; `takeup limit --source` changes it \
                    without a restart.
                    """)
        case .readUnlimited:
            EventAdvice(
                subject: "A source is read without a limit",
                happened: "The limit of source {source} is gone.",
                did: "Copies read as fast as it goes.",
                next: "Nothing.")
        case .replayUnreachable:
            EventAdvice(
                subject: "The replay's database cannot be reached",
                happened: "The replay's database ({database}) gave: {detail}",
                did: "No work is taken and nothing is marked until it answers.",
                next: "Check PostgreSQL on the replay server.")
        case .replayBack:
            EventAdvice(
                subject: "The replay's database answers again",
                happened: "The replay's database ({database}) can be reached.",
                did: "Work goes on where it stopped.",
                next: "Nothing.")
        case .definitionsBrought:
            EventAdvice(
                subject: "A recorder has the replay's phrases and speech tags",
                happened: "{count} definitions were added, changed or removed at {source}.",
                did: "Only what the replay defines was changed, and only what Takeup brought was removed.",
                next: "Nothing.")
        case .definitionsRefused:
            EventAdvice(
                subject: "A recorder does not take phrases and speech tags",
                happened: "{source}: {detail}",
                did: "Everything else goes on; it is tried again every ten minutes, and when the replay's change.",
                next: """
                    Run units/sql/source-role.sql at the recorder again, or set speech_definitions = false under
                    [synchro].
                    """)
        case .keeperTaken:
            EventAdvice(
                subject: "An agent became the keeper of a source",
                happened: "The agent of {mount} now looks at the catalog of {source}, reconciles and marks.",
                did: "It goes on where the last keeper stopped.",
                next: "Nothing.")
        case .keeperLost:
            EventAdvice(
                subject: "An agent is no longer the keeper of a source",
                happened: "The agent of {mount} lost the role for {source}: {reason}.",
                did: "Its unfinished work was dropped; another agent of the source takes over.",
                next: "Nothing, unless it happens often: then look at the replay's database.")
        case .leaseLost:
            EventAdvice(
                subject: "A lease was lost",
                happened: "{service} was too slow or was stopped, and its work on job {job} went to another.",
                did: "What it had staged is discarded; nothing of it was published.",
                next: "Nothing, unless it happens often: then a volume or the database is too slow.")
        case .muxCommitted:
            EventAdvice(
                subject: "Sound and screen became one file",
                happened: "The muxed file of recording {recording} was verified and lies on volume {volume}.",
                did: "It is on record beside its originals.",
                next: """
                    Nothing, unless it says that a screen is left out, not shown or cut, or that a length does not fit: then \
                    compare the times of the recording's media rows; of what is left out there is a problem. {reason}
                    """)
        case .muxFailed:
            EventAdvice(
                subject: "A mux failed",
                happened: "Sound and screen of recording {recording} could not be joined: {detail}",
                did: """
                    Nothing was published. It is tried again after a growing pause; the originals are \
                    untouched.
                    """,
                next: "`takeup status` names the media and why.")
        case .resultRegistered:
            EventAdvice(
                subject: "A GIR site has a result",
                happened:
                    "Sound and screens of a call that began at {since_usec} are one file, which was read back whole.",
                did: "RWS knows it as {reason}, beside its sources.",
                next: "Nothing.")
        case .resultFailed:
            EventAdvice(
                subject: "A GIR site has no result of a call yet",
                happened: "Sound and screens of a call that began at {since_usec} could not become a result: {detail}",
                did: """
                    Its media are untouched, and nothing was registered. It is tried again after a growing pause: where it does \
                    not pass by itself, after an hour at first, and a day in the end.
                    """,
                next: """
                    Look at what the text names: a service, an account, a key or a file. A batch that finds the call tries at \
                    once. RWS finds the call by its begin, and a result's name is the same in the logs of all workers. With a \
                    shared database `takeup screens --ledger` lists all that fail.
                    """)
        case .resultGivenUp:
            EventAdvice(
                subject: "A call of a GIR site is given up",
                happened: """
                    Sound and screens of a call that began at {since_usec} could not become a result for thirty days, or as long \
                    as the window is: {detail}
                    """,
                did: "It is not tried again by itself. Its media are untouched.",
                next: """
                    Mend what the text names, then run a batch whose query finds the call (call_recording_query_string), by its \
                    begin for example: it tries again what failed. With a shared database its row in takeup.site_call has state \
                    failed.
                    """)
        case .resultDoubled:
            EventAdvice(
                subject: "A pair had more than one result",
                happened: "Another muxer, or the old tool, made a result of the same media.",
                did: "The others were removed at RWS, {count} in all, so that {reason} is the only one.",
                next: "Give the muxers of one site windows or shards that do not meet, or one shared database.")
        case .callGivenUp:
            EventAdvice(
                subject: "A call at a GIR site stays without a result",
                happened: "A call that began at {since_usec} seemed to have a screen, and has no result: {reason}.",
                did: "It is not looked at any more. Its media are untouched.",
                next: """
                    Look whether the screen recorder of this agent uploads, and whether its clock is right. When the screen is there, \
                    a batch that finds the call makes its result.
                    """)
        case .bulkUnknown:
            EventAdvice(
                subject: "A GIR site is asked one by one",
                happened: "RWS refused the question for the screens of several calls as one that it does not know.",
                did: "Each call is asked about by itself, as with batch_read_screen_recording_metadata = 0.",
                next: "Nothing, unless RWS is slow: each call that is due is one question more.")
        case .resultLeft:
            EventAdvice(
                subject: "Something stays at a GIR site that nobody needs",
                happened: "Of a call that began at {since_usec} there is more than its results: {detail}",
                did: "The results of the call are whole and registered. What others made is theirs, and stays.",
                next: """
                    Results of fewer screens: remove them at RWS, if the old muxer made them. A file that can't be removed: \
                    give the account of [webdav] the right to, and remove it by hand.
                    """)
        case .batchEnded:
            EventAdvice(
                subject: "A batch is over",
                happened: "All calls that the query found were looked at: {detail}",
                did: "The program ends, with 0 where nothing failed.",
                next: "Run it again where something failed: what is done is not done twice.")
        case .notMuxable:
            EventAdvice(
                subject: "A recording cannot be muxed",
                happened: "Mux job {job} has no sound and screens that this worker can join: {reason}.",
                did: "Its originals are kept as they are.",
                next: "Nothing. A converter can make its screens muxable: see `mux.recd_converter`.")
        case .keyMissing:
            EventAdvice(
                subject: "A decryption key is missing",
                happened: """
                    Media {media} of recording {recording} is encrypted to {key_id}, for which there is no \
                    key.
                    """,
                did: "The media are kept as they are; the mux waits.",
                next: "Add the key and its certificate under [[mux.keys]], then restart the worker.")
        case .screenGivenUp:
            EventAdvice(
                subject: "An announced screen did not come",
                happened: """
                    Rows or external data of {count} recordings of {source}, such as {recording}, say that there is a screen. \
                    None came in {elapsed_usec}.
                    """,
                did: """
                    They are not looked for on purpose any more. Their sound is kept and marked as ever, and a screen that \
                    comes after all is collected and muxed.
                    """,
                next: """
                    `takeup screens` lists them. Look at the recorder whether its screen capture works and where its files \
                    go; `mux.screen_wait_age` says how long is waited.
                    """)
        case .agentReady:
            EventAdvice(
                subject: "An agent is ready",
                happened: "The agent of {mount} (source {source}, version {version}) has begun.",
                did: "It does its work and feeds systemd's watchdog as long as it moves.",
                next: "Nothing.")
        case .collectingOff:
            EventAdvice(
                subject: "Collecting is switched off",
                happened: "The settings say synchro.enabled = false. The agent of {mount} (source {source}) stays up.",
                did: """
                    It watches its mount and the volumes, and nothing else: no recorder's database is asked, nothing is \
                    copied or marked.
                    """,
                next: """
                    Set synchro.enabled = true and restart the agents to collect again. Recordings that are deleted at the \
                    recorders meanwhile are not here.
                    """)
        case .agentStopping:
            EventAdvice(
                subject: "An agent is stopping",
                happened: "The agent of {mount} was asked to stop.",
                did: "It finishes or drops its copies; nothing is lost.",
                next: "Nothing.")
        case .workerReady:
            EventAdvice(
                subject: "A mux worker is ready",
                happened: "A mux worker (version {version}) has begun.",
                did: "It does its work and feeds systemd's watchdog as long as it moves.",
                next: "Nothing.")
        case .clearOnDisk:
            EventAdvice(
                subject: "Clear media pass over a disk",
                happened: "The worker decrypts into {detail}.",
                did: "It goes on. What it decrypts is removed after each job, but a disk can be read afterwards.",
                next:
                    "Let mux.temporary_directory lie on a tmpfs of the worker alone; the worker's unit makes one."
            )
        case .toolsUnconfined:
            EventAdvice(
                subject: "ffmpeg is less confined than it could be",
                happened: "Were ffmpeg or ffprobe taken over by what it reads, this would be open to it: {detail}.",
                did: "It goes on: limits, a namespace without network and a process group of its own stay.",
                next:
                    "Use a kernel with Landlock (6.1 of Debian has it) and seccomp, and a sandbox that lets a process confine itself."
            )
        case .workerStopping:
            EventAdvice(
                subject: "A mux worker is stopping",
                happened: "A mux worker was asked to stop.",
                did: "It drops what is not done; other workers or its next start take it up.",
                next: "Nothing.")
        case .turnFailed:
            EventAdvice(
                subject: "A turn of a service failed",
                happened: "{service} could not finish a turn: {detail}",
                did: "It is repeated after a growing pause.",
                next: "Nothing, unless it goes on.")
        case .processFailed:
            EventAdvice(
                subject: "A process cannot go on",
                happened: "{detail}",
                did: "The process ends; systemd starts it again, and everything unfinished is found again.",
                next: "If it does not come up, the messages before this one tell why.")
        case .progressStalled:
            EventAdvice(
                subject: "A part of a process does not move",
                happened: "{service} has not moved for {elapsed_usec} µs.",
                did: "The watchdog is not fed any more; systemd will restart the process, and nothing is lost.",
                next: "If it happens again, keep the journal and report it.")
        case .settingsRefused:
            EventAdvice(
                subject: "Settings were refused",
                happened: "{settings} has {count} problems; this is one: {detail}",
                did: "Nothing was started.",
                next: "Correct the file; `takeup check` shows all problems at once.")
        case .settingsDoubtful:
            EventAdvice(
                subject: "Settings should be looked at",
                happened: "In {settings}: {detail}",
                did: "They are used as they are.",
                next: "Change the file, or leave it if that is what you mean.")
        }
    }
}
