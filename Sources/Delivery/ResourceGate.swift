internal import Files

/// Whether this process may begin new work: not while descriptors or memory have run out here. What is under way goes on, and
/// gives back what it holds.
///
/// Whoever meets it closes the gate, for a second at first and for twice as long each time, up to a minute. It opens when that is
/// over and there are descriptors again, and lets fewer files at once through for as long as it is not calm.
package actor ResourceGate {
    private let problems: ProblemBook
    private let subject: String
    private let spare: @Sendable (Int) -> Int
    /// Monotonic, as a span since any start.
    private let clock: @Sendable () -> Duration
    /// Nil: open.
    private var closedUntil: Duration?
    private var rest = Duration.zero
    /// When it was met last. The start counts as such: only after a calm is what an earlier process told of over.
    private var met: Duration?
    private var files: Int?
    /// Nil: not known what an earlier process left.
    private var isTold: Bool?

    private static let first = Duration.seconds(1)
    private static let longest = Duration.seconds(60)
    /// Without meeting it for so long it is over.
    package static let calm = Duration.seconds(600)
    /// Descriptors for what is no copy: sockets, looks at volumes and mounts.
    private static let kept = 32
    /// More is not asked for.
    private static let most = 512

    /// - Parameters:
    ///   - process: who has run out, for people.
    ///   - spare: how many descriptors are left, up to a number.
    package init(
        process: String, problems: ProblemBook,
        spare: @escaping @Sendable (Int) -> Int = ProcessLimits.spareDescriptors(atMost:),
        clock: @escaping @Sendable () -> Duration = VolumeRoster.monotonic()
    ) {
        subject = process
        self.problems = problems
        self.spare = spare
        self.clock = clock
        met = clock()
    }

    /// Something failed, as there was nothing left.
    package func close(_ error: any Error) async {
        met = clock()
        // What was under way meets it, too.
        if closedUntil != nil { return }
        await closeAnew(String(describing: error))
    }

    /// Whether new work may begin. To be asked before each piece of it.
    package func isOpen() async -> Bool {
        let now = clock()
        guard let until = closedUntil else {
            if let met, now - met >= ResourceGate.calm { await calmDown() }
            return true
        }
        if now < until { return false }
        let left = spare(ResourceGate.most)
        guard left > ResourceGate.kept else {
            met = now
            await closeAnew("it may have \(left) descriptors more")
            return false
        }
        closedUntil = nil
        files = max(1, (left - ResourceGate.kept) / 2)
        return true
    }

    /// Of so many files at once those that there are descriptors for.
    package func most(_ limit: Int) -> Int { min(limit, files ?? limit) }

    private func closeAnew(_ why: String) async {
        let isFirst = rest == .zero
        rest = isFirst ? ResourceGate.first : min(rest * 2, ResourceGate.longest)
        closedUntil = clock() + rest
        // Once is a burst.
        if isFirst || isTold == true { return }
        let finding = ProblemBook.Finding(
            .outOfResources, subject: subject, place: subject,
            what:
                "The \(subject) has run out of descriptors or memory again, and begins nothing new until it has some: \(why)."
        )
        if (try? await problems.open(finding)) != nil { isTold = true }
    }

    private func calmDown() async {
        (rest, files) = (.zero, nil)
        if isTold != false {
            guard (try? await problems.close(.outOfResources, subject: subject, place: subject)) != nil else { return }
            isTold = false
        }
        met = nil
    }
}
