internal import Vocabulary

/// A request that came to no answer. An answer that says no is an answer, and no failure.
///
/// Its text names the origin, never a path or a query: those hold ids of recordings and phone numbers.
package struct HTTPFailure: Retryable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No connection was made: nothing was sent.
        case unreached
        /// The connection broke or stood still: it was carried out or not.
        case broken
        /// The certificate does not prove the host, or is not signed by anyone who is trusted here.
        case untrusted
        /// The answer is longer than was allowed for.
        case tooLarge = "too large"
        /// What takes the body could not take it.
        case sink
        /// The task was cancelled.
        case cancelled
    }
    package let code: Code
    /// What was being done, where.
    package let doing: String
    package let message: String

    package init(code: Code, doing: String, message: String) {
        self.code = code
        self.doing = doing
        self.message = message
    }

    package var isTransient: Bool {
        switch code {
        case .unreached, .broken, .cancelled, .sink: true
        case .untrusted, .tooLarge: false
        }
    }

    package var description: String {
        "\(doing): \(code.rawValue)" + (message.isEmpty ? "" : ": \(message)")
    }
}
