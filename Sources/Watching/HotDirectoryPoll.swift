internal import Planning
internal import Vocabulary

/// How directories are polled.
package struct PollSettings: Hashable, Sendable {
    /// Between two looks at a hot directory where events do not suffice, and something came lately.
    package var period: Duration
    /// The same where events suffice: a check of them.
    package var checkPeriod: Duration
    /// How long after a change a hot directory is looked at every `period`. Then it is at ``restingPeriod``.
    package var busyFor: Duration
    /// How long a change keeps a directory hot.
    package var recently: Duration
    /// How many directories may be hot because they changed shortly before they were first seen. A tree that was just
    /// restored is all fresh, and only few of its directories will change again.
    package var freshAtFirst: Int
    /// Hot directories per turn; those that waited longest come first.
    package var hotPerTurn: Int
    /// Directories per turn that should have a watch and could get none, and that are not hot.
    package var unwatchedPerTurn: Int
    /// Cold directories per turn, until the round is done.
    package var coldPerTurn: Int
    /// Between the beginnings of two rounds of the cold directories, at least.
    package var coldPeriod: Duration
    /// After a look that took a time, the directory rests for so many times as long, and for at most `longestRest`.
    package var restFactor: Int
    package var longestRest: Duration
    /// The coarsest clock that stamps directories (two seconds on FAT). A stamp that was young when the directory was
    /// listed may hide a later change of the same tick, so such a directory is listed again.
    package var granularity: Duration
    /// Names that are remembered, over all hot directories; 8 to 16 bytes each. A directory beyond it tells all its
    /// names again at each change.
    package var rememberedNames: Int

    package init(
        period: Duration = .seconds(1), checkPeriod: Duration = .seconds(30), busyFor: Duration = .seconds(60),
        recently: Duration = .seconds(600), freshAtFirst: Int = 64, hotPerTurn: Int = 1024, unwatchedPerTurn: Int = 256,
        coldPerTurn: Int = 16,
        coldPeriod: Duration = .seconds(60), restFactor: Int = 4,
        longestRest: Duration = .seconds(30), granularity: Duration = .seconds(2), rememberedNames: Int = 2_000_000
    ) {
        self.period = period
        self.checkPeriod = checkPeriod
        self.busyFor = busyFor
        self.recently = recently
        self.freshAtFirst = freshAtFirst
        self.hotPerTurn = hotPerTurn
        self.unwatchedPerTurn = unwatchedPerTurn
        self.coldPerTurn = coldPerTurn
        self.coldPeriod = coldPeriod
        self.restFactor = restFactor
        self.longestRest = longestRest
        self.granularity = granularity
        self.rememberedNames = rememberedNames
    }

    /// Between two looks at a hot directory in which nothing has come for long: the first file after a rest is found
    /// within one and a half periods and half a second, which leaves 1.5 s of the bound of 1.5 periods and 2 s to the
    /// copy.
    package var restingPeriod: Duration { period * 3 / 2 + .milliseconds(500) }

    /// Until a hot directory is looked at again.
    func pause(of directory: KnownDirectory, isUnwatched: Bool, in mode: WatchMode, at now: Duration) -> Duration {
        if mode == .event && !isUnwatched { return checkPeriod }
        guard let changed = directory.changed, now - changed < busyFor else { return restingPeriod }
        return period
    }

    func rest(after cost: Duration) -> Duration { min(cost * restFactor, longestRest) }
}

/// Chooses which directories are looked at in a turn of polling. It looks at nothing itself.
struct HotDirectoryPoll: Sendable {
    let settings: PollSettings
    private(set) var hot: Set<FilePath> = []
    private var days: HotDays?
    private var nextCooling: Duration = .zero
    private var unwatchedRound: [FilePath] = []
    private var coldRound: [FilePath] = []
    private var nextColdRound: Duration = .zero
    /// When some of those that are not hot are looked at again.
    private var nextOthers: Duration = .zero
    private var isOverfull = false

    init(settings: PollSettings) { self.settings = settings }

    /// A directory is new, or was seen to change.
    mutating func consider(_ path: FilePath, in table: DirectoryTable, at now: Duration) {
        guard let directory = table[path], let days else { return }
        if isHot(path, directory, at: now, days: days) { hot.insert(path) }
    }

    /// The day went on, or directories have cooled: decides anew for all, once a minute or at a change of day.
    /// Returns those that are cold now and were not.
    mutating func refresh(_ table: DirectoryTable, at now: Duration, days today: HotDays) -> Set<FilePath> {
        if today == days && now < nextCooling { return [] }
        days = today
        nextCooling = now + .seconds(60)
        let before = hot
        hot = Set(
            table.allPaths.filter { path in
                table[path].map { isHot(path, $0, at: now, days: today) } ?? false
            })
        return before.subtracting(hot)
    }

    /// The directories of this turn.
    mutating func pick(from table: DirectoryTable, at now: Duration) -> [FilePath] {
        hot = hot.filter { table[$0] != nil }
        let due = hot.compactMap { path in table[path].map { (path, $0.restsUntil) } }.filter { $0.1 <= now }
        isOverfull = due.count > settings.hotPerTurn
        var picked = due.sorted { $0.1 < $1.1 }.prefix(settings.hotPerTurn).map(\.0)
        guard nextOthers <= now else { return picked }
        nextOthers = now + settings.period
        if unwatchedRound.isEmpty { unwatchedRound = table.unwatched.subtracting(hot).sorted() }
        picked += take(settings.unwatchedPerTurn, from: &unwatchedRound, table, at: now)
        if coldRound.isEmpty && nextColdRound <= now {
            coldRound = table.allPaths.sorted()
            nextColdRound = now + settings.coldPeriod
        }
        picked += take(settings.coldPerTurn, from: &coldRound, table, at: now)
        return picked
    }

    /// When there is something to pick again; turns are a quarter of a period apart at least, or a whole one where more
    /// directories are due than a turn has places.
    func nextTurn(_ table: DirectoryTable, at now: Duration) -> Duration {
        let others = coldRound.isEmpty && table.unwatched.isEmpty ? nextColdRound : nextOthers
        let next = hot.reduce(max(others, nextOthers)) { next, path in
            table[path].map { min(next, $0.restsUntil) } ?? next
        }
        return max(next, now + (isOverfull ? settings.period : settings.period / 4))
    }

    /// From the end, where the newest days are.
    private func take(
        _ count: Int, from round: inout [FilePath], _ table: DirectoryTable, at now: Duration
    ) -> [FilePath] {
        var taken: [FilePath] = []
        while taken.count < count, let path = round.popLast() {
            guard let directory = table[path], directory.standing != .elsewhere, directory.restsUntil <= now,
                !hot.contains(path)
            else { continue }
            taken.append(path)
        }
        return taken
    }

    private func isHot(_ path: FilePath, _ directory: KnownDirectory, at now: Duration, days: HotDays) -> Bool {
        guard directory.standing == .readable else { return false }
        return heat(
            of: path, holdsDays: directory.holdsDays, sinceChange: directory.changed.map { now - $0 },
            recently: settings.recently, days: days
        ).isHot
    }
}
