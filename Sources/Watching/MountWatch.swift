internal import Files
internal import Planning
internal import Vocabulary

/// Files that were found: single ones, or a listing's, which stays packed until it is told.
struct FoundFiles: Sendable {
    private var single: [FilePath] = []
    private var directory = FilePath(bytes: [])
    private var names = PackedNames()

    init(_ single: [FilePath] = []) { self.single = single }
    init(_ names: PackedNames, in directory: FilePath) {
        self.names = names
        self.directory = directory
    }

    var count: Int { single.count + names.count }
    subscript(index: Int) -> FilePath {
        index < single.count ? single[index] : directory.appending(names[index - single.count])
    }
    mutating func append(_ path: FilePath) { single.append(path) }
}

/// All that is known of a mount from one proof to its loss, and what follows from events and looks. It asks the kernel
/// for nothing but the end of watches.
struct MountWatch: Sendable {
    let identity: MountIdentity
    var mode: WatchModeDecision
    let events: (any DirectoryEvents)?
    private(set) var table = DirectoryTable()
    private var pacing = RescanPacing()
    private(set) var blind = BlindWatch()
    private(set) var nextPoll: Duration = .zero
    /// From the beginning of a scan of the whole tree until all of it was looked at.
    private(set) var isScanning = false
    private var poll: HotDirectoryPoll
    /// Directories to look at now; from the end, so that the newest days come first.
    private var walk: [FilePath] = []
    private var inWalk: Set<FilePath> = []
    /// Watches that we ended, until the kernel's last event of them has come.
    private var retired: Set<WatchNumber> = []

    init(identity: MountIdentity, mode: WatchModeDecision, events: (any DirectoryEvents)?, poll: PollSettings) {
        self.identity = identity
        self.mode = mode
        self.events = events
        self.poll = HotDirectoryPoll(settings: poll)
        table.insert(root)
    }

    private var root: FilePath { FilePath(bytes: []) }
    var isWalking: Bool { !walk.isEmpty }
    var nextDue: Duration { min(nextPoll, pacing.due ?? nextPoll) }
    var coverage: WatchCoverage {
        WatchCoverage(watched: table.watchCount, polled: table.unwatched.count, unreadable: table.unreadableCount)
    }
}

// MARK: Scans

extension MountWatch {
    mutating func beginRescanIfDue(at now: Duration) {
        if !isWalking && pacing.begin(at: now) { beginScan() }
    }

    /// Looks at every directory that is known, and through them at all others. Names are forgotten, so that the files
    /// of hot directories are all told again: a lost event may have been of one whose name was known.
    mutating func beginScan() {
        isScanning = true
        for path in poll.hot { forget(path) }
        enqueue(table.allPaths.sorted())
    }

    mutating func endScan(at now: Duration) {
        isScanning = false
        pacing.end(at: now)
    }

    mutating func wantRescan(at now: Duration) { pacing.want(at: now) }

    mutating func enqueue(_ paths: [FilePath]) {
        for path in paths where inWalk.insert(path).inserted { walk.append(path) }
    }

    /// Takes the next directories off the walk.
    mutating func nextVisits(atMost count: Int) -> [DirectoryVisit] {
        var visits: [DirectoryVisit] = []
        while visits.count < count, let path = walk.popLast() {
            inWalk.remove(path)
            if let visit = visit(path) { visits.append(visit) }
        }
        return visits
    }

    /// Directories that a step did not come to.
    mutating func putBack(_ paths: [FilePath]) { enqueue(paths.reversed()) }

    /// A look at these failed as a whole while the mount is proven: a rescan makes up for it, with its spacing.
    mutating func abandonLook(_ visits: [DirectoryVisit], at now: Duration) {
        for visit in visits { table.update(visit.directory) { $0.stamp = nil } }
        pacing.end(at: now)
        pacing.want(at: now)
    }

    private mutating func forget(_ path: FilePath) {
        table.remember(nil, of: path)
        table.update(path) { $0.stamp = nil }
    }

    private func visit(_ path: FilePath) -> DirectoryVisit? {
        guard let directory = table[path] else { return nil }
        let isYoung = directory.listed - directory.stampSince < poll.settings.granularity
        let listing: DirectoryVisit.Listing =
            if let stamp = directory.stamp, !isYoung { .unless(stamp) } else { .always }
        return DirectoryVisit(
            directory: path, listing: listing, wantsWatch: events != nil, seen: directory.names,
            remembersNames: table.nameCount < poll.settings.rememberedNames)
    }
}

// MARK: Polling

extension MountWatch {
    /// The directories whose turn it is. Also settles what earlier polls found and no event has confirmed.
    mutating func pollVisits(at now: Duration, days: HotDays) -> [DirectoryVisit] {
        nextPoll = now + poll.settings.hotPeriod(in: mode.mode)
        blind.settle(at: now)
        refreshHeat(at: now, days: days)
        return poll.pick(from: table, at: now).filter { !inWalk.contains($0) }.compactMap { visit($0) }
    }

    /// Decides what is hot today. Names of what has cooled are forgotten.
    mutating func refreshHeat(at now: Duration, days: HotDays) {
        for path in poll.refresh(table, at: now, days: days) { table.remember(nil, of: path) }
    }
}

// MARK: What looks show

extension MountWatch {
    /// Takes in a report. Returns the files to tell of.
    mutating func take(
        _ report: DirectoryReport, at now: Duration, instant: Instant, isPoll: Bool
    ) -> FoundFiles {
        let path = report.directory
        guard table[path] != nil else { return FoundFiles() }
        takeAnswer(report.watch, for: path)
        let rest = now + poll.settings.rest(after: report.took)
        table.update(path) { $0.restsUntil = rest }
        switch report.outcome {
        case .gone:
            endWatches(table.remove(path))
            return FoundFiles()
        case .elsewhere:
            table.set(.elsewhere, of: path)
            return FoundFiles()
        case .unreadable:
            table.set(.unreadable, of: path)
            table.update(path) { $0.stamp = nil }
            return FoundFiles()
        case .unchanged:
            table.set(.readable, of: path)
            return FoundFiles()
        case .listed(let content):
            let hadNames = table[path]?.names != nil
            takeContent(content, of: path, began: now - report.took, instant: instant)
            let files = FoundFiles(content.newFiles, in: path)
            if isPoll && hadNames && table[path]?.watch != nil {
                for index in 0..<files.count { blind.find(files[index], at: now) }
            }
            return files
        }
    }

    private mutating func takeAnswer(_ answer: WatchAnswer?, for path: FilePath) {
        switch answer {
        case nil: break
        case .watched(let number):
            retired.remove(number)
            if let orphaned = table.bind(number, to: path) { endWatches([orphaned]) }
        case .limit, .refused: table.noteUnwatched(path)
        }
    }

    private mutating func takeContent(
        _ content: DirectoryContent, of path: FilePath, began: Duration, instant: Instant
    ) {
        let age = instant - content.stamp.changed.instant
        table.set(.readable, of: path)
        table.update(path) { directory in
            if directory.stamp != content.stamp {
                // A stamp of days ago is not young, however far the server's clock is off.
                directory.stampSince = age > .seconds(172_800) ? began - .seconds(86_400) : began
                if directory.stamp != nil || abs(age) < poll.settings.recently { directory.changed = began }
            }
            directory.stamp = content.stamp
            directory.listed = began
            directory.holdsDays = content.directories.contains { isDayFolder($0) }
        }
        let found = Set(content.directories)
        for name in (table[path]?.children ?? []).subtracting(found) {
            endWatches(table.remove(path.appending(name)))
        }
        enqueue(content.directories.map { path.appending($0) }.filter { table.insert($0) }.sorted())
        poll.consider(path, in: table, at: began)
        table.remember(poll.hot.contains(path) ? content.names : nil, of: path)
    }

    private mutating func endWatches(_ numbers: [WatchNumber]) {
        for number in numbers {
            retired.insert(number)
            events?.unwatch(number)
        }
    }
}

// MARK: What events say

extension MountWatch {
    struct EventOutcome {
        var files = FoundFiles()
        /// The mount may be gone: prove it now.
        var doubtsMount = false
    }

    mutating func handle(_ batch: EventBatch, at now: Duration) -> EventOutcome {
        var outcome = EventOutcome()
        if batch.lost { wantRescan(at: now) }
        for event in batch.events { handle(event, at: now, into: &outcome) }
        return outcome
    }

    private mutating func handle(_ event: InotifyEvent, at now: Duration, into outcome: inout EventOutcome) {
        switch event.meaning {
        case .overflow: wantRescan(at: now)
        case .unmounted: outcome.doubtsMount = true
        case .watchEnded:
            if retired.remove(event.watch) != nil { return }
            if let path = table.unbind(event.watch) { lookAgain(path, into: &outcome) }
        case .directoryLeft:
            if let path = table.path(of: event.watch) { lookAgain(path, into: &outcome) }
        case .directoryCame:
            guard let parent = parent(of: event, at: now) else { return }
            let path = parent.appending(event.name)
            if !table.insert(path) { forget(path) }
            enqueue([path])
        case .fileCreated:
            if let parent = parent(of: event, at: now) { announce(event.name, in: parent) }
        case .fileReady:
            guard let parent = parent(of: event, at: now) else { return }
            announce(event.name, in: parent)
            if !event.name.starts(with: Array(".nfs".utf8)) { outcome.files.append(parent.appending(event.name)) }
        case .nothing: break
        }
    }

    /// The directory that an event happened in. An event of a watch that nobody knows means that the table is not what
    /// the kernel has: a rescan mends it.
    private mutating func parent(of event: InotifyEvent, at now: Duration) -> FilePath? {
        if let path = table.path(of: event.watch) { return path }
        if !retired.contains(event.watch) { wantRescan(at: now) }
        return nil
    }

    private mutating func lookAgain(_ path: FilePath, into outcome: inout EventOutcome) {
        if path.isEmpty { outcome.doubtsMount = true }
        table.update(path) { $0.stamp = nil }
        enqueue([path])
    }

    private mutating func announce(_ name: [UInt8], in parent: FilePath) {
        guard let isNew = table.remember(name: name, in: parent) else { return }
        let path = parent.appending(name)
        if isNew { blind.announce(path) } else { blind.confirm(path) }
    }
}

private func abs(_ span: Duration) -> Duration { span < .zero ? .zero - span : span }
