import Testing
import Vocabulary

@Suite struct IndexPatternTests {
    private static let sound = FilePath("/opt/callrec/data/calls/20261120/a.b.mp3")

    @Test(arguments: [
        ("{stem}.idx", "/opt/callrec/data/calls/20261120/a.b.idx"),
        ("{name}.idx", "/opt/callrec/data/calls/20261120/a.b.mp3.idx"),
        ("index/x-{stem}", "/opt/callrec/data/calls/20261120/index/x-a.b"),
        ("/opt/callrec/data/index/{day}/{stem}.idx", "/opt/callrec/data/index/20261121/a.b.idx"),
    ])
    func `a rule gives the path of a sound's index file`(text: String, path: String) throws {
        let pattern = try IndexPattern(text)
        #expect(pattern.path(of: IndexPatternTests.sound, day: "20261121") == FilePath(path))
        #expect(pattern.mayName(FilePath(path)))
        #expect(!pattern.mayName(IndexPatternTests.sound) || text == "{name}")
    }

    @Test func `names need not be text, and one without an ending is its own stem`() throws {
        let sound = FilePath(bytes: Array("/calls/".utf8) + [0xe8, 0xed] + Array(".mp3".utf8))
        #expect(
            try IndexPattern("{stem}.idx").path(of: sound, day: "x")?.bytes
                == Array("/calls/".utf8) + [0xe8, 0xed] + Array(".idx".utf8))
        let plain = FilePath("/calls/.hidden")
        #expect(try IndexPattern("{stem}.idx").path(of: plain, day: "x") == FilePath("/calls/.hidden.idx"))
    }

    @Test(arguments: [
        ("", IndexPattern.Fault.empty), (" ", .empty), ("../{stem}", .climbs), ("{stam}.idx", .unknownPlace),
        ("{stem", .unknownPlace), ("stem}", .unknownPlace), ("all.idx", .oneForAll), ("{day}/all.idx", .oneForAll),
        ("{name}", .soundItself), ("./{name}", .soundItself), ("{stem}\u{7}", .controlCharacter),
    ])
    func `a rule that cannot be meant is refused`(text: String, fault: IndexPattern.Fault) {
        #expect(throws: fault) { try IndexPattern(text) }
    }

    @Test func `a rule that leads to the sound itself gives nothing`() throws {
        #expect(try IndexPattern("{stem}.mp3").path(of: IndexPatternTests.sound, day: "x") == nil)
    }

    @Test func `only what a rule can name is an index file`() throws {
        let pattern = try IndexPattern("/opt/index/{day}/{stem}.idx")
        #expect(pattern.mayName(FilePath("/opt/index/20261120/a.idx")))
        for path in ["/opt/index/2026112/a.idx", "/opt/index/20261120/.idx", "/opt/index/20261120/a.mp3", "/x/a.idx"] {
            #expect(!pattern.mayName(FilePath(path)), "\(path)")
        }
        #expect(pattern.fixedDirectory == FilePath("/opt/index"))
        #expect(try IndexPattern("{stem}.idx").fixedDirectory == nil)
    }
}
