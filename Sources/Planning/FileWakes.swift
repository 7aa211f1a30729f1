package import Vocabulary

/// Gathers files that were seen into wakes: by name while they are few, and of everything that waits for a file where
/// they are many. A state machine without a clock.
package struct FileWakes: Sendable {
    /// What to do now.
    package enum Step: Hashable, Sendable {
        case nothing
        /// Wake what waits for one of these, relative to the mount.
        case named([FilePath])
        /// Wake whatever waits for a file that was not there.
        case all
    }

    /// Names in one statement.
    private let namesAtOnce: Int
    /// Between two wakes of everything, which doubles while that goes on; a tenth of it after a statement that was full
    /// of names, less after one with fewer.
    private let spacing: Duration
    /// Between two wakes by name, at least.
    private static let shortest = Duration.milliseconds(10)
    private var names: [FilePath] = []
    private var wantsAll = false
    private var nextNamed: Duration = .zero
    private var nextAll: Duration = .zero
    private var lastAll: Duration?
    private var allSpacing: Duration

    package init(namesAtOnce: Int = 1000, spacing: Duration = .seconds(1)) {
        precondition(namesAtOnce > 0)
        self.namesAtOnce = namesAtOnce
        self.spacing = spacing
        allSpacing = spacing
    }

    /// A file was closed or moved in.
    package mutating func note(_ file: FilePath) {
        if names.count < namesAtOnce { names.append(file) } else { wantsAll = true }
    }

    /// Any number of files was seen; `files` gives each when asked.
    package mutating func note(_ count: Int, _ file: (Int) -> FilePath) {
        if count > namesAtOnce - names.count {
            wantsAll = true
        } else {
            for index in 0..<count { names.append(file(index)) }
        }
    }

    /// Anything may have come.
    package mutating func noteAll() { wantsAll = true }

    /// When there is something to do; nil when there is nothing.
    package var due: Duration? {
        switch (names.isEmpty, wantsAll) {
        case (true, false): nil
        case (false, false): nextNamed
        case (true, true): nextAll
        case (false, true): min(nextNamed, nextAll)
        }
    }

    /// What is due, taken out.
    package mutating func next(at now: Duration) -> Step {
        if wantsAll && now >= nextAll {
            wantsAll = false
            allSpacing =
                lastAll.map { now - $0 < allSpacing * 2 } == true ? min(allSpacing * 2, FileWakes.longest) : spacing
            lastAll = now
            nextAll = now + allSpacing
            return .all
        }
        guard !names.isEmpty, now >= nextNamed else { return .nothing }
        defer { names = [] }
        nextNamed = now + max(FileWakes.shortest, spacing * names.count / (10 * namesAtOnce))
        return .named(names)
    }

    /// All were woken, which makes each of them look: no more are until they are through.
    package mutating func wokeAll(_ count: Int, at now: Duration) {
        nextAll = max(nextAll, now + min(.milliseconds(count), FileWakes.longest))
    }

    private static let longest = Duration.seconds(60)
}
