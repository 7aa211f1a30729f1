package import Vocabulary

/// Files of a mount that no row has named so far, and since when they are known: a file becomes an orphan by how long it was
/// seen without a row, not by what clocks of others say.
///
/// Times are monotonic, as a span since a start that the caller chose once for the process.
package struct OrphanBook: Sendable {
    /// A file as it was seen without a row.
    package struct Sight: Hashable, Sendable {
        /// Bytes.
        package var size: Int64
        /// By the clock of its server.
        package var modified: Instant
        /// Old enough to be an orphan at once.
        package var isOld: Bool
        package init(size: Int64, modified: Instant, isOld: Bool = false) {
            self.size = size
            self.modified = modified
            self.isOld = isOld
        }
    }

    private var known: [FilePath: (since: Duration, sight: Sight)] = [:]
    /// The known ones by their directories.
    private var places: [FilePath: Set<FilePath>] = [:]
    /// Whose turn it is to be asked for again.
    private var turns: [FilePath] = []

    /// More are not remembered; they come back with the next round.
    package static let limit = 20_000

    package init() {}

    package var isEmpty: Bool { known.isEmpty }
    /// There may be more than are known.
    package var isFull: Bool { known.count >= OrphanBook.limit }

    /// What an earlier process knew: each is asked for again in its turn, like one that this one found.
    package mutating func remember(_ path: FilePath, _ sight: Sight, since: Duration) {
        if known[path] == nil, !isFull { add(path, sight, since: since) }
    }

    private mutating func add(_ path: FilePath, _ sight: Sight, since: Duration) {
        known[path] = (since, sight)
        places[path.parent, default: []].insert(path)
    }

    private mutating func forget(_ path: FilePath) {
        guard known.removeValue(forKey: path) != nil else { return }
        let directory = path.parent
        places[directory]?.remove(path)
        if places[directory]?.isEmpty == true { places[directory] = nil }
    }

    /// Notes what was found of `asked`.
    /// - Parameters:
    ///   - unnamed: those that are there and no row names.
    package mutating func note(
        _ asked: some Sequence<FilePath>, unnamed: [FilePath: Sight], grace: Duration, at now: Duration
    ) {
        for path in asked where unnamed[path] == nil { forget(path) }
        for (path, sight) in unnamed {
            if let standing = known[path] {
                known[path] = (standing.since, sight)
            } else if !isFull {
                add(path, sight, since: sight.isOld ? now - grace - .seconds(1) : now)
            }
        }
    }

    /// Known ones directly in a directory that its listing does not show any more.
    package mutating func forget(in directory: FilePath, except listed: (FilePath) -> Bool) {
        for path in places[directory] ?? [] where !listed(path) { forget(path) }
    }

    /// Files without a row for longer than the grace time, each with how long.
    package func orphans(after grace: Duration, at now: Duration) -> [FilePath: (age: Duration, sight: Sight)] {
        var found: [FilePath: (age: Duration, sight: Sight)] = [:]
        for (path, one) in known where now - one.since > grace { found[path] = (now - one.since, one.sight) }
        return found
    }

    /// The next of all that are known, in turn: so that each is asked for again, and none often.
    package mutating func next(_ count: Int) -> [FilePath] {
        if turns.isEmpty { turns = Array(known.keys) }
        let taken = turns.suffix(count)
        turns.removeLast(taken.count)
        return taken.filter { known[$0] != nil }
    }
}

/// Whether a name is of a file that is still being made, or of no recording at all: hidden ones, what NFS clients keep
/// open (`.nfs…`), and the endings that programs give to drafts.
package func isPassingName(_ name: [UInt8]) -> Bool {
    if name.first == UInt8(ascii: ".") || name.last == UInt8(ascii: "~") { return true }
    let lower = String(decoding: name, as: UTF8.self).lowercased()
    return [".tmp", ".temp", ".part", ".partial", ".draft", ".lock", ".swp"].contains { lower.hasSuffix($0) }
}

/// The recorder's time in which rows of files in a directory end: of a day folder, its day and the ones beside it.
///
/// - Returns: nil where no component is a day; then only the files' own times tell.
package func rowWindow(of directory: FilePath) -> Range<WallTime>? {
    guard let name = directory.components.last(where: isDayFolder) else { return nil }
    func number(_ digits: Range<Int>) -> Int64 { name[digits].reduce(0) { $0 * 10 + Int64($1 - 48) } }
    let one: Int64 = 86_400_000_000
    let midnight = days(year: number(0..<4), month: number(4..<6), day: number(6..<8)) * one
    return WallTime(microseconds: midnight - one)..<WallTime(microseconds: midnight + 2 * one)
}

/// Days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
private func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let ofEra = shifted - era * 400
    let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
}

/// Windows around times by the recorder's clock, so that times that lie near each other share one.
///
/// - Returns: for each window the places of its times in `times`.
package func rowWindows(around times: [WallTime]) -> [(window: Range<WallTime>, places: [Int])] {
    let margin: Int64 = 2 * 86_400_000_000
    let longest: Int64 = 7 * 86_400_000_000
    var windows: [(first: Int64, last: Int64, places: [Int])] = []
    for place in times.indices.sorted(by: { times[$0] < times[$1] }) {
        let time = times[place].microseconds
        if let standing = windows.last, time - standing.first <= longest {
            windows[windows.count - 1].last = time
            windows[windows.count - 1].places.append(place)
        } else {
            windows.append((time, time, [place]))
        }
    }
    return windows.map {
        (WallTime(microseconds: $0.first - margin)..<WallTime(microseconds: $0.last + margin), $0.places)
    }
}

/// The directories of a mount in turn, the newest days first, at no more than a share of the time.
package struct OrphanWalk: Sendable {
    /// A part of a directory, so that one of a million files is never held whole.
    package struct Stop: Hashable, Sendable {
        package var directory: FilePath
        package var part: Int
        package var parts: Int
        /// Out of turn, as files are arriving in it, or the next day's folder will.
        package var isHot: Bool
        /// It could not be looked at before in this round.
        package var isAgain = false
        package init(_ directory: FilePath, part: Int = 0, parts: Int = 1, isHot: Bool = false) {
            self.isHot = isHot
            self.directory = directory
            self.part = part
            self.parts = parts
        }
    }

    private var stack: [Stop] = []
    /// Whether the last stop was out of turn: hot ones and those of the round take turns, so that none starve.
    private var wasHot = false
    private var hot: [FilePath: Duration] = [:]
    /// Those that have day folders in them.
    private var parents: Set<FilePath> = []
    private var nextRound: Duration = .zero
    /// Whether nothing was left out of the round so far.
    private var isWhole = true
    /// Rounds that were ended, and left nothing out.
    package private(set) var rounds = 0
    private let hotPeriod: Duration
    private let roundPeriod: Duration

    /// Names in one part.
    package static let partNames = 50_000

    package init(hotPeriod: Duration, roundPeriod: Duration = .seconds(6 * 3600)) {
        self.hotPeriod = hotPeriod
        self.roundPeriod = roundPeriod
    }

    /// The next stop; nil where none is due.
    package mutating func next(at now: Duration, days: HotDays) -> Stop? {
        hot = hot.filter { days.covers($0.key) || parents.contains($0.key) }
        let isRoundOn = !stack.isEmpty || now >= nextRound
        if !(wasHot && isRoundOn), let due = hot.filter({ $0.value <= now }).min(by: { $0.value < $1.value })?.key {
            hot[due] = now + hotPeriod
            wasHot = true
            return Stop(due, isHot: true)
        }
        wasHot = false
        if stack.isEmpty {
            guard now >= nextRound else { return nil }
            nextRound = now + roundPeriod
            isWhole = true
            stack = [Stop(FilePath(bytes: []))]
        }
        return stack.popLast()
    }

    /// What a stop showed: its subdirectories, and how many names there are in all.
    package mutating func visited(
        _ stop: Stop, subdirectories: [FilePath], names: Int, at now: Duration, days: HotDays
    ) {
        let holdsDays = subdirectories.contains { isDayFolder($0.lastComponent) }
        if holdsDays { parents.insert(stop.directory) }
        if holdsDays || days.covers(stop.directory), hot[stop.directory] == nil {
            hot[stop.directory] = now + hotPeriod
        }
        if stop.part == 0 {
            // Taken from the end: by name, the newest day is the greatest.
            let known = Set(stack.map(\.directory))
            let wanted = subdirectories.filter { !known.contains($0) && (!stop.isHot || isNew($0, days)) }
            stack += wanted.sorted().map { Stop($0) }
            let parts = names / OrphanWalk.partNames + 1
            // Those of an earlier visit may still wait.
            if stop.parts == 1, parts > 1, !stack.contains(where: { $0.directory == stop.directory && $0.part > 0 }) {
                stack += (1..<parts).map { Stop(stop.directory, part: $0, parts: parts) }
            }
        }
        endRound()
    }

    private func isNew(_ directory: FilePath, _ days: HotDays) -> Bool {
        days.covers(directory) && hot[directory] == nil
    }

    /// A directory that is not there any more.
    package mutating func left(_ stop: Stop) {
        hot[stop.directory] = nil
        parents.remove(stop.directory)
        endRound()
    }

    /// A stop that was not looked at, for no fault of its own: it is the next one.
    package mutating func putBack(_ stop: Stop, at now: Duration) {
        if stop.isHot { hot[stop.directory] = now } else { stack.append(stop) }
    }

    /// A stop that cannot be looked at: once more behind all others, and then it and what is below it are left out of this
    /// round. One that is out of turn has its turn again soon enough.
    package mutating func failed(_ stop: Stop) {
        if stop.isHot { return }
        if stop.isAgain {
            isWhole = false
        } else {
            var again = stop
            again.isAgain = true
            stack.insert(again, at: 0)
        }
    }

    private mutating func endRound() {
        if stack.isEmpty && isWhole { rounds += 1 }
    }
}
