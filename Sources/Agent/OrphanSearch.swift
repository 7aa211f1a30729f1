internal import Catalogs
internal import Delivery
internal import Files
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Vocabulary
internal import Watching

/// Goes through a mount's directories and asks which of their files no row names: those of today and yesterday often, all
/// others in rounds of hours, for no more than a small share of the time.
///
/// One indexed window query serves a whole directory, whatever is in it; memory grows with what has no row.
actor OrphanSearch {
    private let source: SourceLink
    private let mount: MountGuard
    private let threads: FileThreads
    private let watching: WatchingSettings
    private let now: @Sendable () -> Instant
    private let started = ContinuousClock.now
    private var book = OrphanBook()
    private var walk: OrphanWalk
    private var walkPace: SharePace
    private var recheckPace: SharePace
    /// What stands before a path below the mount to make it the recorder's own.
    private let recorderPrefix: [UInt8]
    /// When what is known was told last.
    private var told: Duration?

    /// Between two times that what is known is told, where nothing was asked: some of it ripens.
    private static let tellPeriod = Duration.seconds(60)
    /// Known ones that are asked for again in a turn.
    private static let recheck = 500
    /// A file whose own times are older than the grace time and this was there before, wherever its clock stands.
    private static let surely = Duration.seconds(26 * 3600)

    /// - Parameter share: of the time that is left for it, one part in so many.
    init(
        source: SourceLink, mount: MountGuard, threads: FileThreads, watching: WatchingSettings,
        share: Int = 2000, now: @escaping @Sendable () -> Instant
    ) {
        self.source = source
        self.mount = mount
        self.threads = threads
        self.watching = watching
        self.now = now
        let round = min(max(watching.graceOrphan * 2, .seconds(5)), .seconds(6 * 3600))
        walk = OrphanWalk(
            hotPeriod: min(max(watching.graceOrphan / 4, .seconds(1)), .seconds(900)), roundPeriod: round)
        walkPace = SharePace(oneIn: share, longest: round / 36)
        recheckPace = SharePace(oneIn: share, longest: round / 36)
        let prefix = FilePath(mount.mount.rawValue).relative(to: source.settings.mountPath) ?? FilePath("")
        recorderPrefix = Array("/".utf8) + (prefix.isEmpty ? [] : prefix.bytes + Array("/".utf8))
    }

    struct Finding: Sendable {
        /// Each with how long it has been known.
        var orphans: [FilePath: (age: Duration, sight: OrphanBook.Sight)]
        /// There are as many as are remembered, and maybe more.
        var isFull: Bool
        /// Whether all of the mount was looked through, and nothing waits to become one: an orphan that an earlier process
        /// told of would be known.
        var isSure: Bool
    }

    /// What an earlier process had found: each is asked for again like what this one finds.
    func remember(_ files: [OrphanFile]) {
        for file in files where !isPassingName(file.path.lastComponent) && !mayBeIndexFile(file.path) {
            book.remember(
                file.path, OrphanBook.Sight(size: file.size, modified: file.modified), since: elapsed - file.age)
        }
    }

    /// - Parameter period: to the next turn.
    /// - Returns: nil where the mount is not proven, or where nothing was asked and what is known was told a moment ago.
    func turn(period: Duration) async throws -> Finding? {
        guard let proven = await mount.proven() else { return nil }
        let began = elapsed
        var isNew = told.map { began - $0 >= OrphanSearch.tellPeriod } ?? true
        recheckPace.begin(at: began, after: period)
        if !book.isEmpty && recheckPace.isDue(at: began) {
            isNew = true
            try await recheck(on: proven.root)
            recheckPace.took(elapsed - began)
        }
        walkPace.begin(at: began, after: period)
        while walkPace.isDue(at: began) {
            let days = HotDays(at: now(), utcOffset: RecorderClock.utcOffset(at:))
            let start = elapsed
            guard let stop = walk.next(at: start, days: days) else { break }
            do {
                try await visit(stop, days, on: proven.root)
            } catch is FileError {
                guard await mount.prove() == proven else {
                    walk.putBack(stop, at: elapsed)
                    return nil
                }
                walk.failed(stop)
            } catch {
                walk.putBack(stop, at: elapsed)
                throw error
            }
            walkPace.took(elapsed - start)
            isNew = true
        }
        guard isNew else { return nil }
        // What was not there, and what nobody named, is worth something only if the mount was there all the while.
        guard await mount.prove() == proven else { return nil }
        told = elapsed
        return Finding(
            orphans: book.orphans(after: watching.graceOrphan, at: elapsed), isFull: book.isFull,
            isSure: book.isEmpty && walk.rounds > 0)
    }

    private var elapsed: Duration { ContinuousClock.now - started }

    private func visit(_ stop: OrphanWalk.Stop, _ days: HotDays, on place: MountRoot) async throws {
        let root = FilePath(mount.mount.rawValue)
        let listing: DirectoryPart
        do {
            listing = try await threads.run(timeout: watching.unresponsiveAfter) { pulse in
                try DirectoryPart(stop, below: root, provenAs: place, pulse)
            }
        } catch let error as FileError where OrphanSearch.passesOver(error) {
            walk.left(stop)
            book.forget(in: stop.directory) { _ in false }
            return
        }
        let paths = listing.names.filter { !isPassingName($0) }.map { stop.directory.appending($0) }
            .filter { !mayBeIndexFile($0) }
        let parts = listing.parts
        let listed = Set(paths)
        book.forget(in: stop.directory) { path in
            listed.contains(path) || DirectoryPart.part(of: path.lastComponent, parts) != stop.part
        }
        try await ask(paths, on: place)
        walk.visited(
            stop, subdirectories: listing.subdirectories, names: listing.total, at: elapsed, days: days)
    }

    /// Gone, another mount, or not ours to read: the rest of the tree is walked all the same.
    private static func passesOver(_ error: FileError) -> Bool {
        switch error.code {
        case .notFound, .notDirectory, .escapes, .notPermitted, .crossesDevice, .nameTooLong: true
        case .exists, .noSpace, .quota, .readOnly, .tooLarge, .inputOutput, .stale, .unsupported, .busy, .timeout,
            .interrupted, .exhausted, .other:
            false
        }
    }

    /// Those that were without a row are asked for again, a few in each turn: what got one, or went, is over.
    private func recheck(on place: MountRoot) async throws {
        let paths = book.next(OrphanSearch.recheck)
        if paths.isEmpty { return }
        try await ask(paths, on: place)
    }

    /// Asks for them by the day that their folder has for a name, and for what is left by the files' own times: either alone
    /// can be wrong.
    private func ask(_ paths: [FilePath], on place: MountRoot) async throws {
        var left = Set(paths)
        let folders = Dictionary(grouping: paths, by: \.parent)
        for (window, group) in Dictionary(grouping: folders.keys, by: { rowWindow(of: $0) }) {
            guard let window else { continue }
            left.subtract(try await named(group.flatMap { folders[$0] ?? [] }, in: window))
        }
        if left.isEmpty { return book.note(paths, unnamed: [:], grace: watching.graceOrphan, at: elapsed) }
        let seen = try await observe(Array(left), on: place)
        left.formIntersection(seen.keys)
        let standing = Array(left)
        let times = standing.map { wall(seen[$0]?.modified.instant ?? now()) }
        for (window, places) in rowWindows(around: times) {
            left.subtract(try await named(places.map { standing[$0] }, in: window))
        }
        let old = now() + (.zero - watching.graceOrphan - OrphanSearch.surely)
        var unnamed: [FilePath: OrphanBook.Sight] = [:]
        for path in left {
            guard let found = seen[path] else { continue }
            unnamed[path] = OrphanBook.Sight(
                size: found.size, modified: found.modified.instant,
                isOld: found.modified.instant < old && found.changed.instant < old)
        }
        book.note(paths, unnamed: unnamed, grace: watching.graceOrphan, at: elapsed)
    }

    private func named(_ paths: [FilePath], in window: Range<WallTime>) async throws -> Set<FilePath> {
        let catalog = try await source.catalog()
        let byRecorder = Dictionary(paths.map { (recorderPath(of: $0), $0) }) { one, _ in one }
        let wanted = Array(byRecorder.keys)
        let named = try await source.database.perform { session in
            let now = try catalog.localNow(on: session)
            return try catalog.namedPaths(
                of: wanted, in: window, horizon: WallTime(microseconds: now.microseconds + 86_400_000_000),
                on: session)
        }
        return Set(named.compactMap { byRecorder[$0] })
    }

    /// Those of them that are there, and regular files.
    private func observe(_ paths: [FilePath], on place: MountRoot) async throws -> [FilePath: FileObservation] {
        if paths.isEmpty { return [:] }
        let root = FilePath(mount.mount.rawValue)
        return try await threads.run(timeout: watching.unresponsiveAfter) { pulse in
            let calls = KernelFiles()
            let base = try calls.openRoot(root)
            try confirm(base.descriptor, isRootOf: place)
            var seen: [FilePath: FileObservation] = [:]
            for (directory, files) in Dictionary(grouping: paths, by: \.parent) {
                guard let opened = try? calls.openDirectory(directory, beneath: base.descriptor) else { continue }
                for file in files {
                    try pulse.beat()
                    let name = FilePath(bytes: file.lastComponent)
                    if let found = try? calls.observe(name, in: opened.descriptor), found.isRegular {
                        seen[file] = found
                    }
                }
            }
            return seen
        }
    }

    private func wall(_ instant: Instant) -> WallTime {
        WallTime(microseconds: instant.microseconds + Int64(RecorderClock.utcOffset(at: instant)) * 1_000_000)
    }

    /// The recorder's own absolute path of a file below this mount.
    private func recorderPath(of path: FilePath) -> FilePath { FilePath(bytes: recorderPrefix + path.bytes) }

    /// No row names an index file: it is no orphan.
    private func mayBeIndexFile(_ path: FilePath) -> Bool {
        let patterns = source.settings.indexFiles
        if patterns.isEmpty { return false }
        let whole = recorderPath(of: path)
        return patterns.contains { $0.mayName(whole) }
    }
}

/// What one stop of the walk shows.
private struct DirectoryPart: Sendable {
    var names: [[UInt8]] = []
    var subdirectories: [FilePath] = []
    /// Files in all parts.
    var total = 0
    var parts: Int

    static func part(of name: [UInt8], _ parts: Int) -> Int {
        // Stable from listing to listing, whatever else comes and goes.
        Int(name.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 } % UInt64(parts))
    }

    init(_ stop: OrphanWalk.Stop, below root: FilePath, provenAs place: MountRoot, _ pulse: Pulse) throws {
        parts = stop.parts
        let calls = KernelFiles()
        let base = try calls.openRoot(root)
        try confirm(base.descriptor, isRootOf: place)
        try list(stop, below: base.descriptor, calls, pulse)
        if parts == 1, total > OrphanWalk.partNames {
            // More than is to be held at once: only the first part of it, in a second listing.
            parts = total / OrphanWalk.partNames + 1
            try list(stop, below: base.descriptor, calls, pulse)
        }
    }

    private mutating func list(
        _ stop: OrphanWalk.Stop, below base: CInt, _ calls: KernelFiles, _ pulse: Pulse
    ) throws {
        (names, subdirectories, total) = ([], [], 0)
        let directory = try calls.openDirectory(stop.directory, beneath: base)
        try DirectoryListing.forEach(in: directory.descriptor) { entry in
            try pulse.beat()
            switch entry.kind {
            case .directory: subdirectories.append(stop.directory.appending(entry.name))
            case .regular, .unknown:
                total += 1
                if names.count <= OrphanWalk.partNames, DirectoryPart.part(of: entry.name, parts) == stop.part {
                    names.append(entry.name)
                }
            case .symbolicLink, .other: break
            }
            return true
        }
    }
}
