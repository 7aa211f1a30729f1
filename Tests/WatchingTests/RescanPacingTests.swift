import Testing

@testable import Watching

@Suite struct RescanPacingTests {
    @Test func `the first rescan begins at once, and wishes meanwhile are one`() {
        var pacing = RescanPacing()
        #expect(pacing.due == nil)
        pacing.want(at: .seconds(5))
        pacing.want(at: .seconds(6))
        #expect(pacing.due == .seconds(5))
        let began = pacing.begin(at: .seconds(6))
        #expect(began)
        #expect(pacing.due == nil)
    }

    @Test func `a storm doubles the spacing up to its bound, and a calm ends it`() {
        var pacing = RescanPacing(shortest: .seconds(1), longest: .seconds(60))
        var now = Duration.zero
        var spacings: [Duration] = []
        pacing.end(at: now)
        for _ in 0..<8 {
            pacing.want(at: now + .milliseconds(1))
            let due = pacing.due ?? now
            spacings.append(due - now)
            let began = pacing.begin(at: due)
            #expect(began)
            now = due
            pacing.end(at: now)
        }
        #expect(spacings == [2, 4, 8, 16, 32, 60, 60, 60].map { Duration.seconds($0) })
        now += .seconds(121)
        pacing.want(at: now)
        #expect(pacing.due == now)
    }

    @Test func `what is wanted during a rescan waits for as long as that took`() {
        var pacing = RescanPacing()
        pacing.want(at: .zero)
        let began = pacing.begin(at: .zero)
        #expect(began)
        pacing.want(at: .seconds(1))
        pacing.end(at: .seconds(10))
        #expect(pacing.due == .seconds(20))
        let tooEarly = pacing.begin(at: .milliseconds(19_999))
        #expect(!tooEarly)
        #expect(!pacing.isCalm(at: .seconds(15)))
        let begins = pacing.begin(at: .seconds(20))
        #expect(begins)
        pacing.end(at: .seconds(30))
        #expect(!pacing.isCalm(at: .seconds(39)))
        #expect(pacing.isCalm(at: .seconds(40)))
    }
}
