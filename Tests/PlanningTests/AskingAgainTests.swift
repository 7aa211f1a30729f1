import Testing

@testable import Planning

@Suite struct AskingAgainTests {
    private static let effects: [RequestEffect] = [.reads, .repeats, .creates]

    @Test(arguments: [500, 502, 503, 504, 408, 429])
    func `an answer that says later means again, but what creates may have been done`(status: Int) {
        let verdicts = Self.effects.map { judge(.answered(status: status, code: nil), of: $0) }
        #expect(verdicts == [.again, .again, .unknown])
    }

    @Test(arguments: [400, 401, 403, 404, 405, 409, 412, 413, 301, 302])
    func `an answer that says no is never asked for again`(status: Int) {
        for effect in Self.effects { #expect(judge(.answered(status: status, code: nil), of: effect) == .refused) }
    }

    @Test func `a 403 for the token gets a new session, where something is written`() {
        let verdicts = Self.effects.map { judge(.answered(status: 403, code: 3), of: $0, mentionsToken: true) }
        #expect(verdicts == [.refused, .renewSession, .renewSession])
    }

    @Test func `without a connection nothing was done`() {
        for effect in Self.effects { #expect(judge(.unreached, of: effect) == .again) }
    }

    @Test(arguments: [RequestOutcome.broken, .unreadable])
    func `a lost or garbled answer leaves open what was done`(outcome: RequestOutcome) {
        #expect(Self.effects.map { judge(outcome, of: $0) } == [.again, .again, .unknown])
    }

    @Test func `who cannot prove itself is not asked again`() {
        for effect in Self.effects { #expect(judge(.untrusted, of: effect) == .refused) }
    }

    @Test(
        arguments: [
            (nil, .done), (0, .done), (7, .done), (4, .again), (9, .again), (1, .refused), (2, .refused), (3, .refused),
            (5, .refused),
            (6, .refused), (8, .refused), (10, .refused), (18, .refused), (20, .refused), (99, .refused),
        ] as [(Int?, RequestVerdict)])
    func `the code in a body counts where the status is a success`(code: Int?, verdict: RequestVerdict) {
        #expect(judge(.answered(status: 200, code: code), of: .reads) == verdict)
        #expect(judge(.answered(status: 200, code: code), of: .creates) == (verdict == .again ? .unknown : verdict))
    }
}
