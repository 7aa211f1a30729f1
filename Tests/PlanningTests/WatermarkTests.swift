internal import Planning
internal import Testing
internal import Vocabulary

@Suite struct VolumeLevelsTests {
    private func levels(
        _ size: Int64, _ watermark: VolumeWatermark = .used(0.85), _ rules: LevelRules = LevelRules(),
        largest: Int64 = 0, inodes: Int64 = 0
    ) -> VolumeLevels {
        let view = VolumeView(
            id: VolumeID("a"), name: VolumeName("a"), account: AccountID("a"), priority: 1, balance: 1,
            watermark: watermark, used: size / 2, available: size - size / 2, inodesTotal: inodes)
        return VolumeLevels(of: view, rules: rules, largest: largest)
    }

    @Test func `on a small volume they are its parts, on a large one they are capped`() {
        let small = levels(100_000_000_000)
        #expect(small.trigger == 15_000_000_000)
        #expect(small.clear == 20_000_000_000)
        #expect(small.floor == 2_000_000_000)
        let large = levels(20_000_000_000_000)
        #expect(large.trigger == 256 << 30)
        #expect(large.clear == 384 << 30)
        #expect(large.floor == 64 << 30)
    }

    @Test func `the settings decide`() {
        let rules = LevelRules(hysteresis: 0.1, floor: 0.04, floorAtMost: 3_000_000_000, largestFile: 0)
        let made = levels(100_000_000_000, .used(0.9), rules)
        #expect(made.clear - made.trigger == 10_000_000_000)
        #expect(made.floor == 3_000_000_000)
        let expected = levels(100_000_000_000, .used(0.9), LevelRules(largestFile: 2_000_000_000))
        #expect(expected.floor == 4_000_000_000)
    }

    @Test func `the floor is twice the largest file under way, and never above the trigger`() {
        #expect(levels(100_000_000_000, largest: 3_000_000_000).floor == 6_000_000_000)
        #expect(levels(100_000_000_000, largest: 30_000_000_000).floor == 15_000_000_000)
    }

    @Test func `what has no order is refused, whatever is under way`() {
        #expect(levels(100_000_000_000).isOrdered)
        #expect(levels(100_000_000_000, largest: 30_000_000_000).isOrdered)
        #expect(!levels(100_000_000_000, .used(0.98)).isOrdered)
        #expect(!levels(100_000_000_000, .used(0.85), LevelRules(hysteresis: 0)).isOrdered)
        #expect(!levels(100_000_000_000, .used(0.85), LevelRules(largestFile: 8_000_000_000)).isOrdered)
        #expect(!levels(100_000_000_000, .free(100_000_000_000)).isOrdered)
        // A part of a large volume that is too small counts in bytes.
        #expect(levels(20_000_000_000_000, .used(0.99)).isOrdered)
    }

    @Test func `inodes have the same levels, and a thousand of them are never taken`() {
        let many = levels(1 << 40, inodes: 1_000_000)
        #expect(many.inodeTrigger == 150_000)
        #expect(many.inodeClear == 200_000)
        #expect(many.inodeFloor == 20_000)
        #expect(levels(1 << 40, inodes: 30_000).inodeFloor == 1000)
        #expect(levels(1 << 40, inodes: 0).inodeClear == 0)
    }
}

@Suite struct WatermarkTests {
    private func view(available: Int64, inodes: Int64 = 500_000) -> VolumeView {
        VolumeView(
            id: VolumeID("a"), name: VolumeName("a"), account: AccountID("a"), priority: 1, balance: 1,
            watermark: .used(0.85), used: 1_000_000 - available, available: available, inodesTotal: 1_000_000,
            inodesAvailable: inodes)
    }

    /// Goes through samples, each with its time.
    private func states(
        from start: VolumeState = .ok, _ samples: [(seconds: Int, view: VolumeView)]
    ) -> [VolumeState] {
        var calm = SpaceCalm()
        var state = start
        return samples.map { seconds, view in
            let levels = VolumeLevels(of: view)
            calm.see(view, levels, at: .seconds(seconds))
            state = watermarkState(of: view, from: state, levels: levels, calm: calm, at: .seconds(seconds))
            return state
        }
    }

    @Test func `use that swings two points around the watermark for a day raises once and does not clear`() {
        let day = states(
            (0..<8640).map { (10 * $0, view(available: $0.isMultiple(of: 2) ? 130_000 : 170_000)) })
        #expect(day.allSatisfy { $0 == .above })
    }

    @Test func `it clears only past the clearing level, and only when that has lasted`() {
        let low = view(available: 260_000)
        #expect(states(from: .above, [(0, low), (59, low), (60, low)]) == [.above, .above, .ok])
        let swing = view(available: 199_999)
        #expect(states(from: .above, [(0, low), (30, swing), (61, low), (121, low)]).last == .ok)
        #expect(states(from: .above, [(0, low), (30, swing), (61, low), (120, low)]).last == .above)
    }

    @Test func `the floor is left for above before ok`() {
        #expect(states([(0, view(available: 1))]) == [.floor])
        let some = view(available: 30_000)
        #expect(states(from: .floor, [(0, some), (59, some), (60, some)]) == [.floor, .floor, .above])
    }

    @Test func `the floor is left only for the largest file under way`() {
        var large = view(available: 50_000)
        large.largestUnderWay = 20_000
        #expect(states(from: .floor, [(0, large), (60, large)]).last == .floor)
    }

    @Test func `where inodes are no limit, what is promised is none either`() {
        var endless = view(available: 500_000)
        (endless.inodesTotal, endless.inodesAvailable, endless.inodesReserved) = (0, 0, 3)
        #expect(states([(0, endless)]) == [.ok])
        #expect(place(size: 1, key: "f", among: [endless]).outcome == .place(on: endless.id, isOverflow: false))
    }

    @Test func `inodes alone raise, and are named as what is scarce`() {
        let few = view(available: 500_000, inodes: 140_000)
        #expect(states([(0, few)]) == [.above])
        #expect(few.scarce(VolumeLevels(of: few), .above) == .inodes)
        let none = view(available: 500_000, inodes: 19_999)
        #expect(states([(0, none)]) == [.floor])
        #expect(none.scarce(VolumeLevels(of: none), .floor) == .inodes)
        let enough = view(available: 500_000, inodes: 200_000)
        #expect(states(from: .above, [(0, enough), (60, enough)]).last == .ok)
    }
}
