import Planning
import Testing

@Suite struct AfterlookTests {
    private let window = SettleWindow(quiet: .seconds(10), atMost: .seconds(600))
    private func look(
        _ size: Int64 = 900, modified: Int64 = 1, changed: Int64 = 1, inode: UInt64 = 7
    ) -> FileLook { FileLook(size: size, modified: modified, changed: changed, inode: inode) }
    private var after: Afterlook { Afterlook(copied: look()) }

    private func decide(_ sight: Afterlook.Sight, age: Duration) -> Afterlook.Decision {
        after.decide(sight, age: age, within: window)
    }

    @Test func `the same file confirms after the quiet time, and is looked at ever more rarely until a day is over`() {
        #expect(decide(.seen(look()), age: .seconds(4)) == .same(confirms: false, again: .seconds(6)))
        #expect(decide(.seen(look()), age: .seconds(10)) == .same(confirms: true, again: .seconds(50)))
        var age = Duration.seconds(10)
        var looks = 1
        while case .same(true, let again?) = decide(.seen(look()), age: age) {
            age += again
            looks += 1
        }
        #expect(age >= Afterlook.last)
        #expect(looks == 7)
    }

    @Test func `another size is another file`() {
        #expect(decide(.seen(look(901)), age: .zero) == .changed)
        #expect(decide(.seen(look(899)), age: .seconds(5000)) == .changed)
    }

    @Test func `of the same size, only bytes can tell`() {
        for touched in [look(modified: 2), look(changed: 2), look(inode: 8)] {
            #expect(
                decide(.seen(touched), age: .seconds(60)) == .compare(again: .seconds(10), later: .seconds(30)))
            // One that never holds still is read ever more rarely.
            #expect(
                decide(.seen(touched), age: .seconds(86_400)) == .compare(again: .seconds(10), later: .seconds(600)))
        }
    }

    @Test func `what went away is looked for until its grace time is over, and what cannot be read for ever`() {
        #expect(decide(.absent, age: .seconds(10)) == .later(.seconds(5)))
        #expect(decide(.absent, age: .seconds(611)) == .gone)
        #expect(decide(.unreadable, age: .seconds(100_000)) == .later(.seconds(600)))
    }

    @Test func `whole seconds are waited out`() {
        let coarse = FileLook(size: 900, modified: 1_000_000_000, changed: 5_000_000_000, inode: 7)
        let short = SettleWindow(quiet: .milliseconds(200), atMost: .seconds(600))
        let decision = Afterlook(copied: coarse).decide(.seen(coarse), age: .seconds(1), within: short)
        #expect(decision == .same(confirms: false, again: .seconds(1)))
    }

    @Test func `only size and end together vouch for a file`() {
        func vouched(_ size: Int64?, _ container: ContainerState, checksum: Bool = false, holes: Bool = false) -> Bool {
            var seen = look()
            seen.hasHoles = holes
            return isVouched(rowSize: size, hasChecksum: checksum, look: seen, container: container)
        }
        #expect(vouched(900, .whole))
        #expect(vouched(900, .unknown, checksum: true))
        #expect(vouched(900, .whole, checksum: true, holes: true))
        #expect(!vouched(900, .whole, holes: true))
        #expect(!vouched(900, .unknown))
        #expect(!vouched(900, .unfinished))
        #expect(!vouched(nil, .whole, checksum: true))
        #expect(!vouched(0, .whole))
        #expect(!vouched(901, .whole))
    }
}
