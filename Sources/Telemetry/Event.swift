/// Everything that Takeup tells, once. The raw value is the event's name in the journal (`TAKEUP_EVENT`). What each
/// means, and its number for good, is in its ``declaration``; what a person should know of it, in its ``advice``.
package enum Event: String, CaseIterable, Sendable {
    // MARK: Space on volumes

    /// A volume went above its watermark.
    case watermarkRaised = "WATERMARK_RAISED"
    /// It is below again, by the hysteresis.
    case watermarkCleared = "WATERMARK_CLEARED"
    /// A volume has nothing left that may be taken.
    case floorReached = "FLOOR_REACHED"
    /// It has room above its floor again.
    case floorCleared = "FLOOR_CLEARED"
    /// A lower priority is used for the first time in an episode.
    case placementSpilled = "PLACEMENT_SPILLED"
    /// All volumes are above their watermarks, some above their floors.
    case overflow = "OVERFLOW"
    /// No volume can take anything.
    case allFull = "ALL_FULL"
    /// One can again.
    case allFullCleared = "ALL_FULL_CLEARED"

    /// A volume will be full within a day.
    case filling = "FILLING"
    /// It will not.
    case fillingCleared = "FILLING_CLEARED"

    // MARK: State of volumes

    /// A volume does not prove itself or does not answer.
    case volumeUnavailable = "VOLUME_UNAVAILABLE"
    /// A volume cannot be written.
    case volumeReadonly = "VOLUME_READONLY"
    /// A quota or a hidden reserve says no.
    case volumeLimited = "VOLUME_LIMITED"
    /// A volume failed to keep what was written.
    case volumeSuspect = "VOLUME_SUSPECT"
    /// Its watermark, floor and hysteresis contradict each other.
    case volumeDisordered = "VOLUME_DISORDERED"
    /// It can be used again.
    case volumeAvailable = "VOLUME_AVAILABLE"

    // MARK: Copies

    /// A verified copy is on record.
    case copyCommitted = "COPY_COMMITTED"
    /// An attempt failed and will be repeated.
    case copyRetry = "COPY_RETRY"
    /// A volume's disk failed a copy, and another volume has it now.
    case copyElsewhere = "COPY_ELSEWHERE"
    /// Space that a volume showed could not be reserved.
    case reserveRefused = "RESERVE_REFUSED"
    /// Reserved space was gone all the same.
    case copyEnospc = "COPY_ENOSPC"
    /// A quota refused a copy.
    case copyQuota = "COPY_QUOTA"
    /// A volume has no inode left for a copy.
    case copyInodes = "COPY_INODES"
    /// A volume turned read-only under a copy.
    case copyReadonly = "COPY_READONLY"
    /// A volume was not there for a copy, or went while it was made.
    case copyVolumeGone = "COPY_VOLUME_GONE"
    /// Another volume is where a copy was to go.
    case copyWrongDisk = "COPY_WRONG_DISK"
    /// A volume's server has forgotten what was open.
    case copyStale = "COPY_STALE"
    /// A call of a copy does not return.
    case copyHung = "COPY_HUNG"
    /// A volume does not let the service write.
    case copyDenied = "COPY_DENIED"
    /// A volume cannot hold such a name, or such a size.
    case copyUnsupported = "COPY_UNSUPPORTED"
    /// A volume does not keep extended attributes.
    case attributesUnsupported = "ATTRIBUTES_UNSUPPORTED"
    /// This machine has run out of descriptors or memory.
    case resourceLimit = "RESOURCE_LIMIT"
    /// What was read back is not what was written.
    case verifyMismatch = "VERIFY_MISMATCH"
    /// The kernel could not make a copy durable.
    case durabilityFailed = "DURABILITY_FAILED"
    /// A file is not what its row says.
    case digestMismatch = "DIGEST_MISMATCH"
    /// The original changed while it was copied.
    case sourceChanged = "SOURCE_CHANGED"
    /// The original changed after its copy was committed.
    case copyOutdated = "COPY_OUTDATED"
    /// The original cannot be read.
    case sourceUnreadable = "SOURCE_UNREADABLE"
    /// A row names a path that leaves the mount.
    case pathRefused = "PATH_REFUSED"
    /// No volume can ever take this file.
    case fileTooLarge = "FILE_TOO_LARGE"
    /// Another file has the name.
    case nameConflict = "NAME_CONFLICT"
    /// Leftovers of broken-off work are gone.
    case swept = "SWEPT"

    // MARK: Copies read again, and manifests

    /// A held copy has other bytes than were copied.
    case scrubMismatch = "SCRUB_MISMATCH"
    /// A held copy is not there.
    case scrubMissing = "SCRUB_MISSING"
    /// The disk cannot read a held copy.
    case scrubUnreadable = "SCRUB_UNREADABLE"
    /// A scrub has ended.
    case scrubSummary = "SCRUB_SUMMARY"
    /// A day directory has its manifest.
    case manifestSealed = "MANIFEST_SEALED"
    /// A manifest is not the one that was written.
    case manifestTampered = "MANIFEST_TAMPERED"

    // MARK: Recordings

    /// A recording, or more of it, is on the replay.
    case recordingCommitted = "RECORDING_COMMITTED"
    /// The source row carries its mark.
    case recordingMarked = "RECORDING_MARKED"
    /// A marked recording has something new.
    case lateChange = "LATE_CHANGE"
    /// Files wait for longer than they should before they are tried.
    case backlogHigh = "BACKLOG_HIGH"
    /// They do not any more.
    case backlogCleared = "BACKLOG_CLEARED"
    /// Unmarked recordings are older than what is looked for.
    case unmarkedOlder = "UNMARKED_OLDER"
    /// A recording changed before its mark.
    case markRefused = "MARK_REFUSED"
    /// The replay is not the one it was.
    case markingStopped = "MARKING_STOPPED"
    /// It was looked at, and marks are given again.
    case markingResumed = "MARKING_RESUMED"
    /// Something needs a person.
    case problemOpened = "PROBLEM_OPENED"
    /// It is over.
    case problemClosed = "PROBLEM_CLOSED"
    /// One that nobody mended: what it was about is given up, or gone.
    case problemGivenUp = "PROBLEM_GIVEN_UP"

    // MARK: Mounts and watching

    /// A mount is not there.
    case mountAbsent = "MOUNT_ABSENT"
    /// Another file system is there.
    case mountWrong = "MOUNT_WRONG"
    /// It does not answer.
    case mountUnresponsive = "MOUNT_UNRESPONSIVE"
    /// It is there again.
    case mountBack = "MOUNT_BACK"
    /// Another agent serves it.
    case mountTaken = "MOUNT_TAKEN"
    /// Events are missing; polling instead.
    case watchDegraded = "WATCH_DEGRADED"
    /// Events are back.
    case watchRecovered = "WATCH_RECOVERED"
    /// How a mount is watched, at the start and when that changes.
    case watchMode = "WATCH_MODE"
    /// The kernel's queue overflowed.
    case eventsLost = "EVENTS_LOST"
    /// What was lost is found, and no more is lost.
    case eventsComplete = "EVENTS_COMPLETE"

    // MARK: Databases

    /// A recorder's database does not answer.
    case sourceUnreachable = "SOURCE_UNREACHABLE"
    /// A source's database is the replay's or another source's.
    case sourceRefused = "SOURCE_REFUSED"
    /// It answers again.
    case sourceBack = "SOURCE_BACK"
    /// An operator told a source to rest.
    case sourcePaused = "SOURCE_PAUSED"
    /// It may go on.
    case sourceResumed = "SOURCE_RESUMED"
    /// Its agents read no faster than a limit now.
    case readLimited = "READ_LIMITED"
    /// They read as fast as it goes.
    case readUnlimited = "READ_UNLIMITED"
    /// The replay's database does not answer.
    case replayUnreachable = "REPLAY_UNREACHABLE"
    /// It answers again.
    case replayBack = "REPLAY_BACK"
    /// A recorder has the replay's phrases and speech tags now.
    case definitionsBrought = "DEFINITIONS_BROUGHT"
    /// It does not take them.
    case definitionsRefused = "DEFINITIONS_REFUSED"
    /// This agent keeps a source now.
    case keeperTaken = "KEEPER_TAKEN"
    /// It keeps it no more.
    case keeperLost = "KEEPER_LOST"
    /// Work took longer than its lease.
    case leaseLost = "LEASE_LOST"

    // MARK: Mux

    /// Sound and screen are one file.
    case muxCommitted = "MUX_COMMITTED"
    /// It could not be made.
    case muxFailed = "MUX_FAILED"
    /// A GIR site has a result.
    case resultRegistered = "RESULT_REGISTERED"
    /// A GIR site does not have it yet.
    case resultFailed = "RESULT_FAILED"
    /// It is not tried any more.
    case resultGivenUp = "RESULT_GIVEN_UP"
    /// A GIR site had several results of one pair.
    case resultDoubled = "RESULT_DOUBLED"
    /// A call of a GIR site is left without a result that it seemed to have.
    case callGivenUp = "CALL_GIVEN_UP"
    /// A GIR site's calls are asked about one by one.
    case bulkUnknown = "BULK_UNKNOWN"
    /// Of a call at a GIR site there is more than its results.
    case resultLeft = "RESULT_LEFT"
    /// All calls of a batch were looked at.
    case batchEnded = "BATCH_ENDED"
    /// There is nothing that can be muxed.
    case notMuxable = "NOT_MUXABLE"
    /// No key fits.
    case keyMissing = "KEY_MISSING"
    /// A screen that was announced is not looked for any more.
    case screenGivenUp = "SCREEN_GIVEN_UP"

    // MARK: Processes

    /// An agent has begun.
    case agentReady = "AGENT_READY"
    /// Collecting is switched off in the settings.
    case collectingOff = "COLLECTING_OFF"
    /// An agent ends as asked.
    case agentStopping = "AGENT_STOPPING"
    /// A mux worker has begun.
    case workerReady = "WORKER_READY"
    case clearOnDisk = "CLEAR_MEDIA_ON_DISK"
    /// Nothing keeps ffmpeg from what it was not given.
    case toolsUnconfined = "TOOLS_UNCONFINED"
    /// A mux worker ends as asked.
    case workerStopping = "WORKER_STOPPING"
    /// One turn of a service failed.
    case turnFailed = "TURN_FAILED"
    /// The process cannot go on.
    case processFailed = "PROCESS_FAILED"
    /// A loop does not move.
    case progressStalled = "PROGRESS_STALLED"
    /// The settings cannot be used.
    case settingsRefused = "SETTINGS_REFUSED"
    /// They can be used but should be looked at.
    case settingsDoubtful = "SETTINGS_DOUBTFUL"
}
