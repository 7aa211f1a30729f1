package import HTTP
package import Planning
internal import Vocabulary

/// Asks again where that may help: with waits that double, an end, and what the server says of how long to wait.
package struct Asking: Sendable {
    package let client: HTTPClient
    package let attempts: Int
    package let retry: Retry
    package let sleep: @Sendable (Duration) async throws -> Void
    /// No server may make us wait longer.
    private static let longestWish = Duration.seconds(60)

    package init(
        client: HTTPClient, attempts: Int = 5, retry: Retry = .connection,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.client = client
        self.attempts = max(1, attempts)
        self.retry = retry
        self.sleep = sleep
    }

    /// A success, with the body's JSON where there is some and `isJSON` asks for it.
    struct Reply {
        let answer: HTTPAnswer
        let body: JSONValue
    }

    /// - Parameters:
    ///   - sink: takes the body of a success; made anew for each attempt.
    ///   - onAnswer: sees each answer, of whatever status.
    ///   - prepare: makes the request of an attempt; true where a new session is needed first.
    func ask(
        _ effect: RequestEffect, doing: String, isJSON: Bool = true,
        sink: (() -> HTTPClient.Sink)? = nil,
        onAnswer: (HTTPAnswer) async -> Void = { _ in },
        prepare: (Bool) async throws(SiteError) -> HTTPRequest
    ) async throws(SiteError) -> Reply {
        var hasRenewed = false
        var needsSession = false
        var attempt = 0
        while true {
            attempt += 1
            let request = try await prepare(needsSession)
            needsSession = false
            let tried = await once(request, doing: doing, isJSON: isJSON, sink: sink?())
            if let answer = tried.reply?.answer { await onAnswer(answer) }
            switch judge(tried.outcome, of: effect, mentionsToken: tried.mentionsToken) {
            case .done:
                guard let reply = tried.reply else { throw tried.error }
                return reply
            case .refused: throw tried.error
            case .unknown:
                throw SiteError(.unknown, doing: tried.error.doing, message: tried.error.message)
            case .renewSession:
                guard !hasRenewed else { throw tried.error }
                hasRenewed = true
                needsSession = true
            case .again:
                guard attempt < attempts, tried.error.code != .cancelled else { throw tried.error }
                try await wait(afterAttempts: attempt, wish: tried.wish, doing: doing)
            }
        }
    }

    /// One attempt, and what it means in words for the case that it is the last.
    private struct Tried {
        let outcome: RequestOutcome
        var reply: Reply?
        let error: SiteError
        /// How long the server wants us to wait.
        var wish: Duration?
        var mentionsToken = false
    }

    private func once(
        _ request: HTTPRequest, doing: String, isJSON: Bool, sink: HTTPClient.Sink?
    ) async -> Tried {
        let answer: HTTPAnswer
        do {
            answer = try await client.send(request, doing: doing, into: sink)
        } catch {
            return Tried(outcome: RequestOutcome(failure: error), error: SiteError(error))
        }
        let body = isJSON || !answer.isSuccess ? JSONValue(answer.body) : .null
        guard let body = body ?? (answer.isSuccess ? nil : .null) else {
            return Tried(
                outcome: .unreadable,
                error: SiteError(
                    .malformed, doing: doing, message: "the answer is no JSON: \(answer.excerpt)"))
        }
        let code = body["statusCode"]?.number.flatMap { Int(exactly: $0) }
        return Tried(
            outcome: .answered(status: answer.status, code: code),
            reply: Reply(answer: answer, body: body),
            error: SiteError(answer, code: code, doing: doing),
            wish: answer.header("retry-after").flatMap { Int($0) }.map {
                .seconds(max(0, min($0, 86_400)))
            },
            mentionsToken: answer.status == 403 && answer.mentionsToken)
    }

    private func wait(afterAttempts attempts: Int, wish: Duration?, doing: String)
        async throws(SiteError)
    {
        var chance = SystemRandomNumberGenerator()
        let wait = retry.wait(afterAttempts: attempts, using: &chance)
        do {
            try await sleep(max(wait, min(wish ?? .zero, Asking.longestWish)))
        } catch {
            throw SiteError(.cancelled, doing: doing)
        }
    }
}

extension RequestOutcome {
    fileprivate init(failure: HTTPFailure) {
        switch failure.code {
        case .unreached: self = .unreached
        case .broken: self = .broken
        case .untrusted: self = .untrusted
        // A longer answer will not be shorter the next time.
        case .tooLarge: self = .untrusted
        case .sink, .cancelled: self = .broken
        }
    }
}

extension HTTPAnswer {
    /// Whether a refusal is about the token that writes need.
    fileprivate var mentionsToken: Bool {
        let text = String(decoding: body.prefix(4096), as: UTF8.self).lowercased()
        return text.contains("csrf")
    }
}
