import Testing
import Vocabulary

@testable import Settings

/// Every option of the manual's tables, with its default, its validity and what it changes.
@Suite struct GIRSettingsTests {
    private static let least = [
        "[htcc]", "base_uri = https://rws.example:8443/", "contact_center_id = 00ab-cd", "username = rwsuser",
        "password = secret1", "[webdav]", "username = dav", "password = secret2",
    ]

    private func load(
        _ lines: String..., without: String? = nil, arguments: MuxerArguments = MuxerArguments(),
        variables: [String: String] = [:], files: [String: String] = [:]
    ) throws(SettingsRefused) -> (settings: GIRSettings, warnings: [SettingsProblem]) {
        let kept = Self.least.filter { line in without.map { !line.hasPrefix($0) } ?? true }
        let text = (kept + lines).joined(separator: "\n")
        return try GIRSettings.load(
            FilePath("muxer.cfg"), arguments: arguments,
            environment: environment(variables, files: files.merging(["muxer.cfg": text]) { $1 }))
    }

    /// The keys of what is wrong.
    private func refusals(
        _ lines: String..., without: String? = nil, variables: [String: String] = [:],
        arguments: MuxerArguments = MuxerArguments()
    ) -> [String] {
        let kept = Self.least.filter { line in without.map { !line.hasPrefix($0) } ?? true }
        let text = (kept + lines).joined(separator: "\n")
        do {
            _ = try GIRSettings.load(
                FilePath("muxer.cfg"), arguments: arguments,
                environment: environment(variables, files: ["muxer.cfg": text]))
            return []
        } catch {
            return error.problems.map(\.key)
        }
    }

    // MARK: [htcc]

    @Test func `htcc says where RWS is, who asks, and for which contact center`() throws {
        let settings = try load().settings
        #expect(settings.rws.address == "https://rws.example:8443")
        #expect(settings.rws.account.user == "rwsuser")
        #expect(settings.rws.account.password.reveal() == "secret1")
        #expect(settings.contactCenter == "00ab-cd")
        #expect(settings.rcs == nil)
    }

    @Test(arguments: [
        "rws.example:8443", "ftp://rws.example", "https://", "https://user:pass@rws.example",
        "https://rws.example/?a=b",
        "https://rws example",
    ])
    func `base_uri has to be an address without anything else in it`(address: String) {
        #expect(refusals("[htcc]", "base_uri = \(address)") == ["[htcc] base_uri"])
    }

    @Test func `an address without TLS is warned about`() throws {
        let warnings = try load("[htcc]", "base_uri = http://rws.example:8080/").warnings
        #expect(warnings.contains { $0.key == "[htcc] base_uri" && $0.what.contains("in clear") })
    }

    @Test func `base_uri and contact_center_id have no default`() {
        #expect(refusals(without: "base_uri") == ["[htcc] base_uri"])
        #expect(refusals(without: "contact_center_id") == ["[htcc] contact_center_id"])
        #expect(refusals("[htcc]", "contact_center_id = ../x") == ["[htcc] contact_center_id"])
    }

    @Test func `username and password of htcc are ops where nothing stands, and that is warned about`() throws {
        let text = "[htcc]\nbase_uri=https://a:1/\ncontact_center_id=1"
        let loaded = try GIRSettings.load(
            FilePath("muxer.cfg"), environment: environment(files: ["muxer.cfg": text]))
        #expect(loaded.settings.rws.account == .init(user: "ops", password: Secret("ops")))
        #expect(loaded.warnings.contains { $0.key == "[htcc] password" })
    }

    // MARK: Passwords

    @Test(arguments: [("HTCC", 0), ("RCS", 1), ("WEBDAV", 2)])
    func `the environment's password wins over the file's`(section: String, index: Int) throws {
        let settings = try load(
            "[rcs]", "base_uri = https://rcs:1/", "username = admin", "password = secret3",
            variables: [section + "_PASSWORD": "other"]
        ).settings
        let secrets = [settings.rws.account.password, settings.rcs?.account.password, settings.webDAV?.password]
        for (number, secret) in secrets.enumerated() {
            #expect((secret?.reveal() == "other") == (number == index))
        }
    }

    @Test func `an empty password is a credential of the unit, and an empty variable says nothing`() throws {
        let settings = try load(
            "[htcc]", "password =", "[rcs]", "base_uri = https://rcs:1/", "username = admin", "password =", "[webdav]",
            "password =",
            variables: ["CREDENTIALS_DIRECTORY": "/run/cred", "HTCC_PASSWORD": ""],
            files: [
                "/run/cred/htcc_password": "one\n", "/run/cred/rcs_password": "two",
                "/run/cred/webdav_password": "three",
            ]
        ).settings
        #expect(settings.rws.account.password.reveal() == "one")
        #expect(settings.rcs?.account.password.reveal() == "two")
        #expect(settings.webDAV?.password.reveal() == "three")
    }

    @Test func `an empty password that nobody gives is refused, also for ops`() {
        #expect(refusals("[htcc]", "password =") == ["[htcc] password"])
        #expect(refusals("[webdav]", "password =") == ["[webdav] password"])
        #expect(refusals("[rcs]", "base_uri = https://rcs:1/", "username = a", "password =") == ["[rcs] password"])
    }

    @Test func `no password is ever printed`() throws {
        let settings = try load().settings
        #expect(!"\(settings)".contains("secret1") && !String(reflecting: settings).contains("secret2"))
    }

    // MARK: [rcs], [webdav]

    @Test func `rcs needs a user where it has an address, and means nothing without`() throws {
        let settings = try load("[rcs]", "base_uri = https://rcs:8008/", "username = admin", "password = p").settings
        #expect(settings.rcs?.address == "https://rcs:8008")
        #expect(settings.rcs?.account.user == "admin")
        #expect(try load("[rcs]", "base_uri =", "username = admin").settings.rcs == nil)
        #expect(refusals("[rcs]", "base_uri = https://rcs:1/", "password = p") == ["[rcs] username"])
    }

    @Test func `webdav says who reads and writes the stores`() throws {
        #expect(try load().settings.webDAV == .init(user: "dav", password: Secret("secret2")))
        let without = try load("[webdav]", "username =")
        #expect(without.settings.webDAV == nil)
        #expect(without.warnings.contains { $0.key == "[webdav] username" })
    }

    // MARK: [processing]

    @Test func `ffmpeg, ffprobe and openssl are paths, and those of Windows are refused`() throws {
        let tools = try load("[processing]", "ffmpeg = /opt/f", "ffprobe: /opt/p", "openssl = /opt/o").settings.tools
        #expect(tools == .init(ffmpeg: FilePath("/opt/f"), ffprobe: FilePath("/opt/p"), openssl: FilePath("/opt/o")))
        #expect(try load().settings.tools == .init(ffmpeg: nil, ffprobe: nil, openssl: nil))
        for option in ["ffmpeg", "ffprobe", "openssl", "temp_dir"] {
            #expect(refusals("[processing]", #"\#(option) = C:\tools\x.exe"#) == ["[processing] \(option)"])
        }
    }

    @Test(arguments: [("", true), ("1", true), ("0", false), ("2", false), ("-1", false)])
    func `batch_read_screen_recording_metadata is bulk for 1, and one by one for any other integer`(
        value: String, bulk: Bool
    ) throws {
        let line = "batch_read_screen_recording_metadata = \(value)"
        #expect(try load("[processing]", line).settings.asksInBulk == bulk)
    }

    @Test func `batch_read_screen_recording_metadata has to be an integer`() {
        let key = "batch_read_screen_recording_metadata"
        #expect(refusals("[processing]", "\(key) = yes") == ["[processing] \(key)"])
    }

    @Test func `query_slice_size is 100, or any integer above 0`() throws {
        #expect(try load().settings.querySliceSize == 100)
        #expect(try load("[processing]", "query_slice_size = 5000").settings.querySliceSize == 5000)
        #expect(refusals("[processing]", "query_slice_size = 0") == ["[processing] query_slice_size"])
    }

    @Test func `windows are minutes, as the manual's example for two nodes`() throws {
        let first = try load("[processing]", "window_past= 720", "window_past_older_than =").settings.window
        #expect(first == .init(past: .seconds(720 * 60), olderThan: .zero, split: nil))
        let second = try load("[processing]", "window_past = 1440", "window_past_older_than = 720").settings.window
        #expect(second == .init(past: .seconds(1440 * 60), olderThan: .seconds(720 * 60), split: nil))
        #expect(try load().settings.window.past == .seconds(1440 * 60))
        #expect(try load("[processing]", "window_past_older_than = 0").settings.window.olderThan == .zero)
    }

    @Test func `an empty window is refused, and one that is no number`() {
        #expect(
            refusals("[processing]", "window_past = 720", "window_past_older_than = 720")
                == ["[processing] window_past"])
        for value in ["soon", "-1", "1e99", "nan"] {
            #expect(refusals("[processing]", "window_past = \(value)") == ["[processing] window_past"])
        }
    }

    @Test func `min-poll_interval is minutes under both spellings, and N through 200 where nothing is said`() throws {
        #expect(try load("[processing]", "min-poll_interval = 7.2").settings.pollInterval == .seconds(432))
        #expect(try load("[processing]", "min_poll_interval = 3").settings.pollInterval == .seconds(180))
        #expect(try load("[processing]", "window_past = 1440").settings.pollInterval == .seconds(432))
        #expect(try load("[processing]", "window_past = 10").settings.pollInterval == .seconds(10))
        let none = try load("[processing]", "min-poll_interval = 0")
        #expect(none.settings.pollInterval == .seconds(1))
        #expect(none.warnings.map(\.key) == ["[processing] min-poll_interval"])
    }

    @Test(arguments: ["processing", "advanced"])
    func `the window is split where it is enabled, in whichever section it stands`(section: String) throws {
        let window = try load(
            "[\(section)]", "split_window_enabled = 1", "max_interval_minutes = 1000", "interval_buffer_minutes = 60",
            "[processing]", "window_past = 2880"
        ).settings.window
        #expect(window.split == .init(longest: .seconds(60_000), buffer: .seconds(3600)))
        let standard = try load("[\(section)]", "split_window_enabled = 1").settings.window
        #expect(standard.split == .init(longest: .seconds(720 * 60), buffer: .seconds(240 * 60)))
    }

    @Test func `the window's size is the distance of its ends, whichever the manual subtracts from which`() throws {
        let window = try load(
            "[processing]", "window_past = 4320", "window_past_older_than = 1440", "split_window_enabled = 1",
            "max_interval_minutes = 1440"
        ).settings.window
        #expect(window.split?.longest == .seconds(1440 * 60))
        #expect(
            refusals(
                "[processing]", "window_past = 4320", "window_past_older_than = 1440", "split_window_enabled = 1",
                "max_interval_minutes = 1441") == ["[processing] max_interval_minutes"])
    }

    @Test func `split_window_enabled is 0 or 1, and a window too short to be split is warned about`() throws {
        #expect(try load().settings.window.split == nil)
        #expect(refusals("[processing]", "split_window_enabled = 2") == ["[processing] split_window_enabled"])
        let short = try load("[processing]", "window_past = 720", "split_window_enabled = 1")
        #expect(short.settings.window.split == nil)
        #expect(short.warnings.map(\.key) == ["[processing] split_window_enabled"])
    }

    @Test(arguments: ["719", "721", "0", "x"])
    func `max_interval_minutes is 720 up to half of the window`(value: String) {
        #expect(
            refusals(
                "[processing]", "split_window_enabled = 1", "window_past = 1440", "max_interval_minutes = \(value)"
            )
            .contains("[processing] max_interval_minutes"))
    }

    @Test(arguments: [("0", true), ("1", false), ("719", false), ("720", true)])
    func `interval_buffer_minutes is 1 at least and less than max_interval_minutes`(value: String, isRefused: Bool) {
        let found = refusals("[processing]", "split_window_enabled = 1", "interval_buffer_minutes = \(value)")
        #expect(found.contains("[processing] interval_buffer_minutes") == isRefused)
    }

    @Test(arguments: ["", "-1"])
    func `without muxer_id there is no sharding, and the other two mean nothing`(id: String) throws {
        let loaded = try load("[processing]", "muxer_id = \(id)", "total_muxers = none", "muxer_type = whatever")
        #expect(loaded.settings.shard == nil)
    }

    @Test func `muxer_id, total_muxers and muxer_type say which part is whose`() throws {
        let lines = ["[processing]", "muxer_id = 2", "total_muxers = 4"]
        #expect(
            try load(lines[0], lines[1], lines[2], "muxer_type = primary").settings.shard
                == .init(kind: .primary, id: 2, total: 4))
        #expect(
            try load(lines[0], lines[1], lines[2], "muxer_type = backup", "window_past_older_than = 720").settings.shard
                == .init(kind: .backup, id: 2, total: 4))
        let unsaid = try load(lines[0], lines[1], lines[2])
        #expect(unsaid.settings.shard?.kind == .primary)
        #expect(unsaid.warnings.map(\.key) == ["[processing] muxer_type"])
        #expect(refusals(lines[0], lines[1], lines[2], "muxer_type = spare") == ["[processing] muxer_type"])
    }

    @Test(arguments: ["2", "1", "0", ""])
    func `total_muxers has to be above every muxer_id`(total: String) {
        let found = refusals("[processing]", "muxer_id = 2", "total_muxers = \(total)", "muxer_type = primary")
        #expect(found == ["[processing] total_muxers"])
    }

    @Test func `muxer_id below -1 is refused`() {
        #expect(refusals("[processing]", "muxer_id = -2") == ["[processing] muxer_id"])
    }

    @Test func `a backup that searches the newest calls is warned about`() throws {
        let loaded = try load("[processing]", "muxer_id = 0", "total_muxers = 1", "muxer_type = backup")
        #expect(loaded.warnings.map(\.key) == ["[processing] window_past_older_than"])
    }

    @Test func `the command line wins over the file`() throws {
        let settings = try load(
            "[processing]", "muxer_id = 0", "total_muxers = 2", "muxer_type = backup",
            arguments: MuxerArguments(type: "primary", id: "3", total: "5")
        ).settings
        #expect(settings.shard == .init(kind: .primary, id: 3, total: 5))
        #expect(try load("[processing]", "muxer_id = 0", arguments: MuxerArguments(id: "-1")).settings.shard == nil)
    }

    @Test func `temp_dir is a path, and its absence leaves the choice to the worker`() throws {
        #expect(try load("[processing]", "temp_dir = /run/mux").settings.temporaryDirectory == FilePath("/run/mux"))
        #expect(try load().settings.temporaryDirectory == nil)
    }

    // MARK: [advanced], [logfile]

    @Test func `worker_threads is 2, or 1 to 64`() throws {
        #expect(try load().settings.workerThreads == 2)
        #expect(try load("[advanced]", "worker_threads = 8").settings.workerThreads == 8)
        #expect(refusals("[advanced]", "worker_threads = 0") == ["[advanced] worker_threads"])
    }

    @Test func `pagination is 100, which is all that RWS answers`() throws {
        #expect(try load().settings.pagination == 100)
        #expect(try load("[advanced]", "pagination = 25").settings.pagination == 25)
        let large = try load("[advanced]", "pagination = 500")
        #expect(large.settings.pagination == 100)
        #expect(large.warnings.map(\.key) == ["[advanced] pagination"])
        #expect(refusals("[advanced]", "pagination = 0") == ["[advanced] pagination"])
    }

    @Test func `max_overlap_allowed and video_padding_slice_length_ms are milliseconds`() throws {
        let standard = try load().settings
        #expect(standard.maxOverlapAllowed == .seconds(2) && standard.paddingSliceLength == .seconds(5))
        let settings = try load("[advanced]", "max_overlap_allowed = 0", "video_padding_slice_length_ms = 250").settings
        #expect(settings.maxOverlapAllowed == .zero && settings.paddingSliceLength == .milliseconds(250))
        #expect(refusals("[advanced]", "max_overlap_allowed = -1") == ["[advanced] max_overlap_allowed"])
        #expect(
            refusals("[advanced]", "video_padding_slice_length_ms = 5") == ["[advanced] video_padding_slice_length_ms"])
    }

    @Test func `call_recording_extra_query_string is by version, disabled, or what it says`() throws {
        #expect(try load().settings.extraQuery == .byVersion)
        #expect(try load("[advanced]", "call_recording_extra_query_string =").settings.extraQuery == .byVersion)
        #expect(try load("[advanced]", "call_recording_extra_query_string = disable").settings.extraQuery == .disabled)
        #expect(
            try load("[advanced]", "call_recording_extra_query_string = userData=a%20b&userName=Alice AND Amber")
                .settings.extraQuery
                == .parameters([
                    .init(name: "userData", value: "a b"), .init(name: "userName", value: "Alice AND Amber"),
                ]))
    }

    @Test(arguments: ["startTime=1", "userData=a&endTime=2", "limit=3", "userData", "=x", "a=b&&c=d"])
    func `call_recording_extra_query_string takes no times, no limit and nothing that is no parameter`(text: String) {
        #expect(
            refusals("[advanced]", "call_recording_extra_query_string = \(text)").contains(
                "[advanced] call_recording_extra_query_string"))
    }

    @Test func `call_recording_query_string may have times, and no limit of its own`() throws {
        #expect(try load().settings.batchQuery == nil)
        let loaded = try load(
            "[advanced]", "call_recording_query_string = startTime=1&endTime=2&limit=5&dialedPhoneNumber=8*")
        #expect(loaded.settings.batchQuery?.map(\.name) == ["startTime", "endTime", "dialedPhoneNumber"])
        #expect(loaded.settings.batchQuery?.last?.value == "8*")
        #expect(loaded.warnings.map(\.key) == ["[advanced] call_recording_query_string"])
    }

    @Test func `a parameter that the manual does not know goes on, with a warning`() throws {
        let loaded = try load("[advanced]", "call_recording_query_string = userdata=x")
        #expect(loaded.settings.batchQuery?.first?.name == "userdata")
        #expect(loaded.warnings.first?.hint == "Did you mean userData?")
    }

    @Test func `logfile_path is a folder, and nothing where it is not said`() throws {
        #expect(try load("[logfile]", "logfile_path = /var/log/mux").settings.logDirectory == FilePath("/var/log/mux"))
        #expect(try load().settings.logDirectory == nil)
        #expect(refusals("[logfile]", #"logfile_path = C:\logs\recordingMuxer"#) == ["[logfile] logfile_path"])
    }

    // MARK: What is not known

    @Test(arguments: [
        ("processing", "window_pas", "Did you mean window_past?"),
        ("advanced", "temp_dir", "It belongs into [processing]"),
        ("procesing", "ffmpeg", "It belongs into [processing]"),
        ("advanced", "worker-threads", "Did you mean worker_threads?"),
        ("processing", "paginaton", "Did you mean pagination, in [advanced]?"),
        ("webdaf", "verify", "Did you mean the section [webdav]?"),
        ("processing", "trusted_ca", "Remove it, or look for its name in the manual"),
    ])
    func `an option that is not known is named with its line, its section and what was meant`(
        section: String, key: String, hint: String
    ) throws {
        let warning = try #require(try load("[\(section)]", "\(key) = 1").warnings.first)
        #expect(warning.line == 10 && warning.key == "[\(section)] \(key)" && warning.hint == hint)
    }

    @Test func `of an option that stands twice the later counts, and it is said so`() throws {
        let loaded = try load("[advanced]", "pagination = 5", "[advanced]", "Pagination = 6")
        #expect(loaded.settings.pagination == 6)
        #expect(loaded.warnings.map(\.line) == [12])
    }

    @Test func `a value that goes on over an indented line is refused, and not guessed at`() {
        #expect(refusals("[processing]", "ffmpeg = /opt/f", "  ffprobe = /opt/p") == ["[processing] ffmpeg"])
    }

    @Test func `everything that is wrong is told at once, in the order of the file`() {
        #expect(
            refusals("[processing]", "query_slice_size = 0", "[advanced]", "pagination = x", "worker_threads = 0")
                == ["[processing] query_slice_size", "[advanced] pagination", "[advanced] worker_threads"])
    }

    @Test func `a file that cannot be read is a problem of its own`() {
        #expect(throws: SettingsRefused.self) {
            try GIRSettings.load(FilePath("other.cfg"), environment: environment())
        }
    }

    @Test func `the site to play with writes a file that is understood without a warning`() throws {
        // As examples/gir/playsite/settings.py has it, braces filled in.
        let source = try packageText("examples/gir/playsite/settings.py")
        let template = try #require(source.split(separator: "f\"\"\"\\\n").last?.split(separator: "\"\"\"").first)
        let text = template.replacing(#/\{[^}]*path\("([a-z]+)"\)\}/#) { "/srv/\($0.output.1)" }
            .replacing(#/\{self.address\("[a-z]+"\)\}/#) { _ in "https://127.0.0.1:1" }
            .replacing(#/\{[^}]*\}/#) { _ in "0a1b" }
        let loaded = try GIRSettings.load(
            FilePath("muxer.cfg"), environment: environment(files: ["muxer.cfg": String(text)]))
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.settings.pollInterval == .seconds(60))
    }

    @Test func `every option has a key of its own`() {
        #expect(Set(MuxerOption.allCases.map(\.rawValue)).count == 31)
        #expect(MuxerOption.pollInterval.place == "[processing] min-poll_interval")
    }
}

private func packageText(_ path: String) throws -> String {
    String(decoding: try SettingsEnvironment.ofProcess().readFile(packageFile(path)), as: UTF8.self)
}
