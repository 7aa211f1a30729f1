import Planning
import Testing

private let window = SettleWindow(quiet: .seconds(5), atMost: .seconds(600))

private func look(_ size: Int64, modified: Int64 = 1) -> FileLook {
    FileLook(size: size, modified: modified, changed: modified, inode: 7)
}

/// Looks that agree over `span`.
private func trail(
    _ size: Int64, holes: Bool = false, coarse: Bool = false, agreeingFor span: Duration = .zero
) -> LookTrail {
    var seen = look(size, modified: coarse ? 3_000_000_000 : 1)
    seen.hasHoles = holes
    var trail = LookTrail(seen, at: .seconds(100))
    if span > .zero { trail.note(seen, at: .seconds(100) + span) }
    return trail
}

private struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let evidence: SettleEvidence
    let decision: SettleDecision

    init(
        _ name: String, finished: Bool = true, row: Int64?, container: ContainerState = .unknown,
        checksum: Bool = false, holes: Bool = false, coarse: Bool = false, mayBeEmpty: Bool = false, size: Int64,
        agreeing: Duration = .zero, waited: Duration = .zero,
        _ decision: SettleDecision
    ) {
        testDescription = name
        evidence = SettleEvidence(
            rowIsFinished: finished, rowSize: row, container: container, hasChecksum: checksum,
            mayBeEmpty: mayBeEmpty, looks: trail(size, holes: holes, coarse: coarse, agreeingFor: agreeing),
            waited: waited)
        self.decision = decision
    }
}

private let gibibyte: Int64 = 1 << 30
private let cases: [Case] = [
    Case(
        "all witnesses settle at the first look", row: 900, container: .whole, size: 900,
        .settled(by: [.finishedRow, .exactSize, .wholeContainer])),
    Case(
        "a checksum that the copy is held to settles an opaque container at the first look", row: 900, checksum: true,
        size: 900, .settled(by: [.finishedRow, .exactSize, .checksum])),
    Case("an opaque container needs a second look", row: 900, size: 900, .wait(.secondLook, again: .seconds(1))),
    Case(
        "with the exact size a moment's rest is enough", row: 900, size: 900, agreeing: .seconds(1),
        .settled(by: [.finishedRow, .exactSize, .agreeingLooks])),
    Case(
        "the second look waits for the rest of the moment", row: 900, size: 900, agreeing: .milliseconds(400),
        .wait(.secondLook, again: .milliseconds(600))),
    Case(
        "without a size the second look waits for the rest of the quiet time", row: nil, size: 900,
        agreeing: .seconds(2), .wait(.secondLook, again: .seconds(3))),
    Case(
        "without a size a checksum is not enough", row: nil, container: .whole, checksum: true, size: 900,
        .wait(.secondLook, again: .seconds(5))),
    Case(
        "an opaque container settles by two looks", row: 900, size: 900, agreeing: .seconds(5),
        .settled(by: [.finishedRow, .exactSize, .agreeingLooks])),
    Case(
        "without a size a whole container is not enough", row: nil, container: .whole, size: 900,
        .wait(.secondLook, again: .seconds(5))),
    Case(
        "without a size two looks settle", row: nil, size: 900, agreeing: .seconds(9),
        .settled(by: [.finishedRow, .agreeingLooks])),
    Case(
        "a size of 0 is none", row: 0, size: 900, agreeing: .seconds(9), .settled(by: [.finishedRow, .agreeingLooks])),
    Case(
        "a size of -1 is none", row: -1, size: 900, agreeing: .seconds(9),
        .settled(by: [.finishedRow, .agreeingLooks])),
    Case(
        "the column's largest value is none", row: 2_147_483_647, size: 900, agreeing: .seconds(9),
        .settled(by: [.finishedRow, .agreeingLooks])),
    Case(
        "a wrapped size of a file beyond 2 GiB is none", row: gibibyte, size: 5 * gibibyte, agreeing: .seconds(9),
        .settled(by: [.finishedRow, .agreeingLooks])),
    Case(
        "a row that is not finished waits without end", finished: false, row: 900, container: .whole, size: 900,
        agreeing: .seconds(9000), waited: .seconds(9000), .wait(.rowNotFinished, again: .seconds(5))),
    Case(
        "too few bytes are short, however quiet", row: 900, container: .whole, size: 899, agreeing: .seconds(60),
        .short(have: 899, want: 900, again: .seconds(5))),
    Case(
        "no bytes of many are short", row: 900, size: 0, .short(have: 0, want: 900, again: .seconds(5))),
    Case(
        "too many bytes are overlong", row: 900, container: .whole, size: 901, agreeing: .seconds(60),
        .overlong(have: 901, want: 900, again: .seconds(5))),
    Case(
        "an empty file without a size waits", row: 0, size: 0, agreeing: .seconds(60),
        .wait(.empty, again: .seconds(5))),
    Case(
        "a container without its end waits, though the size is exact", row: 900, container: .unfinished, size: 900,
        agreeing: .seconds(4), .wait(.unfinishedContainer, again: .seconds(1))),
    Case(
        "a container without its end that is at rest at its exact size is damaged", row: 900, container: .unfinished,
        size: 900, agreeing: .seconds(5), .damaged(by: [.finishedRow, .exactSize, .agreeingLooks])),
    Case(
        "a container without its end waits long where the row has no size", row: nil, container: .unfinished,
        size: 900, agreeing: .seconds(599), waited: .seconds(599), .wait(.unfinishedContainer, again: .seconds(5))),
    Case(
        "short for too long is a problem", row: 900, size: 100, agreeing: .seconds(60), waited: .seconds(600),
        .neverSettles(.short(have: 100, want: 900), again: .seconds(5))),
    Case(
        "overlong for too long is a problem", row: 900, size: 1000, waited: .seconds(601),
        .neverSettles(.overlong(have: 1000, want: 900), again: .seconds(5))),
    Case(
        "changing for too long is a problem", row: nil, size: 1000, waited: .seconds(601),
        .neverSettles(.secondLook, again: .seconds(5))),
    Case(
        "a container without its end for too long is damaged", row: nil, container: .unfinished, size: 1000,
        agreeing: .seconds(599), waited: .seconds(600), .damaged(by: [.finishedRow, .agreeingLooks])),
    Case(
        "a container without its end that changes for too long is a problem", row: nil, container: .unfinished,
        size: 1000, waited: .seconds(600), .neverSettles(.unfinishedContainer, again: .seconds(5))),
    Case(
        "a whole file with a hole has to rest", row: 900, container: .whole, holes: true, size: 900,
        agreeing: .seconds(4), .wait(.unwritten, again: .seconds(1))),
    Case(
        "a whole file with a hole settles when it has rested", row: 900, container: .whole, holes: true, size: 900,
        agreeing: .seconds(5), .settled(by: [.finishedRow, .exactSize, .wholeContainer, .agreeingLooks])),
    Case(
        "a checksum that the copy is held to covers holes", row: 900, container: .whole, checksum: true, holes: true,
        size: 900, .settled(by: [.finishedRow, .exactSize, .wholeContainer, .checksum])),
    Case(
        "with a hole and no end that can be seen it rests for all of the grace time", row: 900, holes: true, size: 900,
        agreeing: .seconds(60), waited: .seconds(700), .wait(.unwritten, again: .seconds(540))),
    Case(
        "a hole that stays for all of the grace time is the file's own", row: nil, holes: true, size: 900,
        agreeing: .seconds(600), waited: .seconds(600), .settled(by: [.finishedRow, .agreeingLooks])),
    Case(
        "whole seconds are waited out, whatever vouches", row: 900, container: .whole, coarse: true, size: 900,
        agreeing: .seconds(1), .wait(.secondLook, again: .seconds(1))),
    Case(
        "an index file may be empty, at rest", row: nil, container: .unfinished, mayBeEmpty: true, size: 0,
        agreeing: .seconds(5), .settled(by: [.finishedRow, .agreeingLooks])),
    Case(
        "an empty index file that does not rest may grow", row: nil, mayBeEmpty: true, size: 0,
        agreeing: .seconds(4), .wait(.secondLook, again: .seconds(1))),
    Case(
        "what settles late has settled", row: 900, size: 900, agreeing: .seconds(5), waited: .seconds(9000),
        .settled(by: [.finishedRow, .exactSize, .agreeingLooks])),
]

@Suite struct SettleTests {
    @Test(arguments: cases) private func `a file settles by its witnesses`(_ one: Case) {
        #expect(settle(one.evidence, within: window) == one.decision)
    }

    @Test func `an unfinished row settles by two looks only where the settings allow it`() {
        var window = window
        window.needsFinishedRow = false
        var evidence = SettleEvidence(
            rowIsFinished: false, rowSize: 900, container: .whole, looks: trail(900), waited: .zero)
        #expect(settle(evidence, within: window) == .wait(.secondLook, again: .seconds(5)))
        evidence.looks = trail(900, agreeingFor: .seconds(5))
        #expect(
            settle(evidence, within: window) == .settled(by: [.exactSize, .wholeContainer, .agreeingLooks]))
    }

    @Test func `a look that differs begins the agreement anew`() {
        var trail = LookTrail(look(1), at: .seconds(0))
        trail.note(look(1), at: .seconds(4))
        #expect(trail.agreement == .seconds(4))
        trail.note(look(1, modified: 2), at: .seconds(8))
        #expect(trail.agreement == .zero)
        trail.note(look(1, modified: 2), at: .seconds(11))
        #expect(trail.agreement == .seconds(3))
        #expect(trail.unchangedSince == .seconds(8))
    }

    @Test func `a file that grows between any two looks never agrees`() {
        var trail = LookTrail(look(0), at: .zero)
        for second in 1...100 {
            trail.note(look(Int64(second)), at: .seconds(second))
            #expect(trail.agreement == .zero)
        }
    }
}
