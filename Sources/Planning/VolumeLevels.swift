/// Up to where a volume is chosen.
package enum VolumeWatermark: Hashable, Sendable {
    /// The fraction used: 0 < share ≤ 1.
    case used(Double)
    /// Bytes that stay available.
    case free(Int64)

    /// The fraction used that this is on a volume of `size` bytes.
    package func share(of size: Int64) -> Double {
        switch self {
        case .used(let share): share
        case .free(let bytes): size > 0 ? max(0, 1 - Double(bytes) / Double(size)) : 0
        }
    }
}

/// What the settings say of levels.
package struct LevelRules: Hashable, Sendable {
    /// Fractions of a volume.
    package var hysteresis: Double
    package var floor: Double
    /// Bytes.
    package var floorAtMost: Int64
    /// The largest file that is to be expected, in bytes; zero where nobody knows.
    package var largestFile: Int64

    package init(
        hysteresis: Double = 0.05, floor: Double = 0.02, floorAtMost: Int64 = 64 << 30, largestFile: Int64 = 0
    ) {
        self.hysteresis = hysteresis
        self.floor = floor
        self.floorAtMost = floorAtMost
        self.largestFile = largestFile
    }
}

/// The levels of free space, in bytes and in inodes, that a volume's size, watermark and the rules make.
package struct VolumeLevels: Hashable, Sendable {
    /// Below this a volume is not chosen: the watermark, with its headroom capped on large volumes.
    package let trigger: Int64
    /// From this on a raised watermark clears.
    package let clear: Int64
    /// Never crossed, not even in overflow; never above the trigger.
    package let floor: Int64
    /// The same in inodes; all zero where inodes are no limit.
    package let inodeTrigger: Int64
    package let inodeClear: Int64
    package let inodeFloor: Int64
    /// By the rules alone the floor lies below the trigger, and the trigger below the clearing level.
    package let isOrdered: Bool

    private static let mostHeadroom: Int64 = 256 << 30
    private static let fewestInodes: Int64 = 1000

    /// - Parameter largest: the largest file under way or about to be.
    package init(of view: VolumeView, rules: LevelRules = LevelRules(), largest: Int64 = 0) {
        let size = Double(view.size)
        switch view.watermark {
        case .used(let share): trigger = min(Int64(size * (1 - share)), VolumeLevels.mostHeadroom)
        case .free(let bytes): trigger = bytes
        }
        let band = min(Int64(size * rules.hysteresis), VolumeLevels.mostHeadroom / 2)
        clear = min(trigger + band, view.size)
        let fixed = max(min(Int64(size * rules.floor), rules.floorAtMost), 2 * rules.largestFile)
        floor = min(max(fixed, 2 * max(largest, view.largestUnderWay)), trigger)
        isOrdered = fixed < trigger && trigger < clear

        let inodes = Double(view.inodesTotal)
        inodeTrigger = Int64(inodes * (1 - view.watermark.share(of: view.size)))
        inodeClear = min(inodeTrigger + Int64(inodes * rules.hysteresis), view.inodesTotal)
        let fewest = min(VolumeLevels.fewestInodes, view.inodesTotal / 10)
        inodeFloor = min(max(fewest, Int64(inodes * rules.floor)), max(fewest, inodeTrigger))
    }

    /// What a file takes of its volume: whole blocks, and one for what the file system notes of it.
    package static func footprint(of size: Int64) -> Int64 { (size + 4095) / 4096 * 4096 + 4096 }
}

/// What a volume runs out of first, by how far it is past its level.
package enum VolumeResource: String, Hashable, Sendable {
    case bytes, inodes
}

extension VolumeView {
    /// Of bytes and inodes, the one that is past `level`; bytes where both are, or none.
    package func scarce(_ levels: VolumeLevels, _ state: VolumeState) -> VolumeResource {
        guard inodesTotal > 0 else { return .bytes }
        let isFloor = state == .floor
        let bytesArePast = projected < (isFloor ? levels.floor : levels.trigger)
        let inodesArePast = inodesProjected < (isFloor ? levels.inodeFloor : levels.inodeTrigger)
        return inodesArePast && !bytesArePast ? .inodes : .bytes
    }
}
