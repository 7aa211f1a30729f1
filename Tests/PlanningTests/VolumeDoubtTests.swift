import Testing

@testable import Planning

@Suite struct VolumeDoubtTests {
    @Test func `few bad copies are no volume's fault, whatever their share`() {
        #expect(!ScrubRecord(read: 4, bad: 4).makesSuspect)
        #expect(!ScrubRecord(read: 0, bad: 0).makesSuspect)
    }

    @Test func `five are from one in a hundred on, fifty are in any case`() {
        #expect(ScrubRecord(read: 5, bad: 5).makesSuspect)
        #expect(ScrubRecord(read: 500, bad: 5).makesSuspect)
        #expect(!ScrubRecord(read: 501, bad: 5).makesSuspect)
        #expect(!ScrubRecord(read: 1_000_000, bad: 49).makesSuspect)
        #expect(ScrubRecord(read: 1_000_000, bad: 50).makesSuspect)
    }

    @Test func `what was found bad before the days that count is read, too`() {
        #expect(ScrubRecord(read: 0, bad: 5).makesSuspect)
    }
}
