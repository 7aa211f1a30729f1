/// How changes of a mount are noticed. Scans go on in each; they are the authority, at differing intervals.
package enum WatchMode: String, Hashable, Sendable, CaseIterable {
    /// Kernel events; polling is a rare check of them.
    case event
    /// Kernel events, and polling of the hot directories every period.
    case mixed
    /// Polling only.
    case polling
}

/// Whether the kernel hears of what is written to a file system.
package enum WriterVisibility: Hashable, Sendable {
    /// Only this kernel writes it.
    case local
    /// Other machines or processes write it behind this kernel, which raises no event then (inotify(7)).
    case remote
    /// Nothing is known of it.
    case unknown
}

/// By the type that /proc/self/mountinfo names (proc_pid_mountinfo(5)).
package func writerVisibility(ofFileSystem type: String) -> WriterVisibility {
    if type == "fuse" || type.hasPrefix("fuse.") { return .remote }
    if remoteTypes.contains(type) { return .remote }
    if localTypes.contains(type) { return .local }
    return .unknown
}

private let localTypes: Set<String> = [
    "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk", "jfs", "ntfs3", "ramfs", "reiserfs",
    "tmpfs", "vfat", "xfs", "zfs",
]

private let remoteTypes: Set<String> = [
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
    "nfs4", "ocfs2", "orangefs", "panfs", "smb3", "smbfs", "vboxsf", "virtiofs", "wekafs",
]

/// What scans found, and whether an event had announced it: the measure of how blind the events are.
package struct BlindCount: Hashable, Sendable {
    /// New names that scans found and that an event had announced, or announced soon after.
    package private(set) var announced: Int
    /// New names that scans found and that no event announced.
    package private(set) var unannounced: Int

    package init(announced: Int = 0, unannounced: Int = 0) {
        self.announced = announced
        self.unannounced = unannounced
    }

    package var total: Int { announced + unannounced }

    /// Beyond this many the older ones fade by half: who wrote 1,000 files without an event is taken for a
    /// local writer again after some thousand that events announced.
    package static let window = 1024

    /// Counts on; older counts fade, so that a mount whose writers change is judged by what it does now.
    package mutating func note(announced more: Int, unannounced blind: Int) {
        announced += more
        unannounced += blind
        if total > BlindCount.window {
            announced /= 2
            unannounced /= 2
        }
    }

    /// Whether at least one in `parts` was unannounced.
    func isBlind(oneIn parts: Int) -> Bool { unannounced > 0 && unannounced * parts >= total }
}

package enum WatchModeReason: Hashable, Sendable {
    case setting
    case localWriters
    case remoteWriters
    case unknownFileSystem
    /// So many of the new names came without an event.
    case blind(unannounced: Int, total: Int)
    /// Events announced all that scans found.
    case eventsSuffice(total: Int)
    /// The kernel gives no inotify instance (`EMFILE`: fs.inotify.max_user_instances).
    case noInstance
}

package struct WatchModeDecision: Hashable, Sendable {
    package let mode: WatchMode
    package let reason: WatchModeReason
    package init(mode: WatchMode, reason: WatchModeReason) {
        self.mode = mode
        self.reason = reason
    }
}

extension WatchModeDecision {
    /// Why, for people: a clause without full stop.
    package func why(fileSystem type: String) -> String {
        switch reason {
        case .setting: "the settings say so"
        case .localWriters: "only this machine writes to \(type)"
        case .remoteWriters: "what others write to \(type) raises no event here"
        case .unknownFileSystem: "nothing is known of who writes to \(type)"
        case .blind(let unannounced, let total): "\(unannounced) of \(total) new files came without an event"
        case .eventsSuffice(let total): "events announced the last \(total) new files"
        case .noInstance: "the kernel gives no inotify instance (fs.inotify.max_user_instances)"
        }
    }

    /// Whether the file system's type alone says why.
    package var isByType: Bool {
        switch reason {
        case .localWriters, .remoteWriters, .unknownFileSystem: true
        case .setting, .blind, .eventsSuffice, .noInstance: false
        }
    }
}

/// Chooses how a mount is watched. What scans find outweighs what the type promises.
///
/// - Parameter setting: what the operator wants; wins over all but a kernel that refuses.
package func chooseWatchMode(
    setting: WatchMode?, fileSystem type: String, blind: BlindCount, hasInstance: Bool
) -> WatchModeDecision {
    guard hasInstance else { return WatchModeDecision(mode: .polling, reason: .noInstance) }
    if let setting { return WatchModeDecision(mode: setting, reason: .setting) }
    let blindReason = WatchModeReason.blind(unannounced: blind.unannounced, total: blind.total)
    switch writerVisibility(ofFileSystem: type) {
    case .remote:
        return WatchModeDecision(mode: .polling, reason: .remoteWriters)
    case .local:
        // A handful, because a rename in the middle of a scan can look unannounced once.
        if blind.unannounced >= 4 && blind.isBlind(oneIn: 50) {
            return WatchModeDecision(mode: .mixed, reason: blindReason)
        }
        return WatchModeDecision(mode: .event, reason: .localWriters)
    case .unknown:
        if blind.unannounced >= 4 && blind.isBlind(oneIn: 50) {
            return WatchModeDecision(mode: .mixed, reason: blindReason)
        }
        if blind.total >= BlindCount.window / 2 {
            return WatchModeDecision(mode: .event, reason: .eventsSuffice(total: blind.total))
        }
        return WatchModeDecision(mode: .mixed, reason: .unknownFileSystem)
    }
}
