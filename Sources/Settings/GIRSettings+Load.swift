package import Vocabulary

extension GIRSettings {
    /// Reads `muxer.cfg`, and what the command line and the environment say over it.
    ///
    /// - Returns: the settings, and what is doubtful in the file: unknown keys, keys in another section, values that are
    ///   cut to what RWS can do.
    /// - Throws: ``SettingsRefused`` with everything that is wrong at once.
    package static func load(
        _ file: FilePath, arguments: MuxerArguments = MuxerArguments(), environment: SettingsEnvironment
    ) throws(SettingsRefused) -> (settings: GIRSettings, warnings: [SettingsProblem]) {
        let bytes: [UInt8]
        do {
            bytes = try environment.readFile(file)
        } catch {
            let problem = SettingsProblem(
                line: nil, key: "", what: "the file cannot be read: \(error.reason)",
                hint: "Name it with --config-file, and let Takeup's user read it")
            throw SettingsRefused(file: file, problems: [problem], warnings: [])
        }
        var reader = MuxerFileReader(bytes: bytes, arguments: arguments, environment: environment)
        let settings = GIRSettings(from: &reader)
        guard let settings, reader.problems.isEmpty else {
            throw SettingsRefused(
                file: file, problems: inOrder(reader.problems), warnings: inOrder(reader.warnings))
        }
        return (settings, inOrder(reader.warnings))
    }

    private static func inOrder(_ found: [SettingsProblem]) -> [SettingsProblem] {
        found.enumerated().sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }
            .map(\.element)
    }

    /// Nil where something is wrong; then the reader has the problem.
    private init?(from reader: inout MuxerFileReader) {
        let rws = reader.service(.rwsAddress, .rwsUser, .rwsPassword, standard: "ops")
        let rcs = reader.service(.rcsAddress, .rcsUser, .rcsPassword, standard: nil)
        let contactCenter = reader.contactCenter()
        webDAV = reader.webDAVAccount()
        tools = Tools(
            ffmpeg: reader.path(.ffmpeg), ffprobe: reader.path(.ffprobe), openssl: reader.path(.openssl))
        asksInBulk = reader.integer(.bulk, in: Int.min...Int.max, standard: 1) == 1
        querySliceSize = reader.integer(.querySliceSize, in: 1...Int.max, standard: 100)
        window = reader.window()
        pollInterval = reader.pollInterval(of: window)
        shard = reader.shard()
        temporaryDirectory = reader.path(.temporaryDirectory)
        workerThreads = reader.integer(.workerThreads, in: 1...64, standard: 2)
        pagination = reader.pagination()
        maxOverlapAllowed = .milliseconds(reader.integer(.maxOverlap, in: 0...60_000, standard: 2000))
        paddingSliceLength = .milliseconds(reader.integer(.paddingSlice, in: 100...60_000, standard: 5000))
        extraQuery = reader.extraQuery()
        batchQuery = reader.batchQuery()
        logDirectory = reader.path(.logDirectory)
        if shard?.kind == .backup, window.olderThan == .zero {
            reader.warn(
                .windowPastOlderThan, "a backup searches the newest calls, as the primary does",
                "Set it to the primary's window_past")
        }
        guard let rws, let contactCenter else { return nil }
        self.rws = rws
        self.contactCenter = contactCenter
        self.rcs = rcs
    }
}
