internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct ReplicaPathTests {
    private let source = SourceName("north")

    @Test func `a path says source, day and the recorder's own path once`() {
        let made = ReplicaPath.original(
            source: source, mount: FilePath("data/calls"), day: "20260301", path: FilePath("20260301/x y.mp3"))
        #expect(made == FilePath("north/20260301/data/calls/x y.mp3"))
    }

    @Test func `a day folder that is not the recording's day stays`() {
        let made = ReplicaPath.original(
            source: source, mount: FilePath("calls"), day: "20260301", path: FilePath("20260302/x.mp3"))
        #expect(made == FilePath("north/20260301/calls/20260302/x.mp3"))
    }

    @Test(arguments: [
        ([0x61, 0xff, 0x62] as [UInt8], "a%ffb"), (Array("a\nb".utf8), "a%0ab"), (Array("100%".utf8), "100%25"),
        (Array(".hidden".utf8), "%2ehidden"), (Array("grün".utf8), "grün"),
    ])
    func `a name that a catalog can't hold is escaped`(name: [UInt8], wanted: String) {
        let made = ReplicaPath.original(source: source, mount: FilePath("c"), day: "d", path: FilePath(bytes: name))
        #expect(made == FilePath("north/d/c/" + wanted))
    }

    @Test func `names too long stay different and keep their ending`() {
        func made(_ last: String) -> FilePath {
            let name = Array(String(repeating: "%", count: 200).utf8) + Array((last + ".mp3").utf8)
            return ReplicaPath.original(source: source, mount: FilePath("c"), day: "d", path: FilePath(bytes: name))
        }
        #expect(made("a") != made("b"))
        for path in [made("a"), made("b")] {
            #expect(path.lastComponent.count <= 255)
            #expect(path.lastComponent.suffix(4) == Array(".mp3".utf8)[...])
        }
    }

    @Test func `a path that is too long for a catalog keeps its day and name, and stays another than its neighbour`() {
        func copy(_ folder: String) -> FilePath {
            ReplicaPath.original(
                source: SourceName("north"), mount: FilePath("calls"), day: "20260301",
                path: FilePath(String(repeating: folder + "/", count: 12) + "x.mp3"))
        }
        let (one, other) = (copy(String(repeating: "d", count: 80)), copy(String(repeating: "e", count: 80)))
        #expect(one != other)
        for path in [one, other] {
            #expect(path.bytes.count <= 700)
            #expect(path.displayText.hasPrefix("north/20260301/~") && path.displayText.hasSuffix("/x.mp3"))
        }
        #expect(copy("d").displayText.contains("/calls/d/d/"))
    }

    @Test func `a name aside keeps its ending and carries its mark`() {
        #expect(ReplicaPath.aside(FilePath("a/b/x.mp3"), mark: "12") == FilePath("a/b/x~12.mp3"))
        #expect(ReplicaPath.aside(FilePath("a/b/x"), mark: "12") == FilePath("a/b/x~12"))
    }
}

@Suite struct CorrelateTests {
    private let grace = Duration.seconds(600)

    @Test func `row and file meet, and the young ones wait`() {
        let made = correlate(
            rows: [FilePath("both"): .seconds(1), FilePath("young"): .seconds(5), FilePath("late"): .seconds(601)],
            files: [FilePath("both"): .zero, FilePath("new"): .seconds(5), FilePath("alone"): .seconds(601)],
            grace: grace, isProven: true)
        #expect(made.matched == [FilePath("both")])
        #expect(made.missing == [FilePath("late")])
        #expect(made.orphans == [FilePath("alone")])
    }

    @Test func `nothing is missing on a mount that did not prove itself`() {
        let made = correlate(
            rows: [FilePath("late"): .seconds(9999)], files: [FilePath("alone"): .seconds(9999)], grace: grace,
            isProven: false)
        #expect(made.missing.isEmpty && made.orphans.isEmpty)
    }
}
