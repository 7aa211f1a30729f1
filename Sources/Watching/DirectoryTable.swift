internal import Files
internal import Vocabulary

/// What is known of one directory of a mount. Times are monotonic.
struct KnownDirectory: Sendable {
    enum Standing: Hashable, Sendable {
        case readable
        /// Cannot be opened or listed.
        case unreadable
        /// Another mount lies on it, which is not ours to look at.
        case elsewhere
    }
    fileprivate(set) var standing = Standing.readable
    fileprivate(set) var watch: WatchNumber?
    /// What the directory showed when it was last listed; nil where it must be listed whatever it shows.
    var stamp: DirectoryObservation?
    /// When that stamp was first seen.
    var stampSince: Duration = .zero
    /// When the last listing began.
    var listed: Duration = .zero
    /// When it was last seen to change.
    var changed: Duration?
    /// Not polled before this.
    var restsUntil: Duration = .zero
    /// Only of hot directories.
    fileprivate(set) var names: SeenNames?
    /// Those of the names that an event announced and none has told as complete so far.
    fileprivate var unready = SeenNames()
    fileprivate(set) var children: Set<[UInt8]> = []
    var holdsDays = false
}

/// The directories of a mount by path, and their watches. Memory grows with directories, not with files.
///
/// Invariant: a watch belongs to at most one directory, and `path(of:)` and ``KnownDirectory/watch`` agree.
struct DirectoryTable: Sendable {
    private var directories: [FilePath: KnownDirectory] = [:]
    private var paths: [WatchNumber: FilePath] = [:]
    /// Directories that should have a watch and could get none.
    private(set) var unwatched: Set<FilePath> = []
    private(set) var unreadableCount = 0
    /// Names that are remembered, over all directories.
    private(set) var nameCount = 0

    var count: Int { directories.count }
    var watchCount: Int { paths.count }
    var allPaths: [FilePath] { Array(directories.keys) }

    subscript(path: FilePath) -> KnownDirectory? { directories[path] }
    func path(of watch: WatchNumber) -> FilePath? { paths[watch] }

    /// Whether it was not known. Its parent, where known, counts it among its children from now on.
    @discardableResult
    mutating func insert(_ path: FilePath) -> Bool {
        guard directories[path] == nil else { return false }
        directories[path] = KnownDirectory()
        if !path.isEmpty { directories[path.parent]?.children.insert(path.lastComponent) }
        return true
    }

    /// Changes what is known of a directory; nothing where it is not known (any more).
    mutating func update(_ path: FilePath, _ change: (inout KnownDirectory) -> Void) {
        guard directories[path] != nil else { return }
        change(&directories[path, default: KnownDirectory()])
    }

    mutating func set(_ standing: KnownDirectory.Standing, of path: FilePath) {
        guard let before = directories[path]?.standing, before != standing else { return }
        if before == .unreadable { unreadableCount -= 1 }
        if standing == .unreadable { unreadableCount += 1 }
        directories[path]?.standing = standing
    }

    /// Remembers these names of a directory, and no others.
    mutating func remember(_ names: SeenNames?, of path: FilePath) {
        guard let before = directories[path] else { return }
        nameCount += (names?.count ?? 0) - (before.names?.count ?? 0)
        directories[path]?.names = names
        if names == nil { directories[path]?.unready = SeenNames() }
    }

    /// Whether the name is new to a directory whose names are remembered; nil where they are not.
    mutating func remember(name: [UInt8], in path: FilePath, isReady: Bool) -> Bool? {
        guard let isNew = directories[path]?.names?.insert(name) else { return nil }
        if isNew { nameCount += 1 }
        if isReady { directories[path]?.unready.remove(name) } else { directories[path]?.unready.insert(name) }
        return isNew
    }

    /// Forgets names that were announced and not told: the events that tell them may be lost.
    mutating func forgetUnready(in path: FilePath) {
        guard let directory = directories[path], directory.names != nil, directory.unready.count > 0 else { return }
        let before = directory.names?.count ?? 0
        directories[path]?.names?.subtract(directory.unready)
        directories[path]?.unready = SeenNames()
        nameCount += (directories[path]?.names?.count ?? 0) - before
    }

    /// Forgets a directory and all below it. Returns their watches, which have no directory from now on.
    mutating func remove(_ path: FilePath) -> [WatchNumber] {
        guard directories[path] != nil else { return [] }
        if !path.isEmpty { directories[path.parent]?.children.remove(path.lastComponent) }
        var watches: [WatchNumber] = []
        var rest = [path]
        while let next = rest.popLast() {
            guard let directory = directories.removeValue(forKey: next) else { continue }
            unwatched.remove(next)
            if directory.standing == .unreadable { unreadableCount -= 1 }
            nameCount -= directory.names?.count ?? 0
            if let watch = directory.watch {
                paths[watch] = nil
                watches.append(watch)
            }
            rest += directory.children.map { next.appending($0) }
        }
        return watches
    }

    /// The directory now has this watch. Returns the watch that it had and that is of nothing now: then another
    /// directory stands where the old one stood. A directory that moved here brings its watch along.
    mutating func bind(_ watch: WatchNumber, to path: FilePath) -> WatchNumber? {
        guard let old = directories[path]?.watch, old != watch else {
            take(watch, for: path)
            return nil
        }
        paths[old] = nil
        take(watch, for: path)
        return old
    }

    private mutating func take(_ watch: WatchNumber, for path: FilePath) {
        if let before = paths[watch], before != path { directories[before]?.watch = nil }
        paths[watch] = path
        directories[path]?.watch = watch
        unwatched.remove(path)
    }

    /// The watch has ended. Returns the directory that had it.
    mutating func unbind(_ watch: WatchNumber) -> FilePath? {
        guard let path = paths.removeValue(forKey: watch) else { return nil }
        directories[path]?.watch = nil
        return path
    }

    /// The directory should have a watch and could get none.
    mutating func noteUnwatched(_ path: FilePath) {
        if directories[path] != nil { unwatched.insert(path) }
    }
}
