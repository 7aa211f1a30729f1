import Planning
import Support
import Vocabulary

/// An agent, its keeper and a ledger beside a slowly written file, on a clock that nobody waits for: the decisions are the
/// real ones, and everything between them is the least that they need.
struct SlowWriterAgent {
    struct Copy: Hashable {
        var cells: [UInt8]
        var row: SlowWriter.Row
        var look: FileLook
        var at: Int64
        var isVouched: Bool
        /// It is known not to be the file any more.
        var isDoubted = false
    }
    struct Outcome {
        var copy: Copy?
        var isMarked = false
        /// Copies that were committed and are not what the file was in the end.
        var shortCommits = 0
        var commits = 0
        /// A mark that was set while its copy was not what the look that allowed it had seen.
        var wrongMark: String?
        /// The look that is to follow what is vouched for was lost with a process.
        var lostLook = false
    }

    let history: WrittenHistory
    let window: SettleWindow
    /// How long the mount may show old attributes, also where they are asked of the server.
    let staleness: Int64
    let hasEvents: Bool
    /// Whether the mount's cache hides nothing where it is asked: what DESIGN takes for granted.
    var isForced: Bool { staleness == 0 }
    var chance: RecorderModelPlan.Chance
    var restarts: [Int64]
    /// Off only to show that a fuzz without these looks would fail.
    var looksAfterwards = true

    private var now: Int64 = 0
    private var planned: SlowWriter.Row?
    private var failures = 0
    private var trail = TransferTrail()
    private var nextLook: Int64?
    private var nextPlans: [Int64] = []
    private var nextMark: Int64?
    private var after: Afterlook?
    private var nextAfter: Int64?
    private var isConfirmed = false
    private var confirmedCells: [UInt8]?
    private var memory: Afterlook?
    private var nextMemory: Int64?
    private var cached: (at: Int64, file: WrittenFile)?
    /// By the cells that can be seen: most looks find what the one before did.
    private var judged: [[UInt8]: Wholeness] = [:]
    private(set) var outcome = Outcome()

    init(
        _ history: WrittenHistory, window: SettleWindow, staleness: Int64, hasEvents: Bool, restarts: [Int64],
        chance: RecorderModelPlan.Chance
    ) {
        self.history = history
        self.window = window
        self.staleness = staleness
        self.hasEvents = hasEvents
        self.restarts = restarts
        self.chance = chance
    }

    private mutating func span(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &chance) }

    mutating func run() {
        let horizon = history.end + 4 * 86_400_000_000
        for row in history.writer.rows {
            // A page or a notification while it has no mark, and the slow round afterwards.
            nextPlans += [row.at + span(0...10_000_000), row.at + 10_000_000 + span(0...3_600_000_000)]
        }
        nextPlans.sort()
        var wakes =
            hasEvents ? history.writer.steps.filter { $0.step == .close || $0.step == .publish }.map(\.at) : []
        wakes.reverse()
        restarts.sort(by: >)
        var turns = 0
        while true {
            let times = [
                nextLook, nextPlans.first, nextMark, nextAfter, nextMemory, wakes.last, restarts.last,
            ]
            guard let next = times.compactMap({ $0 }).min(), next <= horizon else { return }
            now = max(now, next)
            turns += 1
            precondition(turns < 200_000, "it does not come to rest: \(history.writer)")
            if next == restarts.last {
                restarts.removeLast()
                restart()
            } else if next == wakes.last {
                wakes.removeLast()
                if nextLook != nil { nextLook = now + 1000 }
                if nextAfter != nil { nextAfter = now + 1000 }
            } else if next == nextPlans.first {
                nextPlans.removeFirst()
                plan()
            } else if next == nextMark {
                nextMark = nil
                mark()
            } else if next == nextLook {
                nextLook = nil
                lookAtFile()
            } else if next == nextAfter {
                nextAfter = nil
                lookAfter()
            } else {
                nextMemory = nil
                lookAtVouched()
            }
        }
    }

    private mutating func restart() {
        trail = TransferTrail()
        cached = nil
        if memory != nil { outcome.lostLook = true }
        (memory, nextMemory) = (nil, nil)
    }

    // MARK: The keeper

    private mutating func plan() {
        let row = history.row(at: now)
        guard row.isFinished else { return }
        if let copy = outcome.copy, copy.row == row, !copy.isDoubted {
            if !outcome.isMarked, nextMark == nil { nextMark = now + 500_000 }
            return
        }
        if planned == row { return }
        planned = row
        failures = 0
        trail = TransferTrail()
        nextLook = now
    }

    private mutating func mark() {
        guard let copy = outcome.copy, planned == nil, !outcome.isMarked else { return }
        // Its fingerprint is compared under the lock of its row.
        guard copy.row == history.row(at: now) else { return plan() }
        guard !copy.isDoubted, after == nil || isConfirmed else { return }
        if let seen = confirmedCells, isForced, seen != copy.cells {
            outcome.wrongMark = "its copy was not what the look before its mark had seen"
        }
        outcome.isMarked = true
    }

    // MARK: Looks

    private mutating func see() -> (file: WrittenFile, visible: Int) {
        let truth = history.file(at: now)
        if let cached, staleness > 0, now - cached.at < staleness, cached.file.isThere, truth.isThere {
            var shown = cached.file
            // Bytes are the server's; how many there are, the cache's.
            shown.cells = Array(truth.cells.prefix(cached.file.cells.count))
            while shown.cells.count < cached.file.cells.count { shown.cells.append(0) }
            return (shown, shown.cells.count)
        }
        cached = (now, truth)
        return (truth, truth.cells.count)
    }

    private mutating func wholeness(of file: WrittenFile, visible: Int) -> Wholeness {
        let cells = Array(file.cells.prefix(visible))
        if let known = judged[cells] { return known }
        let found = history.wholeness(of: file, visible: visible)
        judged[cells] = found
        return found
    }

    private mutating func lookAtFile() {
        guard let row = planned else { return }
        let (file, visible) = see()
        let whole = wholeness(of: file, visible: visible)
        let sight: TransferSight = file.isThere ? .seen(history.look(file), whole) : .absent
        let decision = trail.decide(
            sight, row: TransferRow(size: row.size, hasChecksum: row.hasChecksum, failures: failures), within: window,
            at: .microseconds(now))
        switch decision {
        case .deliver, .deliverDamaged: copy(row, file, whole)
        case .missing(let again), .wait(_, let again), .neverSettles(_, let again), .refuse(let again):
            nextLook = now + max(1000, again.wholeMicroseconds) + span(0...20_000)
        case .retry: nextLook = now + 1_000_000
        }
    }

    private mutating func fail() {
        failures += 1
        nextLook = now + min(60_000_000, 500_000 << min(failures, 7))
    }

    private mutating func copy(_ row: SlowWriter.Row, _ looked: WrittenFile, _ wholeness: Wholeness) {
        let settled = history.look(looked)
        now += span(100...50_000)
        let opened = see().file
        guard opened.isThere, same(history.look(opened), settled) else { return fail() }
        let count = opened.cells.count
        let step = span(50...(history.writer.container == .large ? 500_000 : 20_000))
        var cells: [UInt8] = []
        for cell in 0..<count {
            now += step
            let truth = history.file(at: now)
            // The descriptor is of the file that was opened.
            guard truth.inode == opened.inode, cell < truth.cells.count else { return fail() }
            cells.append(truth.cells[cell])
        }
        guard same(history.look(see().file), settled) else { return fail() }
        if row.hasChecksum, cells != history.finalFile.cells { return fail() }
        now += span(1000...200_000)
        commit(
            Copy(
                cells: cells, row: row, look: settled, at: now,
                isVouched: isVouched(
                    rowSize: row.size, hasChecksum: row.hasChecksum, look: settled,
                    container: ContainerState(wholeness)) && !cells.contains(0)))
    }

    private mutating func commit(_ copy: Copy) {
        outcome.copy = copy
        outcome.commits += 1
        if copy.cells != history.finalFile.cells { outcome.shortCommits += 1 }
        planned = nil
        (after, nextAfter, isConfirmed, confirmedCells) = (nil, nil, false, nil)
        (memory, nextMemory) = (nil, nil)
        outcome.lostLook = false
        let rest = now + window.quiet.wholeMicroseconds
        if !looksAfterwards {
            outcome.lostLook = true
        } else if copy.isVouched {
            memory = Afterlook(copied: copy.look)
            nextMemory = rest
        } else {
            after = Afterlook(copied: copy.look)
            nextAfter = rest
        }
        nextPlans.insert(now + 100_000, at: 0)
        nextPlans.sort()
        nextMark = now + 500_000
    }

    private func same(_ one: FileLook, _ other: FileLook) -> Bool {
        one.size == other.size && one.modified == other.modified && one.changed == other.changed
            && one.inode == other.inode
    }

    // MARK: Looks afterwards

    private mutating func decide(_ look: Afterlook) -> (Afterlook.Decision, WrittenFile) {
        guard let copy = outcome.copy else { return (.gone, WrittenFile()) }
        let file = see().file
        return (
            look.decide(
                file.isThere ? .seen(history.look(file)) : .absent, age: .microseconds(now - copy.at), within: window),
            file
        )
    }

    private mutating func lookAfter() {
        guard let standing = after else { return }
        let (decision, file) = decide(standing)
        switch decision {
        case .same(let confirms, let again):
            if confirms && !isConfirmed {
                isConfirmed = true
                confirmedCells = history.file(at: now).cells
                nextMark = now + 500_000
            }
            if let again { nextAfter = now + again.wholeMicroseconds } else { after = nil }
        case .compare(let again, later: _):
            if file.cells == outcome.copy?.cells {
                after = Afterlook(copied: history.look(file))
                nextAfter = now + again.wholeMicroseconds
            } else {
                doubt()
            }
        case .changed: doubt()
        case .gone: after = nil
        case .later(let again): nextAfter = now + again.wholeMicroseconds
        }
    }

    private mutating func lookAtVouched() {
        guard let standing = memory else { return }
        let (decision, file) = decide(standing)
        memory = nil
        switch decision {
        case .compare: if file.cells != outcome.copy?.cells { doubt() }
        case .changed: doubt()
        case .same, .gone, .later: break
        }
    }

    private mutating func doubt() {
        outcome.copy?.isDoubted = true
        (after, nextAfter) = (nil, nil)
        planned = nil
        plan()
    }
}
