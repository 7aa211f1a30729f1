import Testing
import Vocabulary

@testable import Settings

@Suite struct SettingsTests {
    private static let sketch = """
        [replay]
        name = "replay1"
        database = "host=/run/postgresql dbname=callrec user=takeup"

        [[replay.volumes]]
        name = "a"
        path = "/srv/recordings/a"
        priority = 1            # lower first
        balance = 70            # share inside a priority; 0 drains
        watermark = "85%"

        [[replay.volumes]]
        name = "overflow"
        path = "/srv/overflow"
        priority = 2
        balance = 100
        watermark = "90%"

        [[sources]]
        name = "rec_cluster_B"
        database = "host=rec-b.example dbname=callrec user=takeup_reader sslmode=verify-full"
        mount_path = "/mnt/rec_cluster_B"        # prefix before the recorder's own absolute paths
        mounts = ["/mnt/rec_cluster_B/opt/callrec/data/calls", "/mnt/rec_cluster_B/opt/callrec/data/screens"]
        group = "north"
        interval = "last-week"                   # yesterday, last-week, last-month, or "floatend=30 minutes days=3"
        copy_files = true
        only_mixed = false
        synchronize = { audio = true, video = true, recd = true, index = true }

        [synchro]
        sleep_period = "10s"
        calls_per_period = 200
        only_finished = true
        voice_tags = true
        mark_erroneous = false

        [mux]
        workers = 2
        video_padding_slice_length_ms = 5000
        """

    @Test func `the words that people type are understood`() throws {
        let settings = try load(Self.sketch)
        #expect(settings.replay.name == "replay1")
        #expect(settings.replay.database.conninfo == "host=/run/postgresql dbname=callrec user=takeup")
        #expect(settings.replay.volumes.map(\.name) == ["a", "overflow"].map { VolumeName($0) })
        #expect(settings.replay.volumes.map(\.balance) == [70, 100])
        #expect(settings.replay.volumes.map(\.priority) == [1, 2])
        #expect(settings.replay.volumes.map(\.watermark) == [.used(Percent(85)), .used(Percent(90))])
        let source = try #require(settings.sources.first)
        #expect(source.name == SourceName("rec_cluster_B"))
        #expect(source.mounts.map(\.isMountPoint) == [true, true])
        #expect(source.group == "north")
        #expect(source.interval == .lastWeek)
        #expect(source.synchronize.isEverything && !source.leavesBytesUncopied)
        #expect(settings.synchro.sleepPeriod == .seconds(10))
        #expect(settings.mux.videoPaddingSliceLength == .seconds(5))
        #expect(settings.mux.lengthTolerance == .milliseconds(100))
        #expect(settings.warnings.map(\.key) == ["sources[0].time_zone", "sources[0].index_files"])
        #expect(settings.warnings.allSatisfy { $0.line == 19 })
    }

    @Test func `what is not said has the manuals' defaults`() throws {
        let settings = try load(small())
        #expect(settings.synchro.sleepPeriod == .seconds(10))
        #expect(settings.synchro.callsPerPeriod == 200)
        #expect(settings.synchro.isEnabled && settings.synchro.onlyProcessed)
        #expect(settings.synchro.onlyFinished && settings.synchro.voiceTags)
        #expect(!settings.synchro.markErroneous && !settings.synchro.couplesWithoutStreams)
        #expect(settings.sources[0].copyFiles && !settings.sources[0].onlyMixed)
        #expect(settings.sources[0].isEnabled && settings.sources[0].group == nil)
        #expect(settings.copying.level == .readBack)
        #expect(settings.warnings.isEmpty)
    }

    @Test func `the manuals' own spellings are taken`() throws {
        let text = small(rest: "[synchro]\nonlyfinished = false").replacing("name = \"one\"", with: "sysname = \"one\"")
        let settings = try load(text)
        #expect(!settings.synchro.onlyFinished)
        #expect(settings.sources[0].name == SourceName("one"))
        #expect(settings.warnings.map(\.key) == ["synchro.only_finished"])
    }

    @Test(arguments: [
        ("enabled = false", "nothing is collected from any source"),
        ("only_finished = false", "recordings are taken before the recorder has finished them"),
        ("only_processed = false", "captures that the recorder has not decoded are taken as they are"),
        ("couples_without_streams = true", "recordings without streams are taken"),
        ("mark_erroneous = true", "recordings that fail 20 times are marked and not tried again"),
    ])
    func `what the manual warns against is warned about, with its line`(setting: String, what: String) throws {
        let warnings = try load(small(rest: "[synchro]\n\(setting)")).warnings
        #expect(warnings.map(\.what) == [what])
        #expect(
            warnings.first?.line == small(rest: "[synchro]").split(separator: "\n", omittingEmptySubsequences: false)
                .count + 1)
    }

    @Test func `an empty sleep period is refused with a plain sentence`() {
        let found = problems(small(rest: "[synchro]\nsleep_period = \"\""))
        #expect(found.map(\.what) == ["\"\" is empty"])
        #expect(found.first?.hint.contains("such as \"10s\"") == true)
    }

    @Test func `the example of a real site is accepted without a warning`() throws {
        let environment = SettingsEnvironment.ofProcess()
        let bytes = try environment.readFile(packageFile("examples/takeup.toml"))
        let settings = try load(String(decoding: bytes, as: UTF8.self))
        #expect(settings.sources.count == 2 && settings.replay.volumes.count == 3)
        #expect(settings.sources[1].interval == .floating(days: 3, endingBefore: .seconds(1800)))
        #expect(settings.sources[1].mounts[1].marker == FilePath(".takeup-mount"))
        #expect(settings.mux.keys.map(\.key) == [.credential("screens-2026-key")])
        #expect(settings.warnings.isEmpty)
    }

    @Test func `everything that is wrong is found at once, each with its line`() {
        let text = """
            [replay]
            name = "replay1"
            database = "host=/run/postgresql dbname=callrec"
            colour = "red"

            [[replay.volumes]]
            name = "a"
            path = "srv/a"
            watermark = "85"
            priority = 11

            [[replay.volumes]]
            path = "/srv/b"
            watermark = 90

            [[sources]]
            name = "one"
            database = "host=localhost dbname=callrec"
            mount_path = "/mnt/one"
            mounts = [
                "/mnt/one/calls",
                "/mnt/two/screens",
            ]
            time_zone = "Mars/Olympus"
            synchronise = { audio = true }

            [synchro]
            sleep_period = ""
            calls_per_period = "200"
            """
        let found = problems(text)
        #expect(
            found.map { "\($0.line ?? 0) \($0.key): \($0.what)" } == [
                "4 replay.colour: \"colour\" is not a setting here",
                "8 replay.volumes[0].path: \"srv/a\" is not an absolute path",
                "9 replay.volumes[0].watermark: \"85\" has no percent sign",
                "10 replay.volumes[0].priority: 11 is outside 1 to 10",
                "12 replay.volumes[1].name: name is missing",
                "14 replay.volumes[1].watermark: 90 is a whole number",
                "18 sources[0].database: this is the replay's own database, callrec at localhost:5432 (line 3)",
                "22 sources[0].mounts[1]: /mnt/two/screens is not below the source's mount_path, /mnt/one",
                "24 sources[0].time_zone: \"Mars/Olympus\" is not a time zone that this machine knows",
                "25 sources[0].synchronise: \"synchronise\" is not a setting here",
                "28 synchro.sleep_period: \"\" is empty",
                "29 synchro.calls_per_period: \"200\" is a text",
            ])
        #expect(found.allSatisfy { !$0.hint.isEmpty })
        #expect(found.contains { $0.hint == "Did you mean synchronize?" })
    }

    @Test(arguments: [
        ("[synchro]\nsleep_periode = \"10s\"", "Did you mean sleep_period?"),
        ("[synchro]\nvoicetags = true", "Did you mean voice_tags?"),
        ("[synchro]\nwatermark = \"85%\"", "It belongs into [[replay.volumes]]"),
        ("[sinchro]\nsleep_period = \"10s\"", "Did you mean synchro?"),
        ("[mux]\nonly_mixde = true", "Did you mean only_mixed, in [[sources]]?"),
        ("[journal]\nzzzzzzzzzzzz = 1", "The settings there are: level"),
        (
            "[journal]\npassword = \"hunter2\"",
            "Passwords do not belong into this file: use password_file, password_credential or the environment"
        ),
    ])
    func `a key that nobody knows gets a hint`(rest: String, hint: String) {
        let found = problems(small(rest: rest))
        #expect(found.map(\.hint) == [hint])
        #expect(found.allSatisfy { $0.description.hasSuffix(hint.hasSuffix("?") ? hint : hint + ".") })
    }

    @Test(arguments: [
        ("a = 1\nb = = 2\n", 2, 5), ("[replay\n", 1, 8), ("a = 1\na = 2\n", 2, 5), ("x = \"open\n", 1, nil),
    ])
    func `what is not TOML is refused with its line`(text: String, line: Int, column: Int?) throws {
        let found = problems(text)
        #expect(found.count == 1)
        let problem = try #require(found.first)
        #expect(problem.line == line)
        if let column { #expect(problem.column == column) }
    }

    @Test func `a file with a zero byte or bytes that are not UTF-8 is refused whole`() {
        #expect(problems(small() + "\n# \0\n[nonsense]").map(\.what) == ["the file holds a zero byte"])
        let bytes = Array(small().utf8) + [0xFF]
        #expect(throws: SettingsRefused.self) {
            try Settings.load(bytes: bytes, named: FilePath("takeup.toml"), environment: environment())
        }
    }

    @Test func `a file that cannot be read says why`() {
        let refused = #expect(throws: SettingsRefused.self) {
            try Settings.load(path: FilePath("/nowhere/takeup.toml"), environment: environment())
        }
        #expect(refused?.problems.first?.what == "the file cannot be read: No such file or directory")
    }

    @Test func `an empty file names all that must be there`() {
        let keys = problems("").map(\.key)
        #expect(keys.contains("replay.name") && keys.contains("replay.database") && keys.contains("sources"))
        #expect(keys.contains("replay.volumes"))
    }

    @Test func `a table where a list of tables belongs is refused with how to write it`() {
        let found = problems(small().replacing("[[sources]]", with: "[sources]"))
        #expect(found.map(\.hint).contains("Write [[sources]] with two brackets: there may be several"))
    }

    @Test func `two spellings of one setting are refused`() {
        let found = problems(small(rest: "[synchro]\nonly_finished = true\nonlyfinished = true"))
        #expect(found.map(\.what) == ["only_finished and onlyfinished are two names of one setting"])
    }

    @Test func `a default path makes the one volume where none is set`() throws {
        let text = small(replay: "default_path = \"/srv/only\"\ndefault_video_path = \"/srv/screens\"")
        let alone = try load(
            text.replacing("[[replay.volumes]]\nname = \"a\"\npath = \"/srv/a\"\n", with: ""))
        #expect(alone.replay.volumes.map(\.path) == [FilePath("/srv/only")])
        #expect(alone.replay.volumes(taking: .recd).map(\.path) == [FilePath("/srv/screens")])
        #expect(alone.replay.volumes(taking: .audio).map(\.path) == [FilePath("/srv/only")])
        let both = try load(text)
        #expect(both.replay.volumes.map(\.path) == [FilePath("/srv/a")])
        #expect(both.warnings.map(\.key) == ["replay.default_path"])
    }

    @Test func `mounts may be tables that say more`() throws {
        let text = small().replacing(
            "mounts = [\"/mnt/one/calls\"]",
            with: "mounts = [{ path = \"/mnt/one//calls/\", mount_point = false }, \"/mnt/one\"]")
        let source = try load(text).sources[0]
        #expect(source.mounts.map(\.path) == ["/mnt/one/calls", "/mnt/one"].map { MountPath($0) })
        #expect(source.mounts.map(\.isMountPoint) == [false, true])
        let listed =
            small().replacing("mounts = [\"/mnt/one/calls\"]\n", with: "")
            + "\n[[sources.mounts]]\npath = \"/mnt/one/calls\"\nmarker = \"../x\""
        #expect(problems(listed).map(\.what) == ["\"../x\" is not below its directory"])
    }

    @Test func `an agent finds its source and mount by path`() throws {
        let settings = try load(small())
        #expect(settings.mount(at: MountPath("/mnt/one/calls"))?.source.name == SourceName("one"))
        #expect(settings.mount(at: MountPath("/mnt/one")) == nil)
    }
}
