internal import Interaction
internal import Vocabulary

/// Why a pair has no result, with the name that its result would have: the same in every worker's log.
struct PairFailure: Retryable, CustomStringConvertible {
    /// Of the result.
    let name: String
    let isTransient: Bool
    private let text: String

    /// What ends a worker's look at a call is no pair's failure, and stays what it is.
    static func of(_ error: any Error, _ pair: SourcePair) -> any Error {
        SiteWork.isEnd(error) ? error : PairFailure(error, pair)
    }

    private init(_ error: any Error, _ pair: SourcePair) {
        name = pair.resultName
        isTransient = (error as? any Retryable)?.isTransient ?? (error as? MuxFailure)?.isTransient ?? true
        text = String(describing: error)
    }

    var description: String { "result \(name): \(text)" }
}
