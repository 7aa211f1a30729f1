internal import Delivery
internal import Ledger
internal import Planning
internal import Postgres

/// Delivers large files, each by itself, beside the groups of small ones: a film of hours holds up no call of minutes.
actor LargeFileService {
    private let replay: Replay
    private let deliverer: Deliverer
    private let closing: DeliveryClosing
    private let afterlooks: AfterlookService
    private var queue: [(Transfer, Consignment)] = []
    /// One for each lane.
    private let lagging: LaggingDeliveries
    private let wakes: [Wake]

    /// At a time. More would only make the heads of a disk wander.
    private static let lanes = 2
    /// Waiting for a lane, with their leases kept. More go back, for whoever has time.
    private static let longest = 8

    init(replay: Replay, deliverer: Deliverer, closing: DeliveryClosing, afterlooks: AfterlookService) {
        self.afterlooks = afterlooks
        self.replay = replay
        self.deliverer = deliverer
        self.closing = closing
        lagging = LaggingDeliveries(most: LargeFileService.lanes) { [deliverer] in await deliverer.isVolumeSilent() }
        wakes = (0..<LargeFileService.lanes).map { _ in Wake() }
    }

    /// Takes a claimed transfer over, whose file has settled. False: there are enough already.
    func take(_ transfer: Transfer, _ consignment: Consignment) -> Bool {
        guard queue.count < LargeFileService.longest else { return false }
        queue.append((transfer, consignment))
        for wake in wakes { wake.wake() }
        return true
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepLeases() }
            for wake in wakes { group.addTask { await self.work(wake) } }
        }
    }

    private func work(_ wake: Wake) async {
        while !Task.isCancelled {
            guard !queue.isEmpty else {
                await wake.wait(atMost: .seconds(60))
                continue
            }
            guard await deliverer.resources.isOpen() else {
                await Wake.rest(.seconds(1))
                continue
            }
            // Another lane may have taken it meanwhile.
            if queue.isEmpty { continue }
            let (transfer, consignment) = queue.removeFirst()
            // One whose volume does not answer goes on by itself: the lane is for those of others.
            await lagging.run { await self.carry(transfer, consignment) }
        }
    }

    private func carry(_ transfer: Transfer, _ consignment: Consignment) async {
        // From here on the delivery keeps its own lease.
        let outcomes = await deliverer.deliver([consignment])
        let done = await closing.close(outcomes.map { (transfer, consignment, $0) })
        if !done.isEmpty { await afterlooks.remember([consignment]) }
    }

    /// What waits for a lane stays ours.
    private func keepLeases() async {
        while !Task.isCancelled {
            await Wake.rest(TransferService.lease / 3)
            let claims = queue.compactMap(\.0.claim)
            if claims.isEmpty { continue }
            // What is lost is found lost when its intent is opened.
            _ = try? await replay.database.perform { session in
                try Transfers.renew(claims, lease: TransferService.lease, in: session)
            }
        }
    }
}
