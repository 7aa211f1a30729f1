internal import HTTP
internal import Vocabulary

/// What a service of the site said no to, or could not say. Its text holds no id and no phone number.
package struct SiteError: Retryable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No answer, or one that says later, as often as it was asked.
        case unavailable
        /// Name and password are not accepted, or may not do it.
        case permission
        /// Nothing there; also what belongs to another region.
        case notFound = "not found"
        /// It is there already.
        case exists
        /// It may have been carried out or not.
        case unknown
        /// Any other no.
        case refused
        /// An answer that makes no sense.
        case malformed
        /// Page links that lead in a circle, elsewhere, or nowhere though there is more.
        case paging
        /// What is at the store is not what was sent.
        case damaged
        /// A kind of store that is not supported.
        case unsupported
        case cancelled
    }
    package let code: Code
    /// What was being done, where.
    package let doing: String
    package let message: String

    package init(_ code: Code, doing: String, message: String = "") {
        self.code = code
        self.doing = doing
        self.message = message
    }

    package var isTransient: Bool {
        switch code {
        case .unavailable, .unknown, .damaged, .cancelled, .paging: true
        case .permission, .notFound, .exists, .refused, .malformed, .unsupported: false
        }
    }

    package var description: String {
        "\(doing): \(code.rawValue)" + (message.isEmpty ? "" : ": \(message)")
    }
}

extension SiteError {
    /// From a failure after which nothing is tried again.
    init(_ failure: HTTPFailure) {
        let code: Code =
            switch failure.code {
            case .cancelled: .cancelled
            case .untrusted: .permission
            case .tooLarge: .malformed
            case .unreached, .broken, .sink: .unavailable
            }
        self.init(code, doing: failure.doing, message: failure.message)
    }

    /// From an answer that says no.
    init(_ answer: HTTPAnswer, code: Int?, doing: String) {
        let kind: Code =
            switch (answer.status, code) {
            case (401, _), (403, _), (_, 3), (_, 5), (_, 8), (_, 20): .permission
            case (404, _), (_, 6): .notFound
            case (409, _), (_, 18): .exists
            case (300..<400, _): .refused
            case (500..., _), (408, _), (429, _), (_, 4), (_, 9): .unavailable
            default: .refused
            }
        let codeText = code.map { ", statusCode \($0)" } ?? ""
        let lead =
            (300..<400).contains(answer.status) ? ", which leads elsewhere and is not followed" : ""
        let excerpt = answer.excerpt
        self.init(
            kind, doing: doing,
            message: "status \(answer.status)\(codeText)\(lead)" + (excerpt.isEmpty ? "" : ": \(excerpt)")
        )
    }
}
