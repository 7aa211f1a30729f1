/// The options of `muxer.cfg`, each declared once, with the names that the manual of the Recording Muxer Script gives them.
package enum MuxerOption: String, CaseIterable, Sendable {
    case rwsAddress = "htcc.base_uri"
    case contactCenter = "htcc.contact_center_id"
    case rwsUser = "htcc.username"
    case rwsPassword = "htcc.password"
    case rcsAddress = "rcs.base_uri"
    case rcsUser = "rcs.username"
    case rcsPassword = "rcs.password"
    case webDAVUser = "webdav.username"
    case webDAVPassword = "webdav.password"
    case ffmpeg = "processing.ffmpeg"
    case ffprobe = "processing.ffprobe"
    case openssl = "processing.openssl"
    case bulk = "processing.batch_read_screen_recording_metadata"
    case querySliceSize = "processing.query_slice_size"
    case windowPast = "processing.window_past"
    case windowPastOlderThan = "processing.window_past_older_than"
    case pollInterval = "processing.min-poll_interval"
    case splitWindow = "processing.split_window_enabled"
    case maxInterval = "processing.max_interval_minutes"
    case intervalBuffer = "processing.interval_buffer_minutes"
    case muxerID = "processing.muxer_id"
    case totalMuxers = "processing.total_muxers"
    case muxerType = "processing.muxer_type"
    case temporaryDirectory = "processing.temp_dir"
    case workerThreads = "advanced.worker_threads"
    case pagination = "advanced.pagination"
    case maxOverlap = "advanced.max_overlap_allowed"
    case paddingSlice = "advanced.video_padding_slice_length_ms"
    case extraQuery = "advanced.call_recording_extra_query_string"
    case batchQuery = "advanced.call_recording_query_string"
    case logDirectory = "logfile.logfile_path"

    package var section: String { String(rawValue.prefix { $0 != "." }) }
    package var key: String { String(rawValue.drop { $0 != "." }.dropFirst()) }
    /// As it is told of: `[processing] temp_dir`.
    package var place: String { "[\(section)] \(key)" }

    /// The manual spells one key with a hyphen, and only once; with an underscore is the likelier.
    var aliases: [String] { self == .pollInterval ? ["min_poll_interval"] : [] }

    /// The credential of the unit that stands for a password which is left empty; nil for all that is no password.
    var credential: String? { key == "password" ? section + "_password" : nil }

    /// The manual says of these that they stand in `muxer.cfg`, and not in which section.
    var standsInAnySection: Bool {
        switch self {
        case .splitWindow, .maxInterval, .intervalBuffer: true
        case .rwsAddress, .contactCenter, .rwsUser, .rwsPassword, .rcsAddress, .rcsUser, .rcsPassword, .webDAVUser,
            .webDAVPassword, .ffmpeg, .ffprobe, .openssl, .bulk, .querySliceSize, .windowPast, .windowPastOlderThan,
            .pollInterval, .muxerID, .totalMuxers, .muxerType, .temporaryDirectory, .workerThreads, .pagination,
            .maxOverlap, .paddingSlice, .extraQuery, .batchQuery, .logDirectory:
            false
        }
    }

    /// The option that an entry of the file sets.
    static func named(_ key: String, in section: String) -> MuxerOption? {
        allCases.first {
            ($0.key == key || $0.aliases.contains(key)) && ($0.section == section || $0.standsInAnySection)
        }
    }
}
