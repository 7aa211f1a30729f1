import Testing

@testable import Settings

@Suite struct ConfigParserTextTests {
    private func entries(_ text: String) -> [String] {
        ConfigParserText(bytes: Array(text.utf8)).entries.map { "\($0.line) \($0.section).\($0.key)=\($0.value)" }
    }

    @Test func `keys stand before an equals sign or a colon, in any case, with blanks around`() {
        #expect(
            entries("[htcc]\nBase_URI = https://a:1/\nusername:ops\n[rcs]\nKey=a=b: c")
                == ["2 htcc.base_uri=https://a:1/", "3 htcc.username=ops", "5 rcs.key=a=b: c"])
    }

    @Test func `comments begin a line, or stand behind a value after a blank`() {
        #expect(
            entries("# one\n; two\nrem three\n[a]\nb = c ; d\ne = f;g ;h\ni = j # k\n[l] ; m\nn =")
                == ["5 a.b=c", "6 a.e=f;g ;h", "7 a.i=j # k", "9 l.n="])
    }

    @Test func `a byte order mark and line ends of Windows mean nothing`() {
        #expect(entries("\u{FEFF}[a]\r\nb = c\r\n\r\nd = e\r\n") == ["2 a.b=c", "4 a.d=e"])
    }

    @Test func `a line that begins with a blank goes on with the value before it`() {
        #expect(entries("[a]\nb = c\n  d\n# e\n\tf\ng = h") == ["2 a.b=c\nd\nf", "6 a.g=h"])
    }

    @Test func `an indented line that continues nothing stands for itself`() {
        #expect(entries("[a]\n  b = c\n[d]\n  e = f") == ["2 a.b=c", "4 d.e=f"])
    }

    @Test func `a section may come twice, percent signs mean nothing, and two quotes are empty`() {
        #expect(
            entries("[a]\nb = 100%(x)s\n[c]\nd = 1\n[a]\nb = \"\"")
                == ["2 a.b=100%(x)s", "4 c.d=1", "6 a.b="])
    }

    @Test(arguments: [("b = c", 1), ("[a]\nb = c\nnonsense", 3), ("[a\nb = c", 1), ("[]", 1), ("[a]\n= c", 2)])
    func `what is neither section nor key nor comment is told of by its line, and never quoted`(text: String, line: Int)
    {
        let problems = ConfigParserText(bytes: Array(text.utf8)).problems
        #expect(problems.first?.line == line)
        #expect(!problems.contains { $0.description.contains("nonsense") })
    }

    @Test func `what is no UTF-8 is read as Latin-1, with a warning`() {
        let text = ConfigParserText(bytes: Array("[a]\nb = ".utf8) + [0xE9])
        #expect(text.entries.map(\.value) == ["é"])
        #expect(text.warnings.count == 1)
    }
}
