internal import Glibc
internal import Vocabulary

/// A database with a few connections of its own, made when first needed and made anew when they break.
///
/// A body runs on a thread that owns its session, start to end: nothing interleaves, and blocking hurts nobody else.
package final class Database: Sendable {
    package enum Isolation: String, Sendable {
        case readCommitted = "read committed"
        case repeatableRead = "repeatable read"
        case serializable
    }

    package let settings: ConnectionSettings
    private let threads: SessionThreads
    /// How often a transaction is run when others are in its way.
    private static let runLimit = 12

    package init(_ settings: ConnectionSettings, connections: Int = 2) {
        self.settings = settings
        threads = SessionThreads(count: max(1, connections), name: "db")
    }

    deinit { threads.stop() }

    /// Runs `body` with a session, each statement for itself.
    @discardableResult
    package func perform<Outcome: Sendable>(
        _ body: @escaping @Sendable (Session) throws -> Outcome
    ) async throws -> Outcome {
        try await onThread { session in
            let standing = try Database.ready(&session, self.settings)
            let outcome: Outcome
            do {
                outcome = try body(standing)
            } catch {
                // What else is on its way is nobody's answer to come.
                try? standing.settle()
                throw error
            }
            try standing.settle()
            return outcome
        }
    }

    /// Runs `body` in a transaction and commits it; an error that `body` throws rolls back and is thrown on.
    ///
    /// Serialization failures and deadlocks rerun the body (and unique violations too where `rerunsUniqueViolations`
    /// says that a rerun will look and find), so it must have no effect but its statements. A COMMIT whose answer
    /// was lost is resolved by asking the server for the transaction's fate; only where that stays unanswered is
    /// `commitUnknown` thrown.
    /// - Parameter isDurable: forces `synchronous_commit`, whatever the database's default is.
    @discardableResult
    package func transaction<Outcome: Sendable>(
        _ isolation: Isolation = .readCommitted, isDurable: Bool = true, rerunsUniqueViolations: Bool = false,
        _ body: @escaping @Sendable (Session) throws -> Outcome
    ) async throws -> Outcome {
        try await onThread { session in
            for run in 1... {
                do {
                    return try Database.runOnce(&session, self.settings, isolation, isDurable, body)
                } catch let error as PostgresError {
                    let again =
                        switch error.code {
                        case .conflict: true
                        case .uniqueViolation: rerunsUniqueViolations
                        case .unreachable, .connectionLost, .commitUnknown, .refused, .timeout, .permission,
                            .badSettings, .schema, .badValue, .resources, .other:
                            false
                        }
                    guard again, run < Database.runLimit else { throw error }
                    // On a thread of our own. Without a pause the faster of two would win every time.
                    usleep(UInt32.random(in: 0...(500 << UInt32(min(run, 8)))))
                }
            }
            preconditionFailure("a transaction ended without outcome")
        }
    }

    private func onThread<Outcome: Sendable>(
        _ work: @escaping @Sendable (inout Session?) throws -> Outcome
    ) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            threads.add { session in continuation.resume(with: Result { try work(&session) }) }
        }
    }

    /// The thread's session, made anew where it broke.
    private static func ready(_ session: inout Session?, _ settings: ConnectionSettings) throws -> Session {
        if let standing = session, standing.stands, !standing.isInTransaction { return standing }
        session = nil
        let made = try Session(settings)
        session = made
        return made
    }

    private static func runOnce<Outcome>(
        _ slot: inout Session?, _ settings: ConnectionSettings, _ isolation: Isolation, _ isDurable: Bool,
        _ body: (Session) throws -> Outcome
    ) throws -> Outcome {
        let session = try ready(&slot, settings)
        let outcome: Outcome
        let fate: Fate
        do {
            try session.send("begin isolation level \(isolation.rawValue)")
            if isDurable { try session.send("set local synchronous_commit = on") }
            outcome = try body(session)
            guard !session.hasFailed else {
                throw PostgresError(
                    code: .other, doing: "commit to \(settings.label)",
                    message: "a statement failed and its error was passed over")
            }
            // Waits for all that is on its way as well.
            fate = try Fate(of: session)
        } catch {
            try? session.settle()
            if !session.stands || (try? session.execute("rollback")) == nil { slot = nil }
            throw error
        }
        do {
            try session.execute("commit")
        } catch let error as PostgresError where error.code == .connectionLost {
            slot = nil
            switch fate {
            case .nothingWritten: break
            case .tells(let identity): try resolve(identity, &slot, settings)
            case .silent:
                throw PostgresError(
                    code: .commitUnknown, doing: "commit to \(settings.label)",
                    message: "the answer was lost, and a server before PostgreSQL 10 cannot be asked")
            }
        }
        return outcome
    }

    /// What can be asked about a transaction when the answer to its COMMIT is lost.
    private enum Fate {
        case nothingWritten
        /// The transaction's identity, which the server knows the fate of.
        case tells(Int64)
        case silent

        init(of session: Session) throws {
            guard session.serverVersion >= 100_000 else {
                try session.settle()
                self = .silent
                return
            }
            let row = try session.first("select txid_current_if_assigned() as identity")
            self = try row?.optionalInteger("identity").map(Fate.tells) ?? .nothingWritten
        }
    }

    /// Returns when the transaction was committed; throws `conflict`, to run it again, when it was not.
    private static func resolve(
        _ identity: Int64, _ slot: inout Session?, _ settings: ConnectionSettings
    ) throws {
        for _ in 0..<25 {
            usleep(200_000)  // On a thread of our own, after a failure: the server needs a moment to come back.
            guard let session = try? ready(&slot, settings) else { continue }
            let fate = try? session.first("select txid_status($1) as fate", [.integer(identity)])?.optionalText("fate")
            switch fate {
            case "committed": return
            case "aborted":
                throw PostgresError(
                    code: .conflict, doing: "commit to \(settings.label)", message: "the connection broke before COMMIT"
                )
            default: continue
            }
        }
        throw PostgresError(
            code: .commitUnknown, doing: "commit to \(settings.label)",
            message: "the answer was lost and the server cannot be asked; the next look will find what was committed")
    }
}
