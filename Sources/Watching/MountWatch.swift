internal import Files
internal import Planning
internal import Vocabulary

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
    /// Directories that are hot for their stamp alone, and that were never seen to change.
    private var freshAtFirst = 0
    /// Whether this machine's clock stamps directories.
    private let isLocal: Bool
    /// Directories to look at now; from the end, so that the newest days come first.
    private var walk: [FilePath] = []
    private var inWalk: Set<FilePath> = []
    /// Watches that we ended, until the kernel's last event of them has come.
    private var retired: Set<WatchNumber> = []
    /// Directories that their parent's listing did not show, until they were looked at themselves.
    private var unlisted: Set<FilePath> = []
    /// Since when events are being lost, and the scans that made up for them so far.
    private var storm: (since: Duration, rescans: Int)?

    init(identity: MountIdentity, mode: WatchModeDecision, events: (any DirectoryEvents)?, poll: PollSettings) {
        self.identity = identity
        self.mode = mode
        self.events = events
        self.poll = HotDirectoryPoll(settings: poll)
        isLocal = writerVisibility(ofFileSystem: identity.fileSystem.type) == .local
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

    mutating func beginFirstScan(at now: Duration) {
        pacing.beginFirst(at: now)
        beginScan()
    }

    /// Looks at every directory that is known, and through them at all others. Stamps are forgotten, so that each is
    /// listed; of names only those that were announced and not told, so that a file is told once and none is missed.
    private mutating func beginScan() {
        isScanning = true
        for path in poll.hot {
            table.forgetUnready(in: path)
            table.update(path) { $0.stamp = nil }
        }
        enqueue(table.allPaths.sorted())
    }

    mutating func endScan(at now: Duration) {
        isScanning = false
        pacing.end(at: now)
        storm?.rescans += 1
    }

    /// The storm of lost events that is over now; once.
    mutating func takeEndedStorm(at now: Duration) -> WatchHint? {
        guard let storm, !isScanning, pacing.isCalm(at: now) else { return nil }
        self.storm = nil
        return .eventsComplete(rescans: storm.rescans, after: now - storm.since)
    }

    mutating func wantRescan(at now: Duration) { pacing.want(at: now) }

    mutating func enqueue(_ paths: [FilePath]) {
        for path in paths where inWalk.insert(path).inserted { walk.append(path) }
    }

    /// Takes the next directories off the walk.
    mutating func nextVisits(atMost count: Int, at instant: Instant) -> [DirectoryVisit] {
        let recently = isScanning ? instant + (.zero - poll.settings.recently) : nil
        var visits: [DirectoryVisit] = []
        while visits.count < count, let path = walk.popLast() {
            inWalk.remove(path)
            if let visit = visit(path, changedAfter: poll.hot.contains(path) ? nil : recently) { visits.append(visit) }
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

    private func visit(_ path: FilePath, changedAfter: Instant?) -> DirectoryVisit? {
        guard let directory = table[path] else { return nil }
        let isYoung = directory.listed - directory.stampSince < poll.settings.granularity
        let listing: DirectoryVisit.Listing =
            if let stamp = directory.stamp, !isYoung { .unless(stamp) } else { .always }
        return DirectoryVisit(
            directory: path, listing: listing, wantsWatch: events != nil, seen: directory.names,
            remembersNames: table.nameCount < poll.settings.rememberedNames, changedAfter: changedAfter)
    }
}

// MARK: Polling

extension MountWatch {
    /// The directories whose turn it is. Also settles what earlier polls found and no event has confirmed.
    mutating func pollVisits(at now: Duration, days: HotDays) -> [DirectoryVisit] {
        blind.settle(at: now)
        refreshHeat(at: now, days: days)
        let picked = poll.pick(from: table, at: now)
        nextPoll = now + poll.settings.period
        return picked.filter { !inWalk.contains($0) }.compactMap { visit($0, changedAfter: nil) }
    }

    mutating func endPoll(at now: Duration) { nextPoll = poll.nextTurn(table, at: now) }

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
        guard table[path] != nil else { return FoundFiles(in: path) }
        takeAnswer(report.watch, for: path)
        let wasUnlisted = unlisted.remove(path) != nil
        var files = FoundFiles(in: path)
        switch report.outcome {
        case .gone:
            endWatches(table.remove(path))
            return files
        case .elsewhere: table.set(.elsewhere, of: path)
        case .unreadable:
            table.set(.unreadable, of: path)
            table.update(path) { $0.stamp = nil }
        case .unchanged: table.set(.readable, of: path)
        case .listed(let content):
            let hadNames = table[path]?.names != nil
            takeContent(content, of: path, began: now - report.took, instant: instant)
            files = FoundFiles(content.newFiles, in: path)
            if isPoll && hadNames && table[path]?.watch != nil {
                for index in 0..<files.count { blind.find(files[index], at: now) }
            }
        }
        // It is there, so the listing that left it out was wrong and proves nothing of the rest either.
        if wasUnlisted { table.update(path.parent) { $0.stamp = nil } }
        rest(path, after: report.took, at: now)
        return files
    }

    private mutating func rest(_ path: FilePath, after cost: Duration, at now: Duration) {
        guard let directory = table[path] else { return }
        let pause =
            poll.hot.contains(path)
            ? poll.settings.pause(
                of: directory, isUnwatched: table.unwatched.contains(path), in: mode.mode, at: now)
            : .zero
        let until = now + max(pause, poll.settings.rest(after: cost))
        table.update(path) { $0.restsUntil = until }
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
        let oldStamp: Duration = isLocal ? poll.settings.granularity + .seconds(1) : .seconds(172_800)
        let changed = lastChange(of: path, began: began, age: age)
        table.set(.readable, of: path)
        table.update(path) { directory in
            if directory.stamp != content.stamp {
                // A stamp of days ago is not young, however far the server's clock is off; with our own clock, one of
                // seconds ago.
                directory.stampSince = age > oldStamp ? began - .seconds(86_400) : began
                directory.changed = changed
            }
            directory.stamp = content.stamp
            directory.listed = began
            directory.holdsDays = content.directories.contains { isDayFolder($0) }
        }
        // A server that just replaced a directory may list it empty: each child says for itself whether it is gone.
        let absent = (table[path]?.children ?? []).subtracting(content.directories).map { path.appending($0) }
        unlisted.formUnion(absent)
        enqueue(absent.sorted())
        enqueue(content.directories.map { path.appending($0) }.filter { table.insert($0) }.sorted())
        poll.consider(path, in: table, at: began)
        table.remember(poll.hot.contains(path) ? content.names : nil, of: path)
    }

    /// When a directory changed last that shows another stamp than it did, or is listed without one.
    private mutating func lastChange(of path: FilePath, began: Duration, age: Duration) -> Duration? {
        guard let directory = table[path] else { return nil }
        if directory.stamp != nil { return began }
        guard abs(age) < poll.settings.recently else { return directory.changed }
        if let known = directory.changed { return max(known, began - age) }
        if isScanning {
            guard freshAtFirst < poll.settings.freshAtFirst else { return nil }
            freshAtFirst += 1
        }
        return began - age
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
        var files: [FilePath] = []
        /// The mount may be gone: prove it now.
        var doubtsMount = false
        /// A storm of lost events has begun.
        var beginsStorm = false
    }

    mutating func handle(_ batch: EventBatch, at now: Duration) -> EventOutcome {
        var outcome = EventOutcome()
        if batch.lost { noteLoss(at: now, into: &outcome) }
        for event in batch.events { handle(event, at: now, into: &outcome) }
        return outcome
    }

    private mutating func noteLoss(at now: Duration, into outcome: inout EventOutcome) {
        wantRescan(at: now)
        guard storm == nil else { return }
        storm = (now, 0)
        outcome.beginsStorm = true
    }

    private mutating func handle(_ event: InotifyEvent, at now: Duration, into outcome: inout EventOutcome) {
        switch event.meaning {
        case .overflow: noteLoss(at: now, into: &outcome)
        case .unmounted: outcome.doubtsMount = true
        case .watchEnded:
            if retired.remove(event.watch) != nil { return }
            if let path = table.unbind(event.watch) { lookAgain(path, into: &outcome) }
        case .directoryLeft:
            if let path = table.path(of: event.watch) { lookAgain(path, into: &outcome) }
        case .directoryCame:
            guard let parent = parent(of: event, at: now) else { return }
            if isSnapshotFolder(event.name) { return }
            let path = parent.appending(event.name)
            if !table.insert(path) { forget(path) }
            enqueue([path])
        case .fileCreated:
            if let parent = parent(of: event, at: now) { announce(event.name, in: parent, isReady: false) }
        case .fileReady:
            guard let parent = parent(of: event, at: now) else { return }
            announce(event.name, in: parent, isReady: true)
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

    private mutating func announce(_ name: [UInt8], in parent: FilePath, isReady: Bool) {
        guard let isNew = table.remember(name: name, in: parent, isReady: isReady) else { return }
        let path = parent.appending(name)
        if isNew { blind.announce(path) } else { blind.confirm(path) }
    }
}

private func abs(_ span: Duration) -> Duration { span < .zero ? .zero - span : span }
