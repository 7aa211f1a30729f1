internal import Planning
internal import Vocabulary

/// What came of telling RWS of a result.
package enum Registration: Hashable, Sendable {
    /// RWS has it, by this worker, now or earlier.
    case registered
    /// Another result of the same pair stands; ours is not needed. Its media id.
    case standsAlready(String)
}

/// What RWS shows of a pair after it was told of a result.
package struct Registered: Hashable, Sendable {
    package let registration: Registration
    /// Media ids of doubles that were removed.
    package let removed: [String]
    /// What stands under the media id that stays: more than one where RWS took several of the same id.
    package let media: [SiteMedium]
}

extension RWS {
    /// Registers a result so that its pair has one in the end, whatever was lost on the way and whoever works beside us.
    ///
    /// The call is asked for by its id before and after: an index that lags has no say. Doubles are converged by every
    /// worker in the same way: the result whose name derives from the pair stays, else the one with the smallest media id.
    ///
    /// - Throws: ``SiteError``; `unknown` where RWS could not be asked whether it took the result; `unavailable` where it
    ///   does not show what it took; `malformed` where it shows it without its sources; `refused` and the like where it did
    ///   not take it: then nothing names the file, and it is to be removed.
    package func registerOnce(_ result: SiteResult) async throws(SiteError) -> Registered {
        let (pair, call) = (result.pair, result.call)
        var standing = try await results(of: pair, call)
        if standing.isEmpty {
            do {
                try await register(result.body(dialect))
            } catch {
                // Refused because it exists: an earlier request of ours came through, or another worker's.
                guard error.code == .unknown || error.code == .exists else { throw error }
                standing = try await lookAgain(pair, call)
                if standing.isEmpty, error.code == .exists { throw error }
                if standing.isEmpty {
                    throw SiteError(
                        .unavailable, doing: error.doing, message: "RWS did not take it: \(error.message)")
                }
            }
            standing = try await shown(pair, call)
        }
        return try await converge(standing, of: pair, call)
    }

    /// Removes doubles of a pair that has results already; nothing where it has one or none.
    ///
    /// - Returns: the media id of the result that stays, and those of the doubles that were removed.
    package func converge(_ pair: SourcePair, of call: String) async throws(SiteError) -> (
        kept: String, removed: [String]
    ) {
        let converged = try await converge(results(of: pair, call), of: pair, call)
        return switch converged.registration {
        case .registered: (pair.resultName, converged.removed)
        case .standsAlready(let kept): (kept, converged.removed)
        }
    }

    /// Removes results that Takeup made of the same sound and fewer of the screens.
    ///
    /// - Returns: their media ids.
    package func removeLesser(than pair: SourcePair, of call: String) async throws(SiteError) -> [String] {
        var removed: [String] = []
        let screens = try await screens(of: call) ?? []
        // Nothing is removed for a result that is gone meanwhile.
        guard screens.contains(where: { $0.sources.map { Set($0).isSuperset(of: pair.mediaIDs) } ?? false }) else {
            return []
        }
        for medium in screens where pair.isGreater(than: medium) {
            try await remove(medium.mediaID, of: call)
            removed.append(medium.mediaID)
        }
        return removed
    }

    /// Results that the pair has at RWS.
    private func results(of pair: SourcePair, _ call: String) async throws(SiteError) -> [SiteMedium] {
        try await (screens(of: call) ?? []).filter { pair.isNamed(by: $0.sources) }
    }

    /// Results that the pair has at RWS after it took one.
    private func shown(_ pair: SourcePair, _ call: String) async throws(SiteError) -> [SiteMedium] {
        let doing = "register a result with RWS"
        let screens = try await screens(of: call) ?? []
        let standing = screens.filter { pair.isNamed(by: $0.sources) }
        if !standing.isEmpty { return standing }
        if screens.contains(where: { $0.mediaID == pair.resultName }) {
            throw SiteError(
                .malformed, doing: doing,
                message: "RWS took it, and shows it without what it was made of (muxed_mediaIds)")
        }
        let later = try await lookAgain(pair, call)
        guard !later.isEmpty else {
            throw SiteError(.unavailable, doing: doing, message: "RWS took it, and does not show it")
        }
        return later
    }

    /// Asks several times: a request whose answer was lost may still be under way at RWS.
    private func lookAgain(_ pair: SourcePair, _ call: String) async throws(SiteError) -> [SiteMedium] {
        for attempt in 1...asking.attempts {
            let standing = try await results(of: pair, call)
            if !standing.isEmpty { return standing }
            if attempt == asking.attempts { break }
            do {
                try await asking.sleep(asking.retry.ceiling(afterAttempts: attempt))
            } catch {
                throw SiteError(.cancelled, doing: "ask RWS whether it took a result")
            }
        }
        return []
    }

    private func converge(
        _ standing: [SiteMedium], of pair: SourcePair, _ call: String
    ) async throws(SiteError) -> Registered {
        let own = pair.resultName
        let ids = Set(standing.map(\.mediaID))
        let kept = ids.contains(own) ? own : ids.min() ?? own
        var removed: [String] = []
        for double in ids.subtracting([kept]).sorted() {
            try await remove(double, of: call)
            removed.append(double)
        }
        return Registered(
            registration: kept == own ? .registered : .standsAlready(kept), removed: removed,
            media: standing.filter { $0.mediaID == kept })
    }
}
