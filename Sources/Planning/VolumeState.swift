package import Vocabulary

/// What a volume can do at the moment. Stored by name; only `ok` is chosen without more ado.
package enum VolumeState: String, CaseIterable, Hashable, Sendable {
    /// Under its watermark. Goes to any other state.
    case ok
    /// Past its watermark: chosen only in overflow. Goes to `ok` below the clearing level, to `floor`.
    case above
    /// No pending file fits above the floor. Goes to `above`, `ok`.
    case floor
    /// Quota, or a hidden reserve: ENOSPC that contradicts the free space. Goes to `ok` when a probe succeeds.
    case limited
    /// Mounted read-only. Goes to `ok` when a probe can write.
    case readOnly = "readonly"
    /// Not mounted, or the marker is missing or another's. Goes to `ok` when the marker proves it.
    case absent
    /// Does not answer. Goes to `ok` when it does.
    case hung
    /// Failed durability or a mismatch. Goes to `ok` when a probe passes.
    case suspect
    /// `balance` is 0: the operator lets it drain. Goes to `ok` when the setting changes.
    case drain
}

/// What is known of a volume at the moment of a decision. All sizes in bytes.
package struct VolumeView: Hashable, Sendable {
    package var id: VolumeID
    package var name: VolumeName
    package var account: AccountID
    /// Lower first.
    package var priority: Int
    /// The share inside a priority; 0 drains.
    package var balance: Int
    /// The fraction used at which the volume stops being chosen: 0 < watermark ≤ 1.
    package var watermark: Double
    package var state: VolumeState
    /// Used and available to us; their sum is the size that counts (`statvfs`: reserved blocks are neither).
    package var used: Int64
    package var available: Int64
    /// Promised to copies under way on the account, but not allocated yet.
    package var reserved: Int64
    /// Zero where the file system does not count inodes.
    package var inodesTotal: Int64
    package var inodesAvailable: Int64
    /// Byte credit of the weighted round robin.
    package var credit: Double

    package init(
        id: VolumeID, name: VolumeName, account: AccountID, priority: Int, balance: Int, watermark: Double,
        state: VolumeState = .ok, used: Int64, available: Int64, reserved: Int64 = 0, inodesTotal: Int64 = 0,
        inodesAvailable: Int64 = 0, credit: Double = 0
    ) {
        self.id = id
        self.name = name
        self.account = account
        self.priority = priority
        self.balance = balance
        self.watermark = watermark
        self.state = state
        self.used = used
        self.available = available
        self.reserved = reserved
        self.inodesTotal = inodesTotal
        self.inodesAvailable = inodesAvailable
        self.credit = credit
    }

    package var size: Int64 { used + available }
    /// Percent used as `df` counts it, 0 to 100.
    package var usedPercent: Double { size > 0 ? 100 * Double(used) / Double(size) : 0 }
    /// What is left once everything promised has been allocated.
    package var projected: Int64 { available - reserved }
}

/// The levels of free space, in bytes, that a volume's size and watermark make.
package struct VolumeLevels: Hashable, Sendable {
    /// Below this a volume is not chosen: the watermark, with its headroom capped on large volumes.
    package let trigger: Int64
    /// From this on a raised watermark clears.
    package let clear: Int64
    /// Never crossed, not even in overflow.
    package let floor: Int64

    private static let mostHeadroom: Int64 = 256 << 30
    private static let mostFloor: Int64 = 64 << 30
    private static let hysteresis = 0.05
    /// Fewer inodes than this are none.
    package static let fewestInodes: Int64 = 1000

    /// - Parameter largest: the largest file under way or about to be.
    package init(of view: VolumeView, largest: Int64) {
        let size = Double(view.size)
        trigger = min(Int64(size * (1 - view.watermark)), VolumeLevels.mostHeadroom)
        let band = min(Int64(size * VolumeLevels.hysteresis), VolumeLevels.mostHeadroom / 2)
        clear = min(trigger + band, view.size)
        floor = min(max(min(Int64(size * 0.02), VolumeLevels.mostFloor), 2 * largest), trigger)
    }
}
