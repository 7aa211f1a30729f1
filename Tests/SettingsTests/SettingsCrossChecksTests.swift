import Testing
import Vocabulary

@testable import Settings

@Suite struct SettingsCrossChecksTests {
    private static func second(
        name: String = "two", database: String = "host=rec2.example dbname=callrec", mountPath: String = "/mnt/two",
        mount: String = "/mnt/two/calls"
    ) -> String {
        """
        [[sources]]
        name = "\(name)"
        database = "\(database)"
        mount_path = "\(mountPath)"
        mounts = ["\(mount)"]
        time_zone = "UTC"
        """
    }

    @Test(arguments: [
        (second(name: "one"), "sources[1].name", "another source has this name (line 10)"),
        (
            second(database: "host=REC.example. port=5432 dbname=callrec"), "sources[1].database",
            "source one has the same database (line 11)"
        ),
        (
            second(database: "postgresql://u@replay.example/callrec"), "sources[1].database",
            "this is the replay's own database, callrec at replay.example:5432 (line 3)"
        ),
        (
            second(mountPath: "/mnt/one", mount: "/mnt/one/x"), "sources[1].mount_path",
            "another source has this mount_path (line 12)"
        ),
        (
            second(mountPath: "/mnt", mount: "/mnt/one/calls/"), "sources[1].mounts[0]",
            "this mount is named twice (line 13)"
        ),
        (
            "[[replay.volumes]]\nname = \"a\"\npath = \"/srv/b\"", "replay.volumes[1].name",
            "another volume has this name (line 6)"
        ),
        (
            "[[replay.video_volumes]]\nname = \"v\"\npath = \"/srv/a\"", "replay.video_volumes[0].path",
            "volume a has this path (line 5)"
        ),
        (
            "[[replay.volumes]]\nname = \"b\"\npath = \"/srv/a/inner\"", "replay.volumes[1].path",
            "one of the volumes b and a lies inside the other"
        ),
        (
            "[[replay.volumes]]\nname = \"b\"\npath = \"/srv\"", "replay.volumes[1].path",
            "one of the volumes b and a lies inside the other"
        ),
        (
            "[[replay.volumes]]\nname = \"b\"\npath = \"/mnt/one/calls/b\"", "replay.volumes[1].path",
            "the volume lies inside /mnt/one/calls, a mount of source one"
        ),
        (
            "[[replay.volumes]]\nname = \"b\"\npath = \"/mnt/one\"", "replay.volumes[1].path",
            "the volume holds /mnt/one/calls, a mount of source one"
        ),
        ("[[mux.keys]]\nname = \"k\"\nkey_file = \"/k\"", "mux.keys[0].certificate", "there is no certificate"),
        ("[mux]\nresult_key = \"k\"", "mux.result_key", "there is no key k"),
        (
            "[mux]\nrecd_converter = [\"convert\", \"{input}\", \"{output}\"]", "mux.recd_converter",
            "recd_converter begins with no absolute path"
        ),
        (
            "[mux]\nrecd_converter = [\"/bin/x\", \"{input}\", \"{input}\", \"-o{output}\"]", "mux.recd_converter",
            "recd_converter does not have {input} in one argument"
        ),
        (
            "[mux]\nrecd_converter = [\"/bin/x\", \"{input}\", \"out\"]", "mux.recd_converter",
            "recd_converter does not have {output} in one argument"
        ),
        (
            "[mux]\nresult_key = \"k\"\n[[mux.keys]]\nname = \"k\"\nkey_file = \"/k\"\ncertificate_file = \"/c\"",
            "mux.result_key", "the key k has no id"
        ),
    ])
    func `what contradicts itself is refused, and said once`(rest: String, key: String, what: String) {
        let found = problems(small(rest: rest))
        #expect(found.map(\.key) == [key])
        #expect(found.map(\.what) == [what])
    }

    @Test(arguments: [
        second(), second(database: "host=rec.example port=5433 dbname=callrec"),
        second(database: "host=rec.example dbname=other"),
        "[[replay.volumes]]\nname = \"b\"\npath = \"/srv/ab\"",
        "[[replay.volumes]]\nname = \"b\"\npath = \"/mnt/one/callsign\"",
    ])
    func `what only looks alike is accepted`(rest: String) {
        #expect(problems(small(rest: rest)).isEmpty)
    }

    @Test(arguments: [
        ("copy_files = false", ["copy_files", "copy_files"]),
        ("only_mixed = true", ["only_mixed"]),
        ("synchronize = { recd = false }", ["synchronize"]),
        ("copy_files = false\nallow_mark_without_copy = true", ["copy_files", "allow_mark_without_copy"]),
        ("synchronized_already_synchronized = true", ["synchronized_already_synchronized"]),
        ("allow_mark_without_copy = true", []),
    ])
    func `switches that leave originals behind are warned about`(source: String, keys: [String]) throws {
        let settings = try load(small(source: source))
        #expect(settings.warnings.map(\.key) == keys.map { "sources[0].\($0)" })
        #expect(settings.warnings.allSatisfy { $0.line != nil })
    }

    private static let key =
        "[[mux.keys]]\nname = \"k\"\nid = \"5f0c\"\nkey_file = \"/k\"\ncertificate_file = \"/c\""

    @Test(arguments: [
        (key, ["mux.keys"]), ("[mux]\nresults_are_clear = true\n\(key)", []), ("[mux]\nresult_key = \"k\"\n\(key)", []),
        ("[mux]\nresult_key = \"k\"\nresults_are_clear = true\n\(key)", ["mux.results_are_clear"]), ("", []),
    ])
    func `a site that decrypts hears that its results are clear, unless it said so or has them encrypted`(
        rest: String, keys: [String]
    ) throws {
        let settings = try load(small(rest: rest))
        #expect(settings.warnings.map(\.key) == keys)
        #expect(settings.warnings.allSatisfy { $0.line != nil })
    }

    private static func indexFiles(_ list: String) -> String {
        small().replacing("index_files = []", with: list)
    }

    @Test func `index files that no rule finds are warned about, unless that is said or they are not wanted`() throws {
        #expect(try load(Self.indexFiles("")).warnings.map(\.key) == ["sources[0].index_files"])
        for said in ["index_files = []", "synchronize = { index = false }", "index_files = [\"{stem}.idx\"]"] {
            #expect(try load(Self.indexFiles(said)).warnings.isEmpty, "\(said)")
        }
        let two = try load(Self.indexFiles("index_files = [\"{stem}.idx\", \"/calls/{day}/x{name}\"]"))
        #expect(two.sources[0].indexFiles.map(\.text) == ["{stem}.idx", "/calls/{day}/x{name}"])
        #expect(two.sources[0].indexGrace == .seconds(600))
    }

    @Test(arguments: [
        ("index_files = \"{stem}.idx\"", "a text"), ("index_files = [3]", "holds"),
        ("index_files = [\"all.idx\"]", "needs {stem} or {name}"), ("index_files = [\"{stam}\"]", "braces"),
        ("index_files = [\"/elsewhere/{stem}\"]", "below none of the source's mounts"),
    ])
    func `a rule for index files that cannot be meant is refused`(text: String, why: String) {
        let found = problems(Self.indexFiles(text))
        #expect(found.map(\.key) == ["sources[0].index_files"])
        #expect(found.allSatisfy { $0.what.contains(why) && $0.line != nil }, "\(found)")
    }

    @Test func `names that share a variable are refused when it is set`() {
        let text = small(rest: Self.second(name: "ONE"))
        #expect(problems(text).isEmpty)
        let found = problems(text, in: environment(["TAKEUP_SOURCE_ONE_PASSWORD": "x"]))
        #expect(found.map(\.key) == ["sources[1].name"])
    }
}
