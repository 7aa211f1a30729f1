import Synchronization
import Testing
import Vocabulary

@testable import Watching

private func files(_ numbers: Range<Int>) -> [WatchHint] { numbers.map { .file(FilePath("\($0)")) } }

@Suite struct HintQueueTests {
    @Test func `a file that waits is not queued again, one that was taken is`() async {
        let queue = HintQueue()
        await queue.put(files(0..<3) + files(1..<4) + [.rescanned])
        #expect(await queue.next() == files(0..<4) + [.rescanned])
        await queue.put(files(2..<3))
        #expect(await queue.next() == files(2..<3))
    }

    @Test func `hints are given in order and in parts`() async {
        let queue = HintQueue(room: 100, batch: 4)
        await queue.put(files(0..<10))
        #expect(await queue.next() == files(0..<4))
        #expect(await queue.next() == files(4..<8))
        #expect(await queue.next() == files(8..<10))
    }

    @Test func `a producer is held while there is no room`() async {
        let queue = HintQueue(room: 10, batch: 5)
        let put = Mutex(0)
        let producer = Task {
            for step in 0..<10 {
                await queue.put(files(step * 10..<step * 10 + 10))
                put.withLock { $0 += 1 }
            }
        }
        var taken: [WatchHint] = []
        while taken.count < 100 {
            taken += await queue.next() ?? []
            // At most the room, one part beyond it that was let in, and what was taken.
            #expect(put.withLock { $0 } * 10 <= taken.count + 20)
        }
        await producer.value
        #expect(taken == files(0..<100))
    }

    @Test func `a finished queue gives what it has and then ends`() async {
        let queue = HintQueue()
        await queue.put([.rescanned])
        queue.finish()
        #expect(await queue.next() == [.rescanned])
        #expect(await queue.next() == nil)
    }

    @Test func `a cancelled consumer and a cancelled producer end`() async {
        let queue = HintQueue(room: 1)
        let consumer = Task { await queue.next() }
        consumer.cancel()
        #expect(await consumer.value == nil)
        let producer = Task { await queue.put(files(0..<5)) }
        producer.cancel()
        await producer.value
    }
}
