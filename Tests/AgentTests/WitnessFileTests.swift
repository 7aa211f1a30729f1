import Agent
import Planning
import Support
import Testing
import Vocabulary

@Suite struct WitnessFileTests {
    private let witness = MarkWitness(ledger: "0a1b", marks: 17, at: Instant(microseconds: 1_795_176_000_000_000))

    @Test func `what was written last is read, in a directory that is made for it`() async throws {
        try await ScratchDirectory.with { scratch in
            let file = WitnessFile(
                directory: scratch.path.appending("state"), replay: "replay1", source: SourceName("rec_a"))
            #expect(try file.read() == nil)
            try file.write(MarkWitness(ledger: "0a1b", marks: 16, at: witness.at))
            try file.write(witness)
            #expect(try file.read() == witness)
            let other = WitnessFile(
                directory: scratch.path.appending("state"), replay: "replay1", source: SourceName("rec_b"))
            #expect(try other.read() == nil)
            #expect(try scratch.files(below: "state").count == 1)
        }
    }

    @Test(arguments: ["", "1", "2 0a1b 17 0", "1 0a1b many 0", "1 0a1b 17"])
    func `what it does not understand is an error that says so, and no permission`(text: String) async throws {
        try await ScratchDirectory.with { scratch in
            try scratch.directory("state")
            try scratch.write(Array(text.utf8), to: "state/marks-replay1-rec_a")
            let file = WitnessFile(
                directory: scratch.path.appending("state"), replay: "replay1", source: SourceName("rec_a"))
            let error = #expect(throws: WitnessFile.Failure.self) { try file.read() }
            #expect(error?.description.contains("marks-replay1-rec_a") == true)
        }
    }

    @Test func `where nothing can be written, nothing counts as remembered`() async throws {
        try await ScratchDirectory.with { scratch in
            try scratch.write([], to: "state")
            let file = WitnessFile(
                directory: scratch.path.appending("state"), replay: "replay1", source: SourceName("rec_a"))
            #expect(throws: WitnessFile.Failure.self) { try file.write(witness) }
        }
    }
}
