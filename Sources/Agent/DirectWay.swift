internal import Ledger
internal import Postgres
internal import Synchronization
package import Vocabulary

/// The short way of what the keeper finds on its own agent's mount: claimed with its plan, looked at and delivered at
/// once, beside the next look. It spares the ledger the claim, and the recording the wait for it. What finds no lane here
/// waits in the ledger as what lies on other mounts does.
package final class DirectWay: Sendable {
    package let mount: MountPath
    private let batches: AsyncStream<Batch>
    private let intake: AsyncStream<Batch>.Continuation
    private let taken = Mutex(0)
    private let freed = Mutex<(@Sendable () -> Void)?>(nil)

    /// Batches under way at a time. While all lanes are taken recordings gather, and share what comes after.
    private static let lanes = 3

    private struct Batch: Sendable {
        let claimed: [Transfer]
        let recordings: [RecordingReference: SourceRecording]
    }

    package init(mount: MountPath) {
        self.mount = mount
        (batches, intake) = AsyncStream.makeStream()
    }

    package func run(with transfers: TransferService) async {
        await withDiscardingTaskGroup { group in
            for await batch in batches {
                group.addTask { [self] in
                    await transfers.carryOutAtOnce(batch.claimed, of: batch.recordings)
                    leave()
                }
            }
        }
    }

    /// Takes a lane, where one is free: to be used by ``deliver(_:of:)`` or given back by ``leave()``.
    func enter() -> Bool {
        taken.withLock { count in
            guard count < DirectWay.lanes else { return false }
            count += 1
            return true
        }
    }

    func leave() {
        let wasFull = taken.withLock { count in
            count -= 1
            return count == DirectWay.lanes - 1
        }
        if wasFull { freed.withLock { $0 }?() }
    }

    /// Whether all lanes are taken.
    var isFull: Bool { taken.withLock { $0 >= DirectWay.lanes } }

    /// Calls `body` whenever one of taken lanes is free again.
    func onFree(_ body: @escaping @Sendable () -> Void) { freed.withLock { $0 = body } }

    /// Delivers these on the lane that was taken.
    func deliver(_ claimed: [Transfer], of recordings: [RecordingReference: SourceRecording]) {
        if claimed.isEmpty { return leave() }
        intake.yield(Batch(claimed: claimed, recordings: recordings))
    }
}
