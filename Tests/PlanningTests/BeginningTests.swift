import Planning
import Testing
import Vocabulary

@Suite struct BeginningTests {
    private static func beginning(_ start: Int64?, _ stop: Int64?, lasting length: Int64) -> Beginning? {
        func time(_ milliseconds: Int64) -> WallTime { WallTime(microseconds: milliseconds * 1000) }
        return Beginning(
            of: ClaimedTimes(start: start.map(time), stop: stop.map(time)), lasting: .milliseconds(length))
    }

    private static func span(_ start: Int64?, _ stop: Int64?, lasting length: Int64) -> [Int64]? {
        beginning(start, stop, lasting: length).map {
            [$0.earliest.microseconds / 1000, $0.latest.microseconds / 1000]
        }
    }

    @Test func `a time finer than a second is taken at its word`() {
        #expect(Self.span(10_250, 20_000, lasting: 9000) == [10_250, 10_250])
        #expect(Self.span(10_000, 19_750, lasting: 9000) == [10_000, 10_000])
    }

    @Test func `a whole second is any moment in it, as far as the measured length allows`() {
        #expect(Self.span(10_000, nil, lasting: 9000) == [10_000, 11_000])
        // It ended within the second 19: 9.7 s before that.
        #expect(Self.span(10_000, 19_000, lasting: 8700) == [10_300, 11_000])
        #expect(Self.span(10_000, 19_000, lasting: 9300) == [10_000, 10_700])
        #expect(Self.span(10_000, 19_000, lasting: 9900) == [10_000, 10_100])
    }

    @Test func `a length that contradicts the row narrows nothing`() {
        #expect(Self.span(10_000, 19_000, lasting: 30_000) == [10_000, 11_000])
        #expect(Self.span(nil, 19_000, lasting: 9000) == nil)
    }

    @Test func `an offset is as uncertain as both ends of it`() {
        let sound = Self.beginning(10_000, 72_000, lasting: 62_480)
        let screen = Self.beginning(11_000, 73_000, lasting: 61_900)
        let offset = Offset(from: sound, to: screen)
        #expect(offset.estimate == .milliseconds(1290))
        #expect(offset.uncertainty == .milliseconds(710))
        #expect(Offset(from: sound, to: nil).estimate == .zero)
        let exact = Offset(from: Self.beginning(10_001, nil, lasting: 1), to: Self.beginning(9_501, nil, lasting: 1))
        #expect(exact.estimate == .milliseconds(-500) && exact.uncertainty == .zero)
    }
}
