internal import Synchronization

/// Whether the replay's notifications are heard now: a connection listens, and shows life every few seconds. While it
/// does, nobody has to ask often for what would be told.
package final class Hearing: Sendable {
    private let isOn = Atomic<Bool>(false)

    package init() {}

    package var isGood: Bool { isOn.load(ordering: .relaxed) }

    func change(to isGood: Bool) { isOn.store(isGood, ordering: .relaxed) }
}
