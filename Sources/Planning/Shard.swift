/// One of several parts of the recordings, for sites whose muxers share no database.
///
/// Invariant: 0 ≤ `id` < `total`. Shards of the same `total` are disjoint, and all of them together are everything.
package struct Shard: Hashable, Sendable {
    package let id: Int
    package let total: Int

    package init?(id: Int, total: Int) {
        guard 0 <= id, id < total else { return nil }
        self.id = id
        self.total = total
    }

    /// What a backup on the same machine works on: the part of the next primary, so that no machine has both.
    package var backup: Shard { Shard(unchecked: (id + 1) % total, total: total) }

    private init(unchecked id: Int, total: Int) {
        self.id = id
        self.total = total
    }

    /// Whether a recording is in this part. It depends on the recording's id alone: FNV-1a of its bytes, mixed so that
    /// ids that are alike are spread evenly, too.
    package func contains(recording id: String) -> Bool {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return hash % UInt64(total) == UInt64(self.id)
    }
}
