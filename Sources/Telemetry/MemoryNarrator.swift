internal import Synchronization

/// Keeps what it is told, for tests.
package final class MemoryNarrator: Narrator {
    private let kept = Mutex<[Entry]>([])

    package init() {}

    package func tell(_ entry: Entry) { kept.withLock { $0.append(entry) } }

    /// Everything told so far, in order.
    package var entries: [Entry] { kept.withLock { $0 } }

    package var events: [Event] { entries.map(\.event) }

    package func entries(of event: Event) -> [Entry] { entries.filter { $0.event == event } }
}
