import Testing

@testable import Watching

@Suite struct DoorbellTests {
    @Test func `a ring that came first is not lost`() async {
        let bell = Doorbell()
        bell.ring()
        bell.ring()
        await bell.wait()
    }

    @Test func `a wait ends by its time`() async {
        await Doorbell().wait(atMost: .milliseconds(1))
    }

    @Test func `each of many rings from other tasks reaches the waiter`() async {
        let there = Doorbell()
        let back = Doorbell()
        let echo = Task {
            for _ in 0..<1000 {
                await there.wait()
                back.ring()
            }
        }
        for _ in 0..<1000 {
            there.ring()
            await back.wait()
        }
        await echo.value
    }
}
