internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct PlaceTests {
    private func volume(
        _ name: String, priority: Int = 1, balance: Int = 50, watermark: Double = 0.85, state: VolumeState = .ok,
        used: Int64 = 0, available: Int64 = 1 << 40, reserved: Int64 = 0, inodes: (Int64, Int64) = (0, 0),
        credit: Double = 0
    ) -> VolumeView {
        VolumeView(
            id: VolumeID(name), name: VolumeName(name), account: AccountID(name), priority: priority, balance: balance,
            watermark: .used(watermark), state: state, used: used, available: available, reserved: reserved,
            inodesTotal: inodes.0, inodesAvailable: inodes.1, credit: credit)
    }

    @Test func `the lowest priority number that is open wins`() {
        let made = place(
            size: 10, key: "f", among: [volume("a", priority: 2), volume("b", priority: 1)], largest: 10)
        #expect(made.outcome == .place(on: VolumeID("b"), isOverflow: false))
        #expect(made.refusals == [VolumeID("a"): .lowerTier])
    }

    @Test func `shares hold in bytes to within the largest file`() {
        var chance = SystemRandomNumberGenerator()
        var volumes = [volume("a", balance: 5), volume("b", balance: 1), volume("c", balance: 1)]
        var placed: [VolumeID: Int64] = [:]
        var total: Int64 = 0
        var largest: Int64 = 0
        for file in 0..<400 {
            let size = Int64.random(in: 1...50_000_000, using: &chance)
            largest = max(largest, size)
            total += size
            let made = place(size: size, key: "\(file)", among: volumes, largest: largest)
            guard case .place(let chosen, false) = made.outcome else {
                Issue.record("nothing chosen")
                return
            }
            placed[chosen, default: 0] += size
            for index in volumes.indices { volumes[index].credit = made.credits[volumes[index].id] ?? 0 }
        }
        for (name, share) in [("a", 5.0 / 7), ("b", 1.0 / 7), ("c", 1.0 / 7)] {
            let error = abs(Double(placed[VolumeID(name)] ?? 0) - share * Double(total))
            #expect(error <= Double(largest), "\(name) is off by \(error) bytes")
        }
    }

    /// Sizes as calls and screens have them: log-normal, half of them above 8 MiB, some far above.
    @Test func `after 200 files of real sizes each has its part of the bytes, to a point and a largest file`() {
        var seed: UInt64 = 20_261_121
        func uniform() -> Double {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Double(seed >> 11) + 1) / 9_007_199_254_740_994
        }
        var points: [Double] = []
        var worst = 0.0
        for run in 0..<100 {
            var volumes = [volume("a", balance: 5), volume("b", balance: 1), volume("c", balance: 1)]
            for place in volumes.indices {
                volumes[place].credit = initialCredit(of: volumes[place].id, replay: "\(run)")
            }
            var placed: [VolumeID: Double] = [:]
            var (total, largest) = (0.0, Int64(0))
            for file in 0..<200 {
                // Twelve uniform numbers make a normal one.
                let normal = (0..<12).reduce(-6.0) { sum, _ in sum + uniform() }
                let size = Int64(8_388_608 * power(1.3 * normal))
                largest = max(largest, size)
                total += Double(size)
                // Each is placed by itself: what is under way says nothing of what went before.
                let made = place(size: size, key: "\(file)", among: volumes)
                guard case .place(let chosen, _) = made.outcome else { continue }
                placed[chosen, default: 0] += Double(size)
                for place in volumes.indices {
                    volumes[place].credit = made.credits[volumes[place].id] ?? 0
                    volumes[place].largestEver = largest
                }
            }
            let errors = [("a", 5.0 / 7), ("b", 1.0 / 7), ("c", 1.0 / 7)].map { name, share in
                abs((placed[VolumeID(name)] ?? 0) - share * total)
            }
            let error = errors.max() ?? 0
            worst = max(worst, error / Double(largest))
            points.append(100 * error / total)
        }
        let mean = points.reduce(0, +) / 100
        print(
            "bar: byte share at 5:1:1 after 200 files, 100 runs: worst \(worst) of the largest file, mean \(mean) points"
        )
        #expect(worst <= 1)
        #expect(mean <= 1)
    }

    /// e to the power of `exponent`.
    private func power(_ exponent: Double) -> Double {
        var (term, sum) = (1.0, 1.0)
        let part = exponent / 64
        for step in 1..<12 {
            term *= part / Double(step)
            sum += term
        }
        return (0..<6).reduce(sum) { value, _ in value * value }
    }

    @Test func `a volume that is away keeps its credit and is not flooded when it is back`() {
        let away = volume("a", state: .absent, credit: 3)
        let made = place(size: 100, key: "f", among: [away, volume("b")], largest: 100)
        #expect(made.outcome == .place(on: VolumeID("b"), isOverflow: false))
        #expect(made.credits[VolumeID("a")] == nil)
        #expect(made.refusals[VolumeID("a")] == .state(.absent))
    }

    @Test func `the watermark counts the file with its blocks, and what is promised`() {
        // Room for 25 blocks above the trigger, of which one is for what the file system notes.
        let room = volume("a", watermark: 0.5, used: 400 * 4096, available: 450 * 4096)
        func outcome(_ bytes: Int64, reserved: Int64) -> Placement.Outcome {
            var view = room
            view.reserved = reserved
            return place(size: bytes, key: "f", among: [view], largest: bytes).outcome
        }
        #expect(outcome(24 * 4096, reserved: 0) == .place(on: VolumeID("a"), isOverflow: false))
        #expect(outcome(24 * 4096 + 1, reserved: 0) == .place(on: VolumeID("a"), isOverflow: true))
        #expect(outcome(24 * 4096, reserved: 1) == .place(on: VolumeID("a"), isOverflow: true))
    }

    @Test func `a watermark of free bytes is the same on any size, and is not capped`() {
        func outcome(_ available: Int64) -> Placement.Outcome {
            var view = volume("a", used: 1 << 40, available: available)
            view.watermark = .free(300 << 30)
            return place(size: 4096, key: "f", among: [view]).outcome
        }
        #expect(outcome(300 << 30 + 8192) == .place(on: VolumeID("a"), isOverflow: false))
        #expect(outcome(300 << 30 + 8191) == .place(on: VolumeID("a"), isOverflow: true))
    }

    @Test func `where space can't be reserved, twice the largest file under way is left besides`() {
        let size = Int64(1 << 20)
        var view = volume("a", watermark: 0.5, used: 500 << 20, available: 520 << 20)
        view.largestUnderWay = 4 << 20
        #expect(place(size: size, key: "f", among: [view]).outcome == .place(on: view.id, isOverflow: false))
        view.cannotReserve = true
        view.available = 517 << 20
        #expect(place(size: size, key: "f", among: [view]).outcome == .place(on: view.id, isOverflow: true))
    }

    @Test func `a debt of a large file is not forgiven by small ones`() {
        var large = volume("a", balance: 50, credit: -90_000_000)
        large.largestEver = 100_000_000
        let made = place(size: 1000, key: "f", among: [large, volume("b", balance: 50)])
        #expect(made.credits[large.id] == -89_999_500.0)
    }

    @Test func `past every watermark the roomiest takes it, and at every floor it waits`() {
        let full = volume("a", used: 990 << 20, available: 10 << 20)
        let fuller = volume("b", used: 900 << 20, available: 100 << 20)
        let made = place(size: 1, key: "f", among: [full, fuller], largest: 1)
        #expect(made.outcome == .place(on: VolumeID("b"), isOverflow: true))
        let none = place(size: 90 << 20, key: "f", among: [full, fuller], largest: 90 << 20)
        #expect(none.outcome == .wait)
        #expect(none.refusals == [VolumeID("a"): .underFloor, VolumeID("b"): .underFloor])
    }

    @Test(arguments: [VolumeState.floor, .limited, .readOnly, .absent, .hung, .suspect, .drain])
    func `a volume in this state is refused by its name`(state: VolumeState) {
        let made = place(size: 1, key: "f", among: [volume("a", state: state)], largest: 1)
        #expect(made.outcome == .wait)
        #expect(made.refusals == [VolumeID("a"): .state(state)])
    }

    @Test func `inodes that have run out are named as the reason`() {
        let made = place(size: 1, key: "f", among: [volume("a", inodes: (100_000, 900))], largest: 1)
        #expect(made.refusals == [VolumeID("a"): .outOfInodes])
    }

    @Test func `inodes have a watermark, a floor and what is promised, too`() {
        func made(_ available: Int64, promised: Int64) -> Placement {
            var view = volume("a", inodes: (100_000, available))
            view.inodesReserved = promised
            return place(size: 1, key: "f", among: [view])
        }
        #expect(made(15_001, promised: 0).outcome == .place(on: VolumeID("a"), isOverflow: false))
        #expect(made(15_001, promised: 1).outcome == .place(on: VolumeID("a"), isOverflow: true))
        #expect(made(2_001, promised: 0).outcome == .place(on: VolumeID("a"), isOverflow: true))
        #expect(made(2_001, promised: 1).refusals == [VolumeID("a"): .outOfInodes])
    }

    @Test func `a file that no freeing would make fit is told as such`() {
        let made = place(size: 900 << 20, key: "f", among: [volume("a", used: 500 << 20, available: 500 << 20)])
        #expect(made.refusals == [VolumeID("a"): .tooSmall])
    }

    @Test func `a volume that ran out of space in a copy rests`() {
        var view = volume("a")
        view.rests = true
        #expect(place(size: 1, key: "f", among: [view]).refusals == [view.id: .rests])
    }

    @Test func `balance 0 drains`() {
        let made = place(size: 1, key: "f", among: [volume("a", balance: 0)], largest: 1)
        #expect(made.refusals == [VolumeID("a"): .state(.drain)])
    }
}
