internal import Planning
internal import Telemetry
package import Vocabulary
package import Watching

/// How a mount is watched, as it is told in the journal and shown in status.
package struct WatchWords: Sendable {
    private let mount: MountPath
    private let source: SourceName
    private var decision: WatchModeDecision?
    private var told: Told?
    package private(set) var fileSystem: String?
    package private(set) var coverage = WatchCoverage()
    private var degradedSince: ContinuousClock.Instant?
    /// Directories without a watch or a listing when that was last told.
    private var toldUncovered = 0

    private struct Told: Equatable {
        var mode: WatchMode
        var hasInstance: Bool
        var fileSystem: String?
    }

    package init(mount: MountPath, source: SourceName) {
        self.mount = mount
        self.source = source
    }

    /// `starting`, `event`, `mixed`, `polling`.
    package var mode: String { decision?.mode.rawValue ?? "starting" }

    /// What an operator should know of it and the file system's type does not say; nil where there is nothing.
    package var note: String? {
        let parts = [reason, uncovered].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    /// Whether not all of the tree is covered as the mode promises.
    package var isDegraded: Bool { coverage.isDegraded || decision?.reason == .noInstance }

    private var reason: String? {
        guard let decision, !decision.isByType else { return nil }
        return decision.why(fileSystem: fileSystem ?? "it")
    }

    private var uncovered: String? {
        var parts: [String] = []
        if coverage.polled > 0 {
            parts.append(
                "\(coverage.polled) of \(coverage.watched + coverage.polled) directories are polled, as the kernel's"
                    + " limit on watches is reached (fs.inotify.max_user_watches)")
        }
        if coverage.unreadable > 0 { parts.append("\(coverage.unreadable) directories cannot be read") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    mutating func take(_ hint: WatchHint, telling narrator: any Narrator) {
        switch hint {
        case .file, .found, .rescanned, .mountLost: break
        case .mountProven(let identity): fileSystem = identity.fileSystem.type
        case .mode(let decision): decide(decision, telling: narrator)
        case .degraded(let now), .covered(let now):
            coverage = now
            tellDegradation(to: narrator)
        case .eventsLost: narrator.tell(.eventsLost, .mount(mount), .source(source))
        case .eventsComplete(let rescans, let elapsed):
            narrator.tell(
                .eventsComplete, .mount(mount), .source(source), .count(rescans), .elapsed(elapsed))
        }
    }

    private mutating func decide(_ new: WatchModeDecision, telling narrator: any Narrator) {
        let before = decision
        decision = new
        let telling = Told(mode: new.mode, hasInstance: new.reason != .noInstance, fileSystem: fileSystem)
        guard told != telling else { return }
        told = telling
        var facts: [Fact] = [
            .mount(mount), .source(source), .state(new.mode.rawValue),
            .reason(new.why(fileSystem: fileSystem ?? "its file system")),
        ]
        if let before { facts.append(.previousState(before.mode.rawValue)) }
        narrator.tell(.watchMode, facts: facts)
        tellDegradation(to: narrator)
    }

    /// Once, again where it has become twice as bad, and when it is over.
    private mutating func tellDegradation(to narrator: any Narrator) {
        guard isDegraded else {
            guard let since = degradedSince else { return }
            (degradedSince, toldUncovered) = (nil, 0)
            return narrator.tell(
                .watchRecovered, .mount(mount), .source(source), .elapsed(ContinuousClock.now - since))
        }
        let count = coverage.polled + coverage.unreadable
        if degradedSince != nil && count < 2 * max(1, toldUncovered) { return }
        if degradedSince == nil { degradedSince = .now }
        toldUncovered = count
        let instance = decision?.reason == .noInstance ? reason : nil
        narrator.tell(
            .watchDegraded, .mount(mount), .source(source), .count(count),
            .reason([instance, uncovered].compactMap { $0 }.joined(separator: "; ")))
    }
}
