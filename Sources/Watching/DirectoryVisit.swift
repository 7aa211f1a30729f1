internal import CLinux
internal import Files
internal import Glibc
internal import Vocabulary

/// What is wanted of one look at one directory.
struct DirectoryVisit: Sendable {
    enum Listing: Sendable {
        case always
        /// Only where the directory shows another stamp than this.
        case unless(DirectoryObservation)
    }
    /// Relative to the mount's root; empty for the root itself.
    var directory: FilePath
    var listing: Listing
    var wantsWatch: Bool
    /// Names that need not be reported again; nil when none is remembered.
    var seen: SeenNames?
    /// Whether to give back the names as ``SeenNames``, where names are wanted.
    var remembersNames: Bool
    /// Names are wanted only of directories that changed after this; nil: of all. A scan tells its end, which wakes
    /// whatever waits for a file, so names of what has stood for long would be gathered for nobody.
    var changedAfter: Instant?
}

/// What the look showed.
struct DirectoryReport: Sendable {
    enum Outcome: Sendable {
        /// Not there any more, or something else than a directory now.
        case gone
        /// Beyond this mount; another's business.
        case elsewhere
        case unreadable(FileError)
        /// The stamp is the one that was given, so the names are the same.
        case unchanged(DirectoryObservation)
        case listed(DirectoryContent)
    }
    var directory: FilePath
    var outcome: Outcome
    /// Nil where none was wanted, or it never came to that.
    var watch: WatchAnswer?
    /// How long the calls took: what the directory costs the server.
    var took: Duration
}

struct DirectoryContent: Sendable {
    /// Taken before the listing, so that a change meanwhile shows at the next look.
    var stamp: DirectoryObservation
    var directories: [[UInt8]]
    /// Files that were not in ``DirectoryVisit/seen``, where they were asked for.
    var newFiles: PackedNames
    /// All file names, when they are to be remembered.
    var names: SeenNames?
}

/// The mount's root is not the directory that was proven: it was unmounted, or something else is mounted there now.
package struct MountChanged: Error {}

/// Looks at directories, one after the other, until `budget` is used up; at least at one. Each is opened beneath the
/// proven root without following any link, watched before it is listed, and closed again: no handle stays behind that
/// could hold an unmount. May hang as long as the mount does.
///
/// - Throws: ``MountChanged``; ``FileError`` where the root itself cannot be opened; what `pulse` throws.
func visitDirectories(
    _ visits: [DirectoryVisit], of mount: FilePath, root expected: MountRoot, events: (any DirectoryEvents)?,
    calls: any FileCalls, budget: Duration, pulse: Pulse
) throws -> [DirectoryReport] {
    let root = try calls.openRoot(mount)
    var facts = statx()
    guard askKernel(root.descriptor, &facts) == 0, mountRoot(root.descriptor, facts) == expected else {
        throw MountChanged()
    }
    let start = ContinuousClock.now
    var reports: [DirectoryReport] = []
    for visit in visits {
        let began = ContinuousClock.now
        if !reports.isEmpty && began - start > budget { break }
        try pulse.beat()
        var report = try look(at: visit, beneath: root.descriptor, events: events, calls: calls, pulse: pulse)
        report.took = ContinuousClock.now - began
        reports.append(report)
    }
    return reports
}

private func look(
    at visit: DirectoryVisit, beneath root: CInt, events: (any DirectoryEvents)?, calls: any FileCalls, pulse: Pulse
) throws -> DirectoryReport {
    var report = DirectoryReport(directory: visit.directory, outcome: .gone, watch: nil, took: .zero)
    do {
        let directory = try calls.openDirectory(visit.directory, beneath: root)
        if visit.wantsWatch { report.watch = events?.watch(directory: directory.descriptor) }
        let descriptor = directory.descriptor
        let stamp = DirectoryObservation(
            try uninterrupted { () throws(FileError) in try calls.observe(descriptor) })
        if case .unless(let known) = visit.listing, known == stamp {
            report.outcome = .unchanged(stamp)
        } else {
            report.outcome = .listed(try list(descriptor, stamp: stamp, for: visit, calls: calls, pulse: pulse))
        }
    } catch let error as FileError {
        switch error.code {
        case .notFound, .notDirectory: report.outcome = .gone
        case .escapes, .crossesDevice: report.outcome = .elsewhere
        // The mount is going; what else it says is worth nothing.
        case .stale where visit.directory.isEmpty: throw error
        case .exists, .noSpace, .quota, .readOnly, .tooLarge, .inputOutput, .stale, .notPermitted, .unsupported,
            .nameTooLong, .busy, .timeout, .interrupted, .exhausted, .other:
            report.outcome = .unreadable(error)
        }
    }
    return report
}

private func list(
    _ descriptor: CInt, stamp: DirectoryObservation, for visit: DirectoryVisit, calls: any FileCalls, pulse: Pulse
) throws -> DirectoryContent {
    var content = DirectoryContent(stamp: stamp, directories: [], newFiles: PackedNames(), names: nil)
    var names = SeenNames()
    var count = 0
    let wantsNames = visit.changedAfter.map { stamp.changed.instant > $0 } ?? true
    try DirectoryListing.forEachRaw(in: descriptor, with: calls) { entry in
        count += 1
        if count.isMultiple(of: 512) { try pulse.beat() }
        switch try kind(of: entry, in: descriptor, calls: calls) {
        case .directory:
            if !isSnapshotFolder(entry.name) { content.directories.append(Array(entry.name)) }
        case .regular:
            if !wantsNames { break }
            if visit.remembersNames { names.insert(entry.name) }
            if visit.seen?.contains(entry.name) != true { content.newFiles.append(entry.name) }
        // A link is never followed: what it leads to is found where it is, or is not of this mount.
        case .symbolicLink, .other, .unknown: break
        }
        return true
    }
    if visit.remembersNames && wantsNames { content.names = names }
    return content
}

/// Some file systems do not say in a listing what an entry is.
private func kind(of entry: RawDirectoryEntry, in directory: CInt, calls: any FileCalls) throws -> EntryKind {
    guard entry.kind == .unknown else { return entry.kind }
    do {
        return try uninterrupted { () throws(FileError) in
            try calls.observe(FilePath(bytes: Array(entry.name)), in: directory)
        }.kind
    } catch {
        if error.code == .notFound { return .other }
        throw error
    }
}

/// Where storage servers show what the tree was at other times, whole and again and again. No recorder writes there.
func isSnapshotFolder(_ name: some Collection<UInt8>) -> Bool {
    guard name.first == UInt8(ascii: ".") || name.first == UInt8(ascii: "~") else { return false }
    return snapshotFolders.contains { $0.elementsEqual(name) }
}

private let snapshotFolders = [".snapshot", ".snapshots", "~snapshot", ".zfs"].map { Array($0.utf8) }

/// Asks the server, past an NFS client's attribute cache (statx(2)). Returns 0, or -1 with `errno`.
func askKernel(_ descriptor: CInt, _ facts: inout statx) -> CInt {
    takeup_statx(
        descriptor, "", takeup_AT_EMPTY_PATH | takeup_AT_STATX_FORCE_SYNC,
        UInt32(STATX_BASIC_STATS) | UInt32(STATX_MNT_ID), &facts)
}

/// The number that /proc/self/mountinfo has for the mount; zero where the kernel does not tell.
func tableID(_ facts: statx) -> UInt64 {
    facts.stx_mask & UInt32(STATX_MNT_ID) != 0 ? facts.stx_mnt_id : 0
}

/// The root that a descriptor stands for, given its facts. The kernel's numbers of mounts come again after an unmount;
/// since 6.8 it has others that do not.
func mountRoot(_ descriptor: CInt, _ facts: statx) -> MountRoot {
    var unique = statx()
    let known =
        takeup_statx(
            descriptor, "", takeup_AT_EMPTY_PATH | takeup_AT_STATX_DONT_SYNC, takeup_STATX_MNT_ID_UNIQUE, &unique)
        == 0 && unique.stx_mask & takeup_STATX_MNT_ID_UNIQUE != 0
    return MountRoot(
        mountID: known ? unique.stx_mnt_id : tableID(facts), deviceMajor: facts.stx_dev_major,
        deviceMinor: facts.stx_dev_minor, inode: facts.stx_ino)
}

/// Throws ``MountChanged`` where the root that a descriptor stands for is not the one that was proven. Asks no server.
package func confirm(_ descriptor: CInt, isRootOf expected: MountRoot) throws {
    var facts = statx()
    let failed = takeup_statx(
        descriptor, "", takeup_AT_EMPTY_PATH | takeup_AT_STATX_DONT_SYNC,
        UInt32(STATX_BASIC_STATS) | UInt32(STATX_MNT_ID), &facts)
    guard failed == 0, mountRoot(descriptor, facts) == expected else { throw MountChanged() }
}
