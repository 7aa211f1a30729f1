import Testing
import Vocabulary

@testable import Planning

@Suite struct GradeTests {
    private func grade(
        _ integrity: MediaMeasure.Integrity = .whole, status: String? = "NO_PROBLEM", finished: Bool = true,
        length: Duration? = .seconds(60), size: Int64? = 1000, claimed: Duration? = nil, claimedSize: Int64? = nil
    ) -> Grade {
        Grade(
            measure: MediaMeasure(integrity: integrity, length: length, size: size),
            statusRank: StatusRank.rank(of: status), isFinished: finished, claimedLength: claimed,
            claimedSize: claimedSize)
    }

    /// The order, line by line: the left is better than the right by the line named, whatever the lines below say.
    @Test(arguments: Grade.Advantage.allCases)
    func `each line of the order decides before those below it`(line: Grade.Advantage) {
        let (better, worse): (Grade, Grade) =
            switch line {
            case .notDamaged:
                (
                    grade(.unknown, status: "NO_STREAMS", finished: false, length: .seconds(1), size: 1),
                    grade(.damaged)
                )
            case .betterStatus:
                (grade(finished: false, length: .seconds(1), size: 1), grade(status: "ONLY_ONE_STREAM"))
            case .finished: (grade(length: .seconds(1), size: 1), grade(finished: false))
            case .longer: (grade(length: .seconds(61), size: 1), grade())
            case .moreBytes: (grade(length: .milliseconds(59_100), size: 1101), grade())
            }
        #expect(better.advantage(over: worse) == line)
        #expect(worse.advantage(over: better) == nil)
    }

    @Test func `equals are no better than each other, so that what stands is kept`() {
        #expect(grade().advantage(over: grade()) == nil)
        #expect(grade(size: 1100).advantage(over: grade()) == nil)
        #expect(grade(length: .milliseconds(60_999)).advantage(over: grade()) == nil)
        #expect(grade(.unknown).advantage(over: grade(.whole)) == nil)
        #expect(grade(.whole).advantage(over: grade(.unknown)) == nil)
    }

    @Test func `what is measured wins over what is claimed, and claims serve where nothing was measured`() {
        let liar = grade(length: .seconds(10), size: 900, claimed: .seconds(3600), claimedSize: 9_000_000)
        #expect(liar.advantage(over: grade()) == nil)
        let claims = grade(.unknown, length: nil, size: nil, claimed: .seconds(90), claimedSize: 1)
        #expect(claims.advantage(over: grade()) == .longer)
    }

    @Test func `of sizes that one side does not know nothing follows`() {
        #expect(grade(size: nil).advantage(over: grade(size: 10)) == nil)
        #expect(grade(size: 10).advantage(over: grade(size: nil)) == nil)
    }

    @Test func `whatever the grades, two never have an advantage over each other`() {
        let lengths: [Duration?] = [nil, .seconds(59), .seconds(60), .seconds(61)]
        let sizes: [Int64?] = [nil, 0, 1000, 1100, 1101, .max / 2]
        var all: [Grade] = []
        for integrity in MediaMeasure.Integrity.allCases {
            for status in ["NO_PROBLEM", "NO_STREAMS", nil, "SOMETHING_NEW"] {
                for isFinished in [true, false] {
                    for length in lengths {
                        for size in sizes {
                            all.append(
                                grade(integrity, status: status, finished: isFinished, length: length, size: size))
                        }
                    }
                }
            }
        }
        for one in all {
            for other in all where one.advantage(over: other) != nil {
                #expect(other.advantage(over: one) == nil)
            }
        }
    }
}
