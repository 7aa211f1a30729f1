package import Vocabulary

/// On which account each volume's promises are kept: volumes of one file system share one.
///
/// What one process sees of a file system is never all of it: a neighbour may not answer now, or be on no list of this
/// host. So accounts are only ever joined. Two volumes that share one needlessly are only filled more carefully.
package struct SharedAccounts: Hashable, Sendable {
    package struct Volume: Hashable, Sendable {
        package let id: VolumeID
        /// Equal for volumes of one file system, on this host.
        package let device: UInt64
        /// The operator's word; nil where the file system decides.
        package let setting: AccountID?
        package init(id: VolumeID, device: UInt64, setting: AccountID?) {
            self.id = id
            self.device = device
            self.setting = setting
        }
    }

    package private(set) var accounts: [VolumeID: AccountID] = [:]
    /// Accounts whose volumes, all of them, go to another.
    package private(set) var joined: [AccountID: AccountID] = [:]

    /// - Parameter known: what the ledger has, of these volumes.
    package init(_ volumes: [Volume], known: [VolumeID: AccountID]) {
        for volume in volumes { accounts[volume.id] = volume.setting }
        let free = Dictionary(grouping: volumes.filter { $0.setting == nil }, by: \.device)
        let ordered = free.values.map { $0.map(\.id).sorted() }.sorted { $0[0] < $1[0] }
        for sharing in ordered {
            let standing = Set(sharing.compactMap { known[$0] }.map(end))
            let account = standing.min() ?? AccountID(sharing[0].rawValue)
            for id in sharing { accounts[id] = account }
            for other in standing where other != account { join(other, account) }
        }
    }

    private func end(_ account: AccountID) -> AccountID { joined[account] ?? account }

    private mutating func join(_ one: AccountID, _ other: AccountID) {
        for (from, to) in joined where to == one { joined[from] = other }
        joined[one] = other
        for (id, account) in accounts where account == one { accounts[id] = other }
    }
}
