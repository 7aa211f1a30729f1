import Glibc
import Postgres
import Synchronization

/// Runs a body on another database from inside a body, which is on a thread that may block.
func blocking(_ database: Database, _ body: @escaping @Sendable (Session) throws -> Void) throws {
    let outcome = Mutex<Result<Void, any Error>?>(nil)
    Task {
        let result: Result<Void, any Error>
        do {
            try await database.perform(body)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        outcome.withLock { $0 = result }
    }
    while true {
        if let result = outcome.withLock({ $0 }) { return try result.get() }
        usleep(1000)
    }
}

/// Counts how often something happened.
final class Counter: Sendable {
    private let number = Atomic<Int>(0)
    @discardableResult func add() -> Int { number.add(1, ordering: .relaxed).newValue }
    var count: Int { number.load(ordering: .relaxed) }
}
