internal import Copying
internal import Delivery
internal import Files
internal import Ledger
internal import Postgres
internal import Settings
internal import Synchronization
internal import Telemetry
internal import Vocabulary

/// What one volume's copies are read again by: one file at a time, each claimed in the ledger first.
struct VolumeScrub: Sendable {
    let base: ReplayBase
    let settings: ScrubSettings
    let volume: VolumeID
    let name: VolumeName
    let copier: Copier
    let bad: BadCopies
    let narrator: any Narrator
    let tally: ScrubTally

    private static let batch = 64
    private static let lease = Duration.seconds(60)
    /// How long a copy is left alone of which nothing could be concluded.
    private static let pause = Duration.seconds(3600)
    /// So many bad copies in one run mean that it is the volume that is ill.
    private static let illAfter = 20
    /// So many in one run that could not be read in time mean the same.
    private static let slowAtMost = 5

    private enum Sight: Sendable {
        case whole
        case bad(BadCopy.Kind, how: String)
        /// Nothing can be said of this one now, on a volume that proves itself.
        case unclear(String, isSlow: Bool)
        /// The volume is away.
        case unseen(String)
        /// The run was told to stop.
        case stopped

        /// As one that a disk reads for minutes.
        var isSlow: Bool {
            switch self {
            case .unclear(_, let isSlow): isSlow
            case .whole, .bad, .unseen, .stopped: false
            }
        }

        var isUnclear: Bool {
            switch self {
            case .unclear: true
            case .whole, .bad, .unseen, .stopped: false
            }
        }

        var isMissing: Bool {
            switch self {
            case .bad(.missing, _): true
            case .bad, .whole, .unclear, .unseen, .stopped: false
            }
        }

        var isBad: Bool {
            switch self {
            case .bad: true
            case .whole, .unclear, .unseen, .stopped: false
            }
        }
    }

    /// So often in a row a copy may be unclear before a person hears of it.
    private static let unreadAtMost = 1

    /// Until nothing is due, the day's share is read, or it is told to stop.
    func run() async throws {
        try await readOn()
        if !Task.isCancelled { try await tellUnread() }
    }

    /// A copy of which nothing can be said for days is not proven by anybody: that is a person's business.
    private func tellUnread() async throws {
        let volume = volume
        let standing = try await base.replay.database.perform { session in
            try UnreadCopies.standing(of: volume, atLeast: VolumeScrub.unreadAtMost + 1, in: session)
        }
        let subject = "copies on volume \(name)"
        guard let standing else {
            return try await base.problems.close(.copiesUnread, subject: subject, place: name.rawValue)
        }
        let days = standing.longest.wholeMilliseconds / 86_400_000
        let copies = standing.copies == 1 ? "1 copy" : "\(standing.copies) copies"
        try await base.problems.open(
            ProblemBook.Finding(
                .copiesUnread, subject: subject, place: name.rawValue,
                what:
                    "\(copies) on volume \(name) could not be read again, time after time, for \(days) days and more at the"
                    + " longest: \(standing.why)."))
    }

    private func readOn() async throws {
        let pace = ReadPace(bytesPerSecond: settings.rate)
        var badCopies = 0
        var slow = 0
        while !Task.isCancelled {
            let (replicas, isFirst) = try await claim()
            if replicas.isEmpty { return }
            let (found, isOver) = await whileRenewing(replicas.map(\.id)) { await read(replicas, pace) }
            // Also when it was told to stop: what was read is read.
            let judged = try await Task { try await settle(found, of: replicas, isFirst: isFirst) }.value
            badCopies += judged
            slow += found.count { $0.1.isSlow }
            if isOver { return }
            if slow >= VolumeScrub.slowAtMost {
                tally.add(note: "volume \(name) is left after \(slow) copies that could not be read in time")
                return
            }
            if badCopies >= VolumeScrub.illAfter {
                tally.add(note: "volume \(name) is left after \(badCopies) bad copies")
                return
            }
        }
    }

    private func claim() async throws -> (replicas: [Replica], isFirst: Bool) {
        let (volume, settings, holder) = (volume, settings, base.replay.holder)
        return try await base.replay.database.transaction(isDurable: false) { session in
            let first = try Scrubs.claim(
                on: volume, .first(after: settings.firstAfter), limit: VolumeScrub.batch, holder: holder,
                lease: VolumeScrub.lease, in: session)
            if !first.isEmpty { return (first, true) }
            var left = try Scrubs.remaining(of: volume, share: settings.share.fraction, in: session)
            guard left > 0 else { return ([], false) }
            let rolling = try Scrubs.claim(
                on: volume, .rolling(after: settings.againAfter), limit: VolumeScrub.batch, holder: holder,
                lease: VolumeScrub.lease, in: session)
            // The one that goes beyond the share is read yet: else a large file never would be.
            let within = rolling.prefix { replica in
                defer { left -= replica.content.size }
                return left > 0
            }
            try Scrubs.release(rolling.dropFirst(within.count).map(\.id), holder: holder, in: session)
            return (Array(within), false)
        }
    }

    private func read(_ replicas: [Replica], _ pace: ReadPace) async -> (found: [(Replica, Sight)], isOver: Bool) {
        var found: [(Replica, Sight)] = []
        for replica in replicas {
            // The rest is claimed again by whoever goes on.
            let isIll = found.count { $0.1.isBad } >= VolumeScrub.illAfter
            if isIll || found.count(where: { $0.1.isSlow }) >= VolumeScrub.slowAtMost { break }
            let sight = await look(at: replica, pace)
            switch sight {
            case .whole, .bad:
                found.append((replica, sight))
                tally.add(bytes: replica.content.size)
            case .unclear(let why, _):
                found.append((replica, sight))
                tally.add(note: "copy \(replica.id.rawValue) on volume \(name) could not be read: \(why)")
            case .unseen(let why):
                tally.add(note: "volume \(name) could not be read on: \(why)")
                return (found, true)
            case .stopped: return (found, true)
            }
        }
        return (found, false)
    }

    /// What does not agree is read a second time: nothing is concluded from one look, nor on a volume that does not give
    /// even its marker.
    private func look(at replica: Replica, _ pace: ReadPace) async -> Sight {
        let first = await lookOnce(at: replica, pace)
        switch first {
        case .whole, .unseen, .stopped: return first
        case .bad:
            let second = await lookOnce(at: replica, pace)
            guard second.isBad else { return second }
            return await copier.provesItself() ? second : .unseen("it does not give its own marker")
        case .unclear(let why, _): return await copier.provesItself() ? first : .unseen(why)
        }
    }

    private func lookOnce(at replica: Replica, _ pace: ReadPace) async -> Sight {
        let content = replica.content
        do throws(CopyError) {
            switch try await copier.reread(content.path, size: content.size, pace: pace) {
            case .bytes(content.digest, from: .disk), .bytes(content.digest, from: .unknown): return .whole
            case .bytes(content.digest, from: .cache): return .unclear("others keep its bytes in memory", isSlow: false)
            case .bytes: return .bad(.changed, how: "has other bytes than were copied")
            case .size(let size): return .bad(.changed, how: "has \(size) bytes and should have \(content.size)")
            case .absent: return .bad(.missing, how: "is not there")
            }
        } catch {
            if error.code == .cancelled { return .stopped }
            switch error.step {
            case .prepare: return .unseen(String(describing: error))
            case .open, .reserve, .copy, .sync, .verify, .lookAgain, .lease, .publish, .settle:
                if error.cause?.code == .inputOutput { return .bad(.unreadable, how: "gives read errors") }
                return .unclear(String(describing: error), isSlow: error.code == .timeout)
            }
        }
    }

    /// Gives how many are bad.
    private func settle(_ found: [(Replica, Sight)], of replicas: [Replica], isFirst: Bool) async throws -> Int {
        let outcome = try await bad.judge(
            found.compactMap { replica, sight in
                if case .bad(let kind, let how) = sight { BadCopy(replica: replica, kind: kind, how: how) } else { nil }
            }, on: name)
        let whole = found.filter { !$1.isBad && !$1.isUnclear }.map(\.0.id)
        var findings = Scrubs.Findings()
        findings.checked = whole + outcome.bad
        findings.gone = outcome.letGo
        findings.unclear = outcome.unclear + outcome.over
        for (replica, sight) in found {
            if case .unclear(let why, _) = sight { findings.unread[replica.id] = why }
        }
        let read = found.filter { !$1.isUnclear }
        findings.copies = Int64(read.count)
        findings.bytes = read.reduce(0) { $0 + $1.0.content.size }
        findings.bad = Set(outcome.bad + outcome.unclear)
        findings.missing = Set(found.filter(\.1.isMissing).map(\.0.id))
        let left = Set(replicas.map(\.id)).subtracting(found.map(\.0.id))
        let (written, volume, holder) = (findings, volume, base.replay.holder)
        try await base.replay.database.transaction { session in
            try Scrubs.record(
                written, on: volume, isFirst: isFirst, pause: VolumeScrub.pause, holder: holder, in: session)
            try Scrubs.release(left, holder: holder, in: session)
        }
        try await base.problems.close(copies: whole, place: name.rawValue)
        tally.add(letGo: outcome.letGo.count, bad: findings.bad.count)
        if !findings.bad.isEmpty { await base.roster.note(badCopiesOn: volume, named: name) }
        return findings.bad.count
    }

    private func whileRenewing<Outcome: Sendable>(
        _ ids: [Replica.ID], _ body: @escaping @Sendable () async -> Outcome
    ) async -> Outcome {
        let replay = base.replay
        let renewal = Task {
            while true {
                try await Task.sleep(for: VolumeScrub.lease / 3)
                _ = try? await replay.database.transaction(isDurable: false) { session in
                    try Scrubs.renew(ids, holder: replay.holder, lease: VolumeScrub.lease, in: session)
                }
            }
        }
        defer { renewal.cancel() }
        return await body()
    }
}

/// What a run came to, counted by all volumes at once.
package final class ScrubTally: Sendable {
    package struct Sum: Hashable, Sendable {
        /// Read whole, or found to be not what they should be.
        package var copies = 0
        package var bytes: Int64 = 0
        package var bad = 0
        package var letGo = 0
        package var manifests = 0
        package var tampered = 0
        /// Why something was left.
        package var notes: [String] = []
    }

    private let sum = Mutex(Sum())

    package init() {}
    package var now: Sum { sum.withLock { $0 } }

    func add(bytes: Int64) {
        sum.withLock {
            $0.copies += 1
            $0.bytes += bytes
        }
    }
    func add(letGo: Int, bad: Int) {
        sum.withLock {
            $0.letGo += letGo
            $0.bad += bad
        }
    }
    func add(manifests: Int, tampered: Int) {
        sum.withLock {
            $0.manifests += manifests
            $0.tampered += tampered
        }
    }
    func add(note: String) { sum.withLock { $0.notes.append(note) } }
}
