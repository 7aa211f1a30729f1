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
            watermark: watermark, state: state, used: used, available: available, reserved: reserved,
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

    @Test func `a volume that is away keeps its credit and is not flooded when it is back`() {
        let away = volume("a", state: .absent, credit: 3)
        let made = place(size: 100, key: "f", among: [away, volume("b")], largest: 100)
        #expect(made.outcome == .place(on: VolumeID("b"), isOverflow: false))
        #expect(made.credits[VolumeID("a")] == nil)
        #expect(made.refusals[VolumeID("a")] == .state(.absent))
    }

    @Test func `the watermark counts the file and what is promised`() {
        let size: Int64 = 1_000_000
        let room = volume("a", watermark: 0.5, used: 400_000, available: 600_000)
        #expect(room.size == size)
        func outcome(_ bytes: Int64, reserved: Int64) -> Placement.Outcome {
            var view = room
            view.reserved = reserved
            return place(size: bytes, key: "f", among: [view], largest: bytes).outcome
        }
        #expect(outcome(100_000, reserved: 0) == .place(on: VolumeID("a"), isOverflow: false))
        #expect(outcome(100_001, reserved: 0) == .place(on: VolumeID("a"), isOverflow: true))
        #expect(outcome(100_000, reserved: 1) == .place(on: VolumeID("a"), isOverflow: true))
    }

    @Test func `past every watermark the roomiest takes it, and at every floor it waits`() {
        let full = volume("a", used: 990, available: 10)
        let fuller = volume("b", used: 900, available: 100)
        let made = place(size: 1, key: "f", among: [full, fuller], largest: 1)
        #expect(made.outcome == .place(on: VolumeID("b"), isOverflow: true))
        let none = place(size: 90, key: "f", among: [full, fuller], largest: 90)
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

    @Test func `balance 0 drains`() {
        let made = place(size: 1, key: "f", among: [volume("a", balance: 0)], largest: 1)
        #expect(made.refusals == [VolumeID("a"): .state(.drain)])
    }
}

@Suite struct WatermarkTests {
    private func view(available: Int64) -> VolumeView {
        VolumeView(
            id: VolumeID("a"), name: VolumeName("a"), account: AccountID("a"), priority: 1, balance: 1, watermark: 0.85,
            used: 1000 - available, available: available)
    }

    @Test func `use that swings around the watermark raises once and does not clear`() {
        var state = VolumeState.ok
        var raised = 0
        for minute in 0..<1440 {
            let next = watermarkState(
                of: view(available: minute.isMultiple(of: 2) ? 130 : 170), from: state, largestPending: 1,
                stableFor: .seconds(60))
            if next != state { raised += 1 }
            state = next
        }
        #expect(state == .above)
        #expect(raised == 1)
    }

    @Test func `it clears only past the clearing level, and only when that has lasted`() {
        let low = view(available: 260)
        #expect(watermarkState(of: low, from: .above, largestPending: 1, stableFor: .seconds(59)) == .above)
        #expect(watermarkState(of: low, from: .above, largestPending: 1, stableFor: .seconds(60)) == .ok)
    }

    @Test func `the floor is left for above before ok`() {
        #expect(watermarkState(of: view(available: 1), from: .ok, largestPending: 1, stableFor: .zero) == .floor)
        #expect(watermarkState(of: view(available: 30), from: .floor, largestPending: 1, stableFor: .zero) == .floor)
        #expect(
            watermarkState(of: view(available: 30), from: .floor, largestPending: 1, stableFor: .seconds(60)) == .above)
    }
}
