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
    package var watermark: VolumeWatermark
    package var state: VolumeState
    /// Used and available to us; their sum is the size that counts (`statvfs`: reserved blocks are neither).
    package var used: Int64
    package var available: Int64
    /// Promised to copies under way on the account, but not allocated yet.
    package var reserved: Int64
    /// Zero where the file system does not count inodes.
    package var inodesTotal: Int64
    package var inodesAvailable: Int64
    /// Promised to copies under way whose files are not there yet.
    package var inodesReserved: Int64
    /// Byte credit of the weighted round robin.
    package var credit: Double
    /// The largest file under way on the account, and the largest that it ever took.
    package var largestUnderWay: Int64
    package var largestEver: Int64
    /// Space can't be reserved on it: what others write is met only while writing.
    package var cannotReserve: Bool
    /// It ran out of space in the middle of a copy a moment ago, and rests.
    package var rests: Bool
    /// What the file system may take for itself at any moment, and shows as available until then.
    package var keptBack: Int64 = 0

    package init(
        id: VolumeID, name: VolumeName, account: AccountID, priority: Int, balance: Int, watermark: VolumeWatermark,
        state: VolumeState = .ok, used: Int64, available: Int64, reserved: Int64 = 0, inodesTotal: Int64 = 0,
        inodesAvailable: Int64 = 0, inodesReserved: Int64 = 0, credit: Double = 0, largestUnderWay: Int64 = 0,
        largestEver: Int64 = 0, cannotReserve: Bool = false, rests: Bool = false
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
        self.inodesReserved = inodesReserved
        self.credit = credit
        self.largestUnderWay = largestUnderWay
        self.largestEver = largestEver
        self.cannotReserve = cannotReserve
        self.rests = rests
    }

    package var size: Int64 { used + available }
    /// Percent used as `df` counts it, 0 to 100.
    package var usedPercent: Double { size > 0 ? 100 * Double(used) / Double(size) : 0 }
    /// What is left once everything promised has been allocated.
    package var projected: Int64 {
        available - reserved - keptBack - (cannotReserve ? 2 * largestUnderWay : 0)
    }
    /// More than any level where inodes are no limit.
    package var inodesProjected: Int64 { inodesTotal > 0 ? inodesAvailable - inodesReserved : .max }
    /// Percent used, 0 to 100; nil where inodes are no limit.
    package var inodesUsedPercent: Double? {
        inodesTotal > 0 ? 100 * Double(inodesTotal - inodesAvailable) / Double(inodesTotal) : nil
    }
}
