package import Delivery
internal import Planning
package import Telemetry
package import Vocabulary
package import Watching

/// The mount of this agent: proven again and again, and told of when it goes and when it is back.
///
/// Nothing is concluded from a mount that is not proven. The agent stays up: it is the one that reports the absence.
package actor MountGuard {
    package nonisolated let mount: MountPath
    private let source: SourceName
    private let proof: MountProof
    private let replaced: @Sendable () -> Void
    private let problems: ProblemBook
    private let narrator: any Narrator
    private let changed: @Sendable () -> Void
    private let bell = Wake()
    private let bookBell = Wake()
    private var last: MountVerdict?
    private var provenAt: ContinuousClock.Instant?
    private var lastRoot: MountRoot?
    private var goneAt: ContinuousClock.Instant?
    /// When it was last found gone or another.
    private var troubledAt: ContinuousClock.Instant?
    /// Events of this absence: a mount that answers now late and now with an error is told of once for each.
    private var told: Set<Event> = []
    /// What the ledger is to say of it, and what it says; nil where that is not known.
    private var wanted: String?
    private var booked: Booked?

    private enum Booked: Equatable {
        case open(String)
        case closed
    }

    /// Between two proofs.
    package static let period = Duration.seconds(1)
    private static let localPeriod = Duration.seconds(5)
    /// What a proof said holds for this long, where a loss that comes meanwhile costs no more than a look.
    private static let freshness = Duration.seconds(2)
    /// How long after trouble with the mount what failed there is not believed to be a recording's own fault.
    private static let aftermath = Duration.seconds(60)
    /// Between two tries to tell the ledger.
    private static let bookPause = Duration.seconds(2)

    /// - Parameters:
    ///   - proof: shared with all that watch the mount.
    ///   - replaced: called when another mount is in the place of the one that was proven before: what hangs on that
    ///     one hangs for nothing.
    ///   - changed: called at each change of state.
    package init(
        mount: MountPath, source: SourceName, proof: MountProof, problems: ProblemBook, narrator: any Narrator,
        replaced: @escaping @Sendable () -> Void = {}, changed: @escaping @Sendable () -> Void = {}
    ) {
        self.mount = mount
        self.source = source
        self.proof = proof
        self.replaced = replaced
        self.problems = problems
        self.narrator = narrator
        self.changed = changed
    }

    /// Nil before the first proof has ended.
    package var state: MountState? { last?.state }

    /// Proves the mount for as long as the task runs, and tells the journal and the ledger what comes of it.
    package func run() async {
        let bell = bell
        proof.onChange { bell.wake() }
        let table = MountTableWatch { [proof] in proof.doubt() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepProving(isTold: table != nil) }
            group.addTask { await self.keepBook() }
        }
        table?.end()
    }

    private func keepProving(isTold: Bool) async {
        while !Task.isCancelled {
            let pause = pause(isTold: isTold)
            take(await proof.verdict(within: pause))
            await bell.wait(atMost: pause)
        }
    }

    /// What has no server goes and comes by a change of the mount table, which is told.
    private func pause(isTold: Bool) -> Duration {
        guard isTold, case .proven(let identity)? = last?.state,
            writerVisibility(ofFileSystem: identity.fileSystem.type) == .local
        else { return MountGuard.period }
        return MountGuard.localPeriod
    }

    /// The mount as it was a moment ago; good for beginning something that is checked in the end. Nil: it is not there,
    /// or not the right one.
    package func proven() async -> MountIdentity? {
        identity(take(await proof.verdict(within: MountGuard.freshness)))
    }

    /// Proves the mount now, for a conclusion. Nil: it is not there, or not the right one.
    package func prove() async -> MountIdentity? { identity(take(await proof.verdict())) }

    /// Whether the mount is there now, and has been for so long that a failure at it is a failure of the file.
    package func isSteady() async -> Bool {
        guard await prove() != nil else { return false }
        return troubledAt.map { ContinuousClock.now - $0 > MountGuard.aftermath } ?? true
    }

    private func identity(_ state: MountState) -> MountIdentity? {
        if case .proven(let identity) = state { return identity }
        return nil
    }

    // MARK: Telling

    @discardableResult
    private func take(_ verdict: MountVerdict) -> MountState {
        // Those who asked together come with one verdict, and one who was held up with an old one.
        if let last, verdict.number <= last.number { return verdict.state }
        // What is not known is not told: the mount stays what it was, and nothing is begun meanwhile.
        guard verdict.state.isKnown else { return verdict.state }
        let before = last?.state
        last = verdict
        if case .proven(let identity) = verdict.state {
            provenAt = verdict.began
            if let lastRoot, lastRoot != identity.root {
                troubledAt = .now
                replaced()
            }
            lastRoot = identity.root
            if goneAt != nil || before == nil { back() }
        } else {
            troubledAt = .now
            if before != verdict.state { gone(verdict) }
        }
        if before != verdict.state { changed() }
        return verdict.state
    }

    private var facts: [Fact] { [.mount(mount), .source(source)] }
    private var subject: String { "mount \(mount)" }

    private func gone(_ verdict: MountVerdict) {
        // It went when it did not prove itself any more, or at the latest when this process came.
        let since = goneAt ?? provenAt ?? verdict.began
        goneAt = since
        let (event, word, text) = verdict.state.words
        wanted = "Mount \(mount) cannot be used: \(text)."
        bookBell.wake()
        guard told.insert(event).inserted else { return }
        narrator.tell(
            event, facts: facts + [.reason(word), .detail(text), .elapsed(ContinuousClock.now - since)])
    }

    private func back() {
        wanted = nil
        bookBell.wake()
        told = []
        guard let since = goneAt else { return }
        goneAt = nil
        narrator.tell(.mountBack, facts: facts + [.elapsed(ContinuousClock.now - since)])
    }

    /// Brings the ledger to what is so, however often that fails. Nobody waits for it: a ledger that is away delays no
    /// proof.
    private func keepBook() async {
        while !Task.isCancelled {
            await writeBook()
            await bookBell.wait(atMost: isBooked ? .seconds(3600) : MountGuard.bookPause)
        }
    }

    private var isBooked: Bool { last == nil || booked == aim }
    private var aim: Booked { wanted.map { .open($0) } ?? .closed }

    private func writeBook() async {
        // An earlier process may have told of an absence, and ended before it was over.
        if isBooked { return }
        let aim = aim
        do {
            switch aim {
            case .open(let what):
                try await problems.open(
                    ProblemBook.Finding(.mountUnavailable, subject: subject, place: source.rawValue, what: what))
            case .closed:
                try await problems.close(.mountUnavailable, subject: subject, place: source.rawValue)
            }
            booked = aim
        } catch {
            // The ledger's absence is told by the process.
            booked = nil
        }
    }
}

extension MountState {
    /// What is told of a mount that is not proven: the event, a word for programs, and a clause for people.
    fileprivate var words: (Event, String, String) {
        switch self {
        case .proven: (.mountBack, "proven", "it proves itself")
        case .absent(let absence): (.mountAbsent, absence.words.0, absence.words.1)
        case .wrong(let fault): (.mountWrong, fault.words.0, fault.words.1)
        case .unresponsive: (.mountUnresponsive, "timeout", "it does not answer")
        case .unknown: (.mountUnresponsive, "unknown", "this process has run out of descriptors or memory")
        }
    }
}
