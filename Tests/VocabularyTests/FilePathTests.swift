import Testing
import Vocabulary

@Suite struct FilePathTests {
    @Test(arguments: [
        ("20261121/a b.mp3", "20261121/a b.mp3"), ("caf\u{e9}/\u{1f4de}\\", "caf\u{e9}/\u{1f4de}\\"),
        ("a\u{1b}[2J\nb\u{7f}", "a\\x1b[2J\\x0ab\\x7f"),
        ("a\u{9b}2J", "a\\xc2\\x9b2J"),
        ("", ""),
    ])
    func `a path for people has no control characters`(path: String, text: String) {
        #expect(FilePath(path).displayText == text)
    }

    @Test(
        arguments: [
            ([0x61, 0xff, 0x62], "a\\xffb"), ([0xe9], "\\xe9"), ([0xc3], "\\xc3"),
            ([0x61, 0xf0, 0x9f, 0x98], "a\\xf0\\x9f\\x98"),
            ([0xed, 0xa0, 0x80, 0x2f, 0x62], "\\xed\\xa0\\x80/b"),
        ] as [([UInt8], String)])
    func `bytes that are no UTF-8 can be told from each other`(bytes: [UInt8], text: String) {
        #expect(FilePath(bytes: bytes).displayText == text)
    }
}
