/// What came of a request, as far as it matters for whether it is made again.
package enum RequestOutcome: Hashable, Sendable {
    /// No connection was made, so nothing was sent.
    case unreached
    /// The connection broke, stood still or took too long after it was made: carried out or not.
    case broken
    /// The other side could not prove who it is, or wants to send us elsewhere.
    case untrusted
    /// An answer came as a whole. `code` is RWS's `statusCode`, nil where the body has none.
    case answered(status: Int, code: Int?)
    /// An answer of success that makes no sense: no JSON, cut, longer than allowed.
    case unreadable
}

/// What a request does at the other side, as far as it matters for whether it may be made twice.
package enum RequestEffect: Hashable, Sendable {
    /// None.
    case reads
    /// Doing it twice is doing it once.
    case repeats
    /// Doing it twice makes two of something.
    case creates
}

/// What to do after an outcome.
package enum RequestVerdict: Hashable, Sendable {
    case done
    /// The same request may succeed later.
    case again
    /// A new session has to be got first; once.
    case renewSession
    /// It will never succeed like this.
    case refused
    /// It may have been carried out: look before doing anything.
    case unknown
}

/// Decides from one outcome. `mentionsToken` is whether a 403 speaks of the CSRF token.
package func judge(_ outcome: RequestOutcome, of effect: RequestEffect, mentionsToken: Bool = false) -> RequestVerdict {
    switch outcome {
    case .unreached: return .again
    case .untrusted: return .refused
    case .broken, .unreadable: return effect == .creates ? .unknown : .again
    case .answered(let status, let code):
        if status == 403, mentionsToken { return effect == .reads ? .refused : .renewSession }
        if status >= 500 || status == 408 || status == 429 { return effect == .creates ? .unknown : .again }
        guard (200..<300).contains(status) else { return .refused }
        switch code {
        case nil, 0, 7: return .done
        // Internal error; processing incomplete.
        case 4, 9: return effect == .creates ? .unknown : .again
        default: return .refused
        }
    }
}
