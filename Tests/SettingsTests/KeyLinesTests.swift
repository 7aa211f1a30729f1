import Testing

@testable import Settings

@Suite struct KeyLinesTests {
    private static let text = #"""
        # [not.a.table]
        top = "a # b"
        [replay]  # comment
        name = 'x]'
        long = """
        name = "inside"
        \""" [[replay.volumes]]
        """
        dotted.key = 1

        [[replay.volumes]]
        name = "a"
        [[ replay . "volumes" ]]
        path = '''
        [x]'''
        [replay.volumes.inner]
        deep = [ 1, # one
          [2, "]"],
          { a = 1, b = { c = "}" } },
        ]
        [[sources]]
        list = []
        after = 2026-01-01T00:00:00Z
        """#

    @Test(arguments: [
        ("top", 2), ("replay", 3), ("replay.name", 4), ("replay.long", 5), ("replay.dotted.key", 9),
        ("replay.volumes", 11), ("replay.volumes[0]", 11), ("replay.volumes[0].name", 12), ("replay.volumes[1]", 13),
        ("replay.volumes[1].path", 14), ("replay.volumes[1].inner", 16), ("replay.volumes[1].inner.deep", 17),
        ("replay.volumes[1].inner.deep[0]", 17), ("replay.volumes[1].inner.deep[1]", 18),
        ("replay.volumes[1].inner.deep[2]", 19), ("replay.volumes[1].inner.deep[2].b.c", 19), ("sources[0].list", 22),
        ("sources[0].after", 23),
    ])
    func `every key has its line`(path: String, line: Int) {
        #expect(KeyLines(of: Array(Self.text.utf8))[path] == line)
    }

    @Test func `what stands in texts and comments is no key`() {
        let lines = KeyLines(of: Array(Self.text.utf8))
        #expect(lines["not"] == nil && lines["inside"] == nil && lines["x"] == nil)
    }

    @Test func `a text cut anywhere is read to its end`() {
        let bytes = Array(Self.text.utf8)
        for count in 0...bytes.count {
            let lines = KeyLines(of: Array(bytes[..<count]))
            #expect(lines["top"] == nil || lines["top"] == 2)
        }
    }
}
