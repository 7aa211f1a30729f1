import Planning
import Testing
import Vocabulary

@Suite struct SameRecordingTests {
    private func recording(
        start: Int64? = 0, length: Int? = 60, carried: [String: String] = [:], legs: [String] = []
    ) -> SourceRecording {
        SourceRecording(
            source: SourceName("north"), id: 7, sid: Sid("s"), call: SourceCall(id: 3, legs: legs.map { Sid($0) }),
            start: start.map { WallTime(microseconds: $0 * 1_000_000) }, length: length, state: "FINISHED",
            carried: carried)
    }

    private func held(
        start: Int64? = 0, length: Int? = 60, parties: [String] = [], legs: [String] = []
    ) -> ReplayRecording {
        ReplayRecording(
            id: 70, callID: 30, sid: Sid("s"), start: start.map { WallTime(microseconds: $0 * 1_000_000) },
            length: length, parties: parties, callLegs: legs.map { Sid($0) })
    }

    @Test func `rows that say the same agree, and what one side lacks contradicts nothing`() {
        #expect(contradiction(of: recording(), with: held()) == nil)
        #expect(contradiction(of: recording(start: nil, length: nil), with: held()) == nil)
        #expect(contradiction(of: recording(length: -1), with: held(length: 4000)) == nil)
        #expect(
            contradiction(of: recording(carried: ["callingnr": "2025550100"]), with: held(legs: ["s", "x", "y"])) == nil
        )
    }

    @Test func `another start or another length is another call`() {
        #expect(contradiction(of: recording(start: 60), with: held()) == nil)
        #expect(contradiction(of: recording(start: 61), with: held()) == .start)
        #expect(contradiction(of: recording(start: 3600), with: held()) == .start)
        #expect(contradiction(of: recording(length: 120), with: held()) == nil)
        #expect(contradiction(of: recording(length: 600), with: held()) == .length)
    }

    @Test func `numbers agree however they are written, and none in common is another call`() {
        let shown = recording(carried: ["callingnr": "+1 (202) 555-0100", "originalcallednr": "4711"])
        #expect(contradiction(of: shown, with: held(parties: ["0012025550100", "9999"])) == nil)
        #expect(contradiction(of: shown, with: held(parties: ["2025550199", "4712"])) == .parties)
        // Anonymous, or a digit or two: nothing to go by.
        #expect(contradiction(of: shown, with: held(parties: ["anonymous", "12"])) == nil)
    }

    @Test func `several other legs on both sides and none in common are another call`() {
        let shown = recording(legs: ["s", "a", "b"])
        #expect(contradiction(of: shown, with: held(legs: ["s", "b", "c"])) == nil)
        #expect(contradiction(of: shown, with: held(legs: ["s", "c"])) == nil)
        #expect(contradiction(of: shown, with: held(legs: ["s", "c", "d"])) == .legs)
    }
}
