package import Delivery
package import Files
package import Settings
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
    private let problems: ProblemBook
    private let narrator: any Narrator
    private(set) var state: MountState?
    private var goneSince: ContinuousClock.Instant?

    package init(
        mount: MountSettings, source: SourceName, threads: FileThreads, timeout: Duration, problems: ProblemBook,
        narrator: any Narrator
    ) {
        self.mount = mount.path
        self.source = source
        proof = MountProof(
            MountExpectation(
                path: mount.directory, mustBeMountPoint: mount.isMountPoint, marker: mount.marker?.utf8Text),
            threads: threads, timeout: timeout)
        self.problems = problems
        self.narrator = narrator
    }

    /// Proves the mount now. Nil: it is not there, or not the right one.
    package func prove() async -> MountIdentity? {
        let next = await proof.look()
        let before = state
        state = next
        switch next {
        case .proven(let identity):
            if let since = goneSince {
                await back(after: ContinuousClock.now - since)
            } else if before == nil {
                // An earlier process may have told of its absence, and ended before it was back.
                try? await problems.close(.mountUnavailable, subject: subject, place: source.rawValue)
            }
            return identity
        case .absent(let absence): await gone(.mountAbsent, "it is not mounted", word: "\(absence)", before)
        case .wrong(let fault): await gone(.mountWrong, "it is not the right one", word: "\(fault.word)", before)
        case .unresponsive: await gone(.mountUnresponsive, "it does not answer", word: "timeout", before)
        }
        return nil
    }

    private var facts: [Fact] { [.mount(mount), .source(source)] }
    private var subject: String { "mount \(mount)" }

    private func gone(_ event: Event, _ clause: String, word: String, _ before: MountState?) async {
        if before == state { return }
        let since = goneSince ?? .now
        goneSince = since
        narrator.tell(event, facts: facts + [.reason(word), .elapsed(ContinuousClock.now - since)])
        // Where the ledger is away too, the journal has said it; the next change says it to both.
        try? await problems.open(
            ProblemBook.Finding(
                .mountUnavailable, subject: subject, place: source.rawValue,
                what: "Mount \(mount) cannot be used: \(clause)."))
    }

    private func back(after elapsed: Duration) async {
        goneSince = nil
        narrator.tell(.mountBack, facts: facts + [.elapsed(elapsed)])
        try? await problems.close(.mountUnavailable, subject: subject, place: source.rawValue)
    }
}

extension MountFault {
    /// One word for programs.
    fileprivate var word: String {
        switch self {
        case .notDirectory: "not-a-directory"
        case .otherFileSystem: "other-file-system"
        case .noMarker: "no-marker"
        case .otherMarker: "other-marker"
        case .unreadable: "unreadable"
        }
    }
}
