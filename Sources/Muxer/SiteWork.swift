internal import Files
internal import Glibc
internal import HTTP
internal import Interaction
internal import Media
internal import Planning
internal import Vocabulary

/// Brings one call of a GIR site to where each of its pairs has one result.
struct SiteWork: Sendable {
    let access: SiteAccess
    let checks: MuxChecks
    let rules: ArrangeRules
    let tolerance: Duration
    let madeBy: String
    let directory: WorkerDirectory
    /// In the staged names of this worker alone.
    let worker: String
    let certificates: SiteCertificates

    /// What was found and done.
    struct Outcome: Sendable {
        var made: [Made] = []
        /// Pairs whose result stood before.
        var stood = 0
        /// Doubles that were removed, by the result that stays.
        var doubles: [(kept: String, count: Int)] = []
        /// Whether a screen was announced and is not there.
        var isAwaited = false
        /// Whether there is no screen at all, or the call goes on.
        var hasNoPair = false
    }

    struct Made: Sendable {
        let name: String
        let byteCount: Int64
        let elapsed: Duration
        /// And what who plays it cannot see, and should know.
        let encoded: String
    }

    /// - Parameters:
    ///   - screens: what a question for many calls showed; nil where it showed none.
    ///   - stage: takes down the name of an upload before it begins. False: the call is another worker's.
    /// - Throws: ``MuxFailure``, `SiteError`, `MediaError`, `FileError`, `CancellationError`.
    func carryOut(
        _ claim: SiteClaim, screens: [SiteMedium]?, stage: @escaping @Sendable (String) async throws -> Bool
    ) async throws -> Outcome {
        var outcome = Outcome()
        guard let screens, screens.contains(where: \.isRawScreen) else {
            outcome.isAwaited = claim.record?.hasScreenMark ?? true
            outcome.hasNoPair = true
            return outcome
        }
        let record = if let record = claim.record { record } else { try await access.rws.call(claim.call) }
        guard let call = record, call.stop != nil else {
            // Gone, or it goes on: there is no whole sound.
            outcome.isAwaited = record != nil
            outcome.hasNoPair = true
            return outcome
        }
        var (pairs, media) = SiteWork.pairs(of: call, screens)
        if pairs.contains(where: { !$0.isDone(in: screens) }) {
            // By the id itself: the question for many may lag.
            let fresh = try await access.rws.screens(of: call.id) ?? []
            (pairs, media) = SiteWork.pairs(of: call, fresh)
            outcome.stood = pairs.count { $0.isDone(in: fresh) }
            try await converge(pairs.filter { $0.isDouble(in: fresh) }, call, &outcome)
            for pair in pairs where !pair.isDone(in: fresh) {
                try Task.checkCancellation()
                try await make(pair, of: call, media, &outcome, stage)
                guard pair.hasLesser(in: fresh) else { continue }
                let lesser = try await access.rws.removeLesser(than: pair, of: call.id)
                if !lesser.isEmpty { outcome.doubles.append((pair.resultName, lesser.count)) }
            }
        } else {
            outcome.stood = pairs.count
            try await converge(pairs.filter { $0.isDouble(in: screens) }, call, &outcome)
        }
        outcome.hasNoPair = pairs.isEmpty
        return outcome
    }

    private static func pairs(
        of call: SiteCall, _ screens: [SiteMedium]
    ) -> (pairs: [SourcePair], media: [String: SiteMedium]) {
        let (sounds, raw) = (call.media.filter(\.isSound), screens.filter(\.isRawScreen))
        let found = pair(sounds: sounds.map(\.placed), screens: raw.map(\.placed))
        return (
            found.pairs.map { SourcePair(sound: $0.sound, screens: $0.screens) },
            Dictionary((sounds + raw).map { ($0.mediaID, $0) }, uniquingKeysWith: { first, _ in first })
        )
    }

    private func converge(_ pairs: [SourcePair], _ call: SiteCall, _ outcome: inout Outcome) async throws {
        for pair in pairs {
            let (kept, removed) = try await access.rws.converge(pair, of: call.id)
            if !removed.isEmpty { outcome.doubles.append((kept, removed.count)) }
        }
    }

    // MARK: One result

    private func make(
        _ pair: SourcePair, of call: SiteCall, _ media: [String: SiteMedium], _ outcome: inout Outcome,
        _ stage: @Sendable (String) async throws -> Bool
    ) async throws {
        let started = ContinuousClock.now
        let sources = pair.mediaIDs.compactMap { media[$0] }
        guard let sound = sources.first, let screen = sources.dropFirst().first else { return }
        let collection = try collection(of: screen)
        let scratch = try PrivateDirectory(below: directory.path, name: pair.resultName)
        let opened = try await SiteHalves(access: access, checks: checks).open(sources, in: scratch.path)
        let parts = opened.map { opened in
            ClearMux.Part(
                half: opened.half, claimed: opened.medium.span.map { ClaimedLength($0) }, isVouched: false)
        }
        let mux = ClearMux(tools: checks.tools, rules: rules, tolerance: tolerance, checks: checks)
        let (result, notes) = try await mux.make(parts, in: scratch.path) { number, length, soundLength in
            Offset(
                from: Beginning(of: (sound.start ?? call.start).claim(to: sound.stop), lasting: soundLength),
                to: Beginning(of: sources[number + 1].start.claim(to: sources[number + 1].stop), lasting: length))
        } labels: { shown in
            MuxLabels(
                recording: pair.resultName,
                sources: ([0] + shown.map { $0 + 1 }).map {
                    MuxLabels.Source(mediaID: Int64($0 + 1), digest: opened[$0].digest)
                }, madeBy: madeBy)
        }
        let upload = try await SiteUpload(
            result, pair, isEncrypted: sources.contains { $0.envelope != nil }, scratch.path, self)
        let standing = try await upload.publish(to: collection, stage: stage)
        let registration = SiteResult(
            call: call.id, region: call.region, pair: pair,
            start: sound.start ?? call.start ?? Instant(microseconds: 0),
            length: result.length, byteCount: standing, storage: collection, agent: screen.agent ?? sound.agent,
            encryption: upload.encryption)
        try await register(registration, upload, &outcome)
        outcome.made.append(
            Made(
                name: pair.resultName, byteCount: standing, elapsed: .now - started,
                encoded: ([result.encodedText] + notes).joined(separator: "; ")))
    }

    /// Where the first screen lies; where that is a store that nobody told us of, the region's first one.
    private func collection(of screen: SiteMedium) throws -> HTTPAddress {
        let address = try screen.storage.webDAVAddress()
        if access.isStore(address), let own = address.collection { return own }
        guard let first = access.stores.first else {
            throw MuxFailure(
                what: "RWS's settings name no WebDAV store for screens: name it with --store", isTransient: false)
        }
        return first
    }

    private func register(_ result: SiteResult, _ upload: SiteUpload, _ outcome: inout Outcome) async throws {
        let target = result.storage.appending(result.pair.resultName)
        do {
            let (registration, removed) = try await access.rws.registerOnce(result)
            switch registration {
            case .registered:
                if !removed.isEmpty { outcome.doubles.append((result.pair.resultName, removed.count)) }
                try await upload.confirm(result, at: target)
            case .standsAlready(let other):
                outcome.doubles.append((other, removed.count))
                try await access.store.remove(target)
            }
        } catch let error as SiteError where !error.isTransient {
            // Refused for good. Only where RWS says that nothing names the file: an earlier try may have come through.
            if let screens = try? await access.rws.screens(of: result.call),
                !screens.contains(where: { $0.mediaID == result.pair.resultName })
            {
                try await access.store.remove(target)
            }
            throw error
        }
    }
}

/// Certificates that RWS wants results encrypted for, asked for when one is needed, and again after a while.
actor SiteCertificates {
    private var known: (alias: String, encryptor: DetachedEncryptor, until: ContinuousClock.Instant)?
    private static let validity = Duration.seconds(600)

    func current(_ rws: RWS) async throws -> (alias: String, encryptor: DetachedEncryptor) {
        if let known, known.until > .now { return (known.alias, known.encryptor) }
        // The last one is the newest: old ones are kept.
        guard let newest = try await rws.certificates().last else {
            throw MuxFailure(
                what: "the media are encrypted, and RWS names no certificate for screens "
                    + "(settings group screen-recording-encryption) to encrypt the result for", isTransient: false)
        }
        let encryptor = try DetachedEncryptor(certificate: newest.certificate)
        known = (newest.alias, encryptor, .now + SiteCertificates.validity)
        return (newest.alias, encryptor)
    }
}

extension SourcePair {
    fileprivate func isDone(in screens: [SiteMedium]) -> Bool { screens.contains { isNamed(by: $0.sources) } }
    /// Whether something was made of fewer of the screens.
    fileprivate func hasLesser(in screens: [SiteMedium]) -> Bool {
        screens.contains { $0.sources.map { Set($0).isStrictSubset(of: mediaIDs) } ?? false }
    }
    fileprivate func isDouble(in screens: [SiteMedium]) -> Bool { screens.count { isNamed(by: $0.sources) } > 1 }
}

extension SiteMedium {
    fileprivate var placed: PlacedMedium { PlacedMedium(id: mediaID, agent: agent, start: start, stop: stop) }

    /// How long the record says that it lasts.
    fileprivate var span: Duration? {
        guard let start, let stop, stop > start else { return length }
        return stop - start
    }
}

extension Optional<Instant> {
    fileprivate func claim(to stop: Instant?) -> ClaimedTimes {
        ClaimedTimes(
            start: map { WallTime(microseconds: $0.microseconds) },
            stop: stop.map { WallTime(microseconds: $0.microseconds) })
    }
}

extension MuxResult {
    fileprivate var length: Duration { (facts.streams.map(\.end).max() ?? .zero) - facts.start }
}

extension HTTPAddress {
    /// What a file at this address lies in; with a slash at its end.
    fileprivate var collection: HTTPAddress? {
        path.lastIndex(of: "/").flatMap { replacing(path: String(path[...$0])) }
    }
}
