/// Waits for deliveries, but not for one whose volume does not answer: that goes on by itself, and the next ones, which go
/// to other volumes, begin meanwhile.
actor LaggingDeliveries {
    private let isHanging: @Sendable () async -> Bool
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    private var next = 0
    private var lagging = 0

    /// More are waited for, whatever their volumes do.
    private let most: Int
    private static let period = Duration.milliseconds(250)

    /// - Parameter isHanging: whether a volume that answered a moment ago does not now.
    init(most: Int = 8, isHanging: @escaping @Sendable () async -> Bool) {
        self.most = most
        self.isHanging = isHanging
    }

    /// Returns when `body` has ended, or a volume does not answer meanwhile.
    func run(_ body: @escaping @Sendable () async -> Void) async {
        let work = Task { await body() }
        next += 1
        let id = next
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiting[id] = continuation
                Task {
                    await work.value
                    self.ended(id)
                }
                Task { await self.watch(id) }
            }
        } onCancel: {
            work.cancel()
        }
    }

    private func ended(_ id: Int) {
        if let continuation = waiting.removeValue(forKey: id) {
            continuation.resume()
        } else {
            lagging -= 1
        }
    }

    private func watch(_ id: Int) async {
        while true {
            try? await Task.sleep(for: LaggingDeliveries.period)
            guard waiting[id] != nil else { return }
            guard lagging < most, await isHanging(),
                let continuation = waiting.removeValue(forKey: id)
            else { continue }
            lagging += 1
            continuation.resume()
            return
        }
    }
}
