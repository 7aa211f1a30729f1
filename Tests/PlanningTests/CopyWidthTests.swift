import Planning
import Testing

@Suite struct CopyWidthTests {
    /// Widths over time on a volume of such speeds, a measure a second, with noise of so many parts in a hundred.
    private func widths(
        _ seconds: Int, noise: Int = 0, seed: UInt64 = 1, speed: (Int, Duration) -> Double
    ) -> [Int] {
        var width = CopyWidth()
        var random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        return (0..<seconds).map { second in
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            let wander = noise == 0 ? 0 : Double(Int(random % UInt64(2 * noise + 1)) - noise) / 100
            width.see(bytesPerSecond: speed(width.width, .seconds(second)) * (1 + wander), at: .seconds(second))
            return width.width
        }
    }

    private func most(_ widths: some Sequence<Int>) -> Int {
        Dictionary(grouping: widths) { $0 }.max { $0.value.count < $1.value.count }?.key ?? 0
    }

    @Test(arguments: [1, 2, 4, 8, 16])
    func `the width up to which a volume becomes faster is found, and kept`(best: Int) {
        let found = widths(3600) { width, _ in Double(min(width, best)) * 1e8 - Double(max(0, width - best)) * 1e7 }
        #expect(most(found.suffix(3000)) == best)
        // Most of the time is spent with it.
        #expect(found.suffix(3000).count { $0 == best } > 2700)
    }

    @Test func `a disk whose heads wander gets one at a time`() {
        let found = widths(3600) { width, _ in 1e8 / Double(width) }
        #expect(most(found.suffix(3000)) == 1)
    }

    @Test(arguments: 1...20) func `noise moves it a step at a time, and rarely`(seed: UInt64) {
        let found = widths(20_000, noise: 25, seed: seed) { width, _ in Double(min(width, 4)) * 1e8 }
        let steps = CopyWidth.steps
        for (one, next) in zip(found, found.dropFirst()) where one != next {
            let places = [one, next].map { steps.firstIndex(of: $0) ?? -99 }
            #expect(abs(places[0] - places[1]) <= 2)
        }
        #expect(zip(found, found.dropFirst()).count { $0 != $1 } < 20_000 / 60)
        #expect(found.count { $0 < 3 } < 1000)
    }

    @Test func `a volume that became another is measured anew within an hour`() {
        let found = widths(4 * 3600) { width, now in
            Double(min(width, now < .seconds(7200) ? 2 : 12)) * 1e8
        }
        #expect(most(found[3600..<7200]) == 2)
        #expect(most(found.suffix(3600)) == 12)
    }

    @Test func `it never leaves its bounds`() {
        let rising = widths(3600) { width, _ in Double(width) }
        #expect(rising.max() == 16 && most(rising.suffix(1000)) == 16)
        let falling = widths(3600) { width, _ in 1 / Double(width) }
        #expect(falling.min() == 1)
    }
}
