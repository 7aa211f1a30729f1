import Planning
import Testing

@Suite struct ReadBucketTests {
    /// What was let through, and when, for takers that each want `size` again as soon as they got it.
    private func read(
        takers: Int, size: Int64, upTo end: Duration, limit: (Duration) -> Int64
    ) -> [(taker: Int, bytes: Int64, at: Duration)] {
        var bucket = ReadBucket()
        var due = [Duration](repeating: .seconds(100), count: takers)
        var portions = [Int64](repeating: 0, count: takers)
        var passed: [(taker: Int, bytes: Int64, at: Duration)] = []
        while let taker = due.indices.min(by: { due[$0] < due[$1] }), due[taker] < end + .seconds(100) {
            let now = due[taker]
            if portions[taker] > 0 { passed.append((taker, portions[taker], now - .seconds(100))) }
            let rate = limit(now - .seconds(100))
            portions[taker] = ReadBucket.portion(of: size, limit: rate)
            due[taker] = now + bucket.take(portions[taker], limit: rate, at: now)
        }
        return passed
    }

    @Test(arguments: [1, 2, 5], [Int64(70_000), 20_000_000, 900_000_000])
    func `all who share a limit keep to it together, and share it evenly`(takers: Int, limit: Int64) {
        let passed = read(takers: takers, size: 1 << 20, upTo: .seconds(20)) { _ in limit }
        let bytes = passed.reduce(0) { $0 + $1.bytes }
        #expect(abs(Double(bytes) / Double(limit * 20) - 1) < 0.03)
        for taker in 0..<takers {
            let part = passed.filter { $0.taker == taker }.reduce(0) { $0 + $1.bytes }
            #expect(abs(Double(part) / Double(bytes) * Double(takers) - 1) < 0.1)
        }
        // No second sees more than a second's bytes, and what a short rest saves up.
        var (begin, second, most) = (0, Int64(0), Int64(0))
        for last in passed {
            second += last.bytes
            while passed[begin].at <= last.at - .seconds(1) {
                second -= passed[begin].bytes
                begin += 1
            }
            most = max(most, second)
        }
        #expect(most <= limit * 14 / 10)
    }

    @Test func `a changed limit holds within half a second, up and down`() {
        let passed = read(takers: 3, size: 1 << 20, upTo: .seconds(30)) { now in
            now < .seconds(10) || now > .seconds(20) ? 1_000_000 : 50_000_000
        }
        func rate(_ from: Double, _ to: Double) -> Double {
            let some = passed.filter { $0.at > .seconds(from) && $0.at <= .seconds(to) }
            return Double(some.reduce(0) { $0 + $1.bytes }) / (to - from)
        }
        #expect(abs(rate(11, 20) / 50_000_000 - 1) < 0.1)
        #expect(abs(rate(21, 30) / 1_000_000 - 1) < 0.2)
    }

    @Test func `a long rest saves up no burst, and a clock that was put back holds nobody up`() {
        var bucket = ReadBucket()
        _ = bucket.take(1000, limit: 1000, at: .seconds(100))
        #expect(bucket.take(1000, limit: 1000, at: .seconds(5000)) >= .milliseconds(900))
        #expect(bucket.take(1000, limit: 1000, at: .seconds(200)) <= .milliseconds(1000))
    }

    @Test func `who reads slowly reads in small parts`() {
        #expect(ReadBucket.block(limit: nil) == 1 << 20)
        #expect(ReadBucket.block(limit: 64 << 10) == 64 << 10)
        #expect(ReadBucket.block(limit: 2_000_000) % (64 << 10) == 0)
        #expect(ReadBucket.block(limit: 1 << 40) == 1 << 20)
    }
}

@Suite struct ReadLineTests {
    @Test func `the first to ask is the first to read, and a limit that goes lets all read`() {
        var line = ReadLine()
        let free = line.ask(for: 500)
        #expect(line.isUp(free))
        line.setOpen(false)
        let (first, second) = (line.ask(for: 100), line.ask(for: 10))
        #expect(!line.isUp(first) && !line.isUp(second) && line.wanted == 110)
        line.grant(60)
        #expect(!line.isUp(first) && !line.isUp(second))
        line.grant(40)
        #expect(line.isUp(first) && !line.isUp(second))
        // Nothing is granted ahead.
        line.grant(1000)
        #expect(line.isUp(second) && line.wanted == 0)
        let third = line.ask(for: 1)
        #expect(!line.isUp(third))
        line.setOpen(true)
        let huge = line.ask(for: 1 << 40)
        #expect(line.isUp(third) && line.isUp(huge))
    }
}
