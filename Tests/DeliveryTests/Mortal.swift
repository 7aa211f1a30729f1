import Glibc
import Support
import Synchronization

/// A process that is dead from its `moment`th call about files on: it reaches neither files nor database, as after
/// `kill -9`.
final class Mortal: Sendable {
    private let state = Mutex((calls: 0, isDead: false))
    let moment: Int
    let proxy: DroppingProxy

    init(moment: Int, proxy: DroppingProxy) {
        self.moment = moment
        self.proxy = proxy
    }

    var isDead: Bool { state.withLock { $0.isDead } }

    var calls: FaultyFiles {
        FaultyFiles { [self] _, _ in
            let dies = state.withLock { state in
                state.calls += 1
                defer { state.isDead = state.isDead || state.calls >= moment }
                return state.calls >= moment ? !state.isDead : nil
            }
            guard let dies else { return nil }
            if dies { proxy.stop() }
            return .fail(EIO)
        }
    }
}
