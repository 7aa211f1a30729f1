internal import Synchronization
internal import Vocabulary

/// What reserving space on a volume showed.
package final class SpaceNotes: Sendable {
    private let refused = Atomic<Bool>(false)

    package init() {}

    /// Its file system can't reserve: that there is no space shows while writing.
    package var cannotReserve: Bool { refused.load(ordering: .relaxed) }

    func noteRefusal() { refused.store(true, ordering: .relaxed) }
}
