import Files
import Testing
import Vocabulary

@Suite struct FileTimeTests {
    @Test(arguments: [Int64.min, -1, 0, 9_223_372_037, 10_413_792_000, 253_402_300_800, .max])
    func `a time that no clock ever showed is a time like any other`(seconds: Int64) {
        let time = FileTime(seconds: seconds, nanoseconds: 999_999_999)
        let next = FileTime(seconds: seconds, nanoseconds: 1)
        #expect(time.nanosecondsSince1970 != next.nanosecondsSince1970)
        #expect(time.instant.text.utf8.count == 20)
        #expect((time.instant + .seconds(86_400 * 365)).microseconds > time.instant.microseconds)
    }
}
