internal import Delivery
internal import Testing

@Suite struct WakeTests {
    @Test func `a hint that came early is not lost, and many are one`() async {
        let wake = Wake()
        wake.wake()
        wake.wake()
        #expect(await wake.wait(atMost: .seconds(60)))
        #expect(await wake.wait(atMost: .milliseconds(1)) == false)
    }

    @Test(.timeLimit(.minutes(1))) func `a waiter returns at the hint`() async {
        let wake = Wake()
        async let isHinted = wake.wait(atMost: .seconds(600))
        wake.wake()
        #expect(await isHinted)
    }

    @Test(.timeLimit(.minutes(1))) func `cancelling ends the wait`() async {
        let wake = Wake()
        let waiting = Task { await wake.wait(atMost: .seconds(600)) }
        waiting.cancel()
        #expect(await waiting.value == false)
    }
}
