/// The kind of a media file. The raw value is what `cfiles.cftype` holds.
package enum MediaKind: String, CaseIterable, Hashable, Sendable {
    case audio = "AUDIO"
    case mag = "MAG"
    case archive = "ARCHIVE"
    case image = "IMAGE"
    case video = "VIDEO"
    case recd = "RECD"
    case phoneVideoMag = "PVMAG"
    case phoneVideoStream = "PVSTREAM"
    case phoneVideo = "PVIDEO"
    /// Has no row of its own; found by path convention.
    case index = "INDEX"
}

/// What a source's `synchronized` column says; no value means *not yet*.
package enum Mark: String, Hashable, Sendable {
    /// Synchronized: the replay uses media or metadata of this source's recording.
    case synchronized = "S"
    /// Synchronized, but not used: the replay had everything in at least this quality.
    case notUsed = "N"
    /// Erroneous: given up after a stated number of attempts, only with `mark_erroneous`.
    case erroneous = "E"
    /// Failed: written by others, never by us.
    case failed = "F"
}
