/// What one forced look at a source's file showed.
///
/// *Forced*: attributes were asked of the server (`AT_STATX_FORCE_SYNC`, statx(2)), because an NFS client may show an
/// old size for as long as its attribute cache lives.
package struct FileLook: Hashable, Sendable {
    /// Bytes.
    package var size: Int64
    /// Nanoseconds since 1970 of the file's own server; compared for equality only, never with a clock of ours.
    package var modified: Int64
    package var changed: Int64
    package var inode: UInt64
    /// A part of it was never written: space was only set aside, or a writer left it out (`SEEK_HOLE`, lseek(2)). False
    /// also where the file system does not tell.
    package var hasHoles: Bool

    package init(size: Int64, modified: Int64, changed: Int64, inode: UInt64, hasHoles: Bool = false) {
        self.size = size
        self.modified = modified
        self.changed = changed
        self.inode = inode
        self.hasHoles = hasHoles
    }

    /// Whether its file system keeps whole seconds: two changes in one of them look like one.
    package var hasCoarseStamps: Bool { modified % 1_000_000_000 == 0 && changed % 1_000_000_000 == 0 }
}

/// What reading the container's own structure says of its end.
package enum ContainerState: Hashable, Sendable {
    /// The format's trailer or index is there and fits the size.
    case whole
    /// The format says that something is still to come: an mp4 without its index, an mp3 frame that is cut.
    case unfinished
    /// The format has no end that can be seen (RECD, encrypted media), or nobody read it.
    case unknown
}

/// The looks at one file, as far as settling needs them: the newest, and since when nothing has changed.
///
/// Times are monotonic, as a span since a start that the caller chose once for the process.
package struct LookTrail: Hashable, Sendable {
    package private(set) var look: FileLook
    /// When the oldest look was taken that agrees with all since.
    package private(set) var unchangedSince: Duration
    /// When the newest look was taken.
    package private(set) var seen: Duration

    package init(_ look: FileLook, at now: Duration) {
        self.look = look
        unchangedSince = now
        seen = now
    }

    package mutating func note(_ newer: FileLook, at now: Duration) {
        if newer != look { unchangedSince = now }
        look = newer
        seen = now
    }

    /// How far apart the oldest and the newest of the looks are that agree; zero after one look.
    package var agreement: Duration { seen - unchangedSince }
}

/// How long a file must be quiet, and how long a file may refuse to settle before a person is told.
///
/// Recorders close and reopen a file between segments, so a close event alone proves nothing.
package struct SettleWindow: Hashable, Sendable {
    /// The span that two agreeing looks must lie apart. On NFS it must be longer than the attribute cache lives.
    package var quiet: Duration
    /// From when row and file are both there; past it what does not settle is a problem.
    package var atMost: Duration
    /// Whether a row that is not FINISHED can settle at all. Off only for troubleshooting at a recorder.
    package var needsFinishedRow: Bool

    package init(quiet: Duration = .seconds(5), atMost: Duration = .seconds(600), needsFinishedRow: Bool = true) {
        self.quiet = quiet
        self.atMost = atMost
        self.needsFinishedRow = needsFinishedRow
    }
}

/// Everything that speaks for or against a file being complete.
package struct SettleEvidence: Hashable, Sendable {
    package var rowIsFinished: Bool
    /// The size as the row has it, not yet judged: nil, 0 and -1 occur and mean that there is none.
    package var rowSize: Int64?
    package var container: ContainerState
    /// Whether the row has a checksum that the copy will be held to: then a wrong guess here costs an attempt, no more.
    package var hasChecksum: Bool
    package var looks: LookTrail
    /// Whether nothing at all can be all that there is: an index file of a sound without a mark in it.
    package var mayBeEmpty: Bool
    /// Since row and file were first both there and the row was FINISHED; monotonic.
    package var waited: Duration

    package init(
        rowIsFinished: Bool, rowSize: Int64?, container: ContainerState, hasChecksum: Bool = false,
        mayBeEmpty: Bool = false, looks: LookTrail, waited: Duration
    ) {
        self.mayBeEmpty = mayBeEmpty
        self.rowIsFinished = rowIsFinished
        self.rowSize = rowSize
        self.container = container
        self.hasChecksum = hasChecksum
        self.looks = looks
        self.waited = waited
    }
}

/// What speaks for a file's being complete.
package enum SettleWitness: String, Hashable, Comparable, Sendable, CaseIterable {
    case finishedRow
    case exactSize
    case wholeContainer
    /// The row's checksum, which the copy is held to.
    case checksum
    /// Two looks, at least the quiet time apart, with nothing changed.
    case agreeingLooks

    package static func < (one: SettleWitness, other: SettleWitness) -> Bool { one.rawValue < other.rawValue }
}

/// Why a file is not settled.
package enum SettleHold: Hashable, Sendable {
    case rowNotFinished
    /// A second look is due; the first one agreed with all before it.
    case secondLook
    /// No bytes yet.
    case empty
    case short(have: Int64, want: Int64)
    /// More bytes than the row claims: the row is of another file, or the file has grown after it.
    case overlong(have: Int64, want: Int64)
    case unfinishedContainer
    /// At rest, and a part was never written.
    case unwritten
}

package enum SettleDecision: Hashable, Sendable {
    case settled(by: Set<SettleWitness>)
    /// All that there is, and not whole: the recorder is done, the file is at rest, and its structure is broken. It is
    /// evidence as it stands, so it is copied, and a person is told.
    case damaged(by: Set<SettleWitness>)
    /// Look again after `again`, or at a wake, whichever comes first.
    case wait(SettleHold, again: Duration)
    /// Fewer bytes than the row claims. The file may still grow.
    case short(have: Int64, want: Int64, again: Duration)
    /// More bytes than the row claims. The row may still be corrected.
    case overlong(have: Int64, want: Int64, again: Duration)
    /// Held by the same cause past ``SettleWindow/atMost``: a problem for a person. Looking goes on, at `again`.
    case neverSettles(SettleHold, again: Duration)
}

/// Whether a file is complete, by witnesses; no single one is believed alone.
///
/// A FINISHED row with the exact size and a whole container settles at once: that is how delay stays below a second
/// without guessing. Everything less needs two agreeing looks. A row whose size contradicts the file never settles.
package func settle(_ evidence: SettleEvidence, within window: SettleWindow) -> SettleDecision {
    if !evidence.rowIsFinished && window.needsFinishedRow {
        // No end of patience here: a call may last for hours, and its row says itself when it is over.
        return .wait(.rowNotFinished, again: window.quiet)
    }
    var witnesses: Set<SettleWitness> = evidence.rowIsFinished ? [.finishedRow] : []
    let look = evidence.looks.look
    let have = look.size
    if let want = trueSize(claimed: evidence.rowSize, observed: have) {
        if have < want { return held(.short(have: have, want: want), evidence, window) }
        if have > want { return held(.overlong(have: have, want: want), evidence, window) }
        witnesses.insert(.exactSize)
    }
    if have < 0 || have == 0 && !evidence.mayBeEmpty { return held(.empty, evidence, window) }
    if evidence.hasChecksum { witnesses.insert(.checksum) }
    let agreement = evidence.looks.agreement
    let isAtRest = agreement >= window.rest(of: look)
    if isAtRest { witnesses.insert(.agreeingLooks) }
    let isHeldToChecksum = witnesses.isSuperset(of: [.finishedRow, .exactSize, .checksum])
    if look.hasHoles && !isHeldToChecksum {
        let isOtherwiseWhole = witnesses.contains(.exactSize) && evidence.container == .whole
        let rest = isOtherwiseWhole ? window.rest(of: look) : max(window.rest(of: look), window.atMost)
        if !isAtRest { return held(.unwritten, evidence, window) }
        if agreement < rest { return .wait(.unwritten, again: rest - agreement) }
    }
    switch evidence.container {
    case .whole: witnesses.insert(.wholeContainer)
    case .unfinished where have == 0: break
    case .unfinished:
        let mayBeDamaged = evidence.rowIsFinished && isAtRest
        if mayBeDamaged && (witnesses.contains(.exactSize) || evidence.waited >= window.atMost) {
            return .damaged(by: witnesses)
        }
        return held(.unfinishedContainer, evidence, window)
    case .unknown: break
    }
    if isAtRest || isHeldToChecksum { return .settled(by: witnesses) }
    guard witnesses.isSuperset(of: [.finishedRow, .exactSize]) else { return held(.secondLook, evidence, window) }
    if witnesses.contains(.wholeContainer) && !look.hasCoarseStamps { return .settled(by: witnesses) }
    // A format without an end that can be seen: the row and the size agree, and a moment's rest stands for the end.
    let rest = look.hasCoarseStamps ? restOfCoarseStamps : min(window.quiet, momentOfRest)
    if agreement >= rest { return .settled(by: witnesses.union([.agreeingLooks])) }
    return .wait(.secondLook, again: rest - agreement)
}

/// Whether all that a file is made of is vouched for: its row says how long it is, and its container or a checksum that the
/// copy is held to says that it is all there. What is copied with less is looked at again (``Afterlook``).
package func isVouched(
    rowSize: Int64?, hasChecksum: Bool, look: FileLook, container: ContainerState
) -> Bool {
    guard let size = trueSize(claimed: rowSize, observed: look.size), size == look.size else { return false }
    return hasChecksum || container == .whole && !look.hasHoles
}

extension SettleWindow {
    /// How far apart two looks must agree where they decide by themselves.
    func rest(of look: FileLook) -> Duration { look.hasCoarseStamps ? max(quiet, restOfCoarseStamps) : quiet }
}

/// After it, a change is in another second than the one before.
private let restOfCoarseStamps = Duration.seconds(2)

/// How far apart two looks must agree where row and size agree already.
private let momentOfRest = Duration.seconds(1)

/// The size that a row claims, where it can be true: `cfsize` is a signed 32-bit column, so of a file of 2 GiB or more
/// it holds a cut, negative or wrapped number, and its largest value says nothing.
package func trueSize(claimed: Int64?, observed: Int64) -> Int64? {
    guard let claimed, claimed > 0, claimed < Int64(Int32.max), observed <= Int64(Int32.max) else { return nil }
    return claimed
}

private func held(_ hold: SettleHold, _ evidence: SettleEvidence, _ window: SettleWindow) -> SettleDecision {
    let missing = window.rest(of: evidence.looks.look) - evidence.looks.agreement
    // A look sooner than this cannot complete the agreement; a wake may still bring one.
    let again = missing > .zero ? missing : window.quiet
    if evidence.waited >= window.atMost && evidence.rowIsFinished { return .neverSettles(hold, again: again) }
    switch hold {
    case .short(let have, let want): return .short(have: have, want: want, again: again)
    case .overlong(let have, let want): return .overlong(have: have, want: want, again: again)
    case .rowNotFinished, .secondLook, .empty, .unfinishedContainer, .unwritten: return .wait(hold, again: again)
    }
}
