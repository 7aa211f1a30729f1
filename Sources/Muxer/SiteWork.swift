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
    var blanksMasked = false

    /// What was found and done.
    struct Outcome: Sendable {
        var made: [Made] = []
        /// Names of pairs whose result stood before.
        var stood: [String] = []
        /// Doubles that were removed, by the result that stays.
        var doubles: [(kept: String, count: Int)] = []
        /// Whether a screen was announced and is not there.
        var isAwaited = false
        /// Whether there is no screen at all, or the call goes on.
        var hasNoPair = false
        /// Screens that belong to no sound.
        var lonely = 0
        /// What kept pairs from their result; the others have theirs.
        var failures: [any Error] = []
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
        var known = screens
        var (pairs, media) = SiteWork.pairs(of: call, known)
        if pairs.contains(where: { !$0.isDone(in: known) }) {
            // By the id itself: the question for many may lag.
            known = try await access.rws.screens(of: call.id) ?? []
            (pairs, media) = SiteWork.pairs(of: call, known)
        }
        outcome.hasNoPair = pairs.isEmpty
        outcome.lonely = media.values.count { one in
            !one.isSound && !pairs.contains { $0.screens.contains(one.mediaID) }
        }
        outcome.stood = pairs.filter { $0.isDone(in: known) }.map(\.resultName)
        for pair in pairs {
            do {
                try Task.checkCancellation()
                try await settle(pair, of: call, known, media, &outcome, stage)
            } catch {
                outcome.failures.append(PairFailure.of(error, pair))
                if Task.isCancelled || SiteWork.isEnd(error) { break }
            }
        }
        return outcome
    }

    /// Whether it means that this worker has to leave the call.
    static func isEnd(_ error: any Error) -> Bool {
        error is CancellationError || (error as? SiteError)?.code == .cancelled
    }

    /// Sounds and screens that belong together. A result whose record lost what it was made of is no screen.
    static func pairs(
        of call: SiteCall, _ screens: [SiteMedium]
    ) -> (pairs: [SourcePair], media: [String: SiteMedium]) {
        let sounds = call.media.filter(\.isSound)
        let raw = rawScreens(screens, sounds: sounds)
        let found = pair(sounds: sounds.map(\.placed), screens: raw.map(\.placed))
        return (
            found.pairs.map { SourcePair(sound: $0.sound, screens: $0.screens) },
            Dictionary((sounds + raw).map { ($0.mediaID, $0) }, uniquingKeysWith: { first, _ in first })
        )
    }

    private static func rawScreens(_ screens: [SiteMedium], sounds: [SiteMedium]) -> [SiteMedium] {
        let raw = screens.filter(\.isRawScreen)
        // Of more, what a result may have been made of are too many sets.
        guard (2...10).contains(raw.count) else { return raw }
        var results: Set<String> = []
        for members in 1..<(1 << raw.count) {
            let some = raw.indices.filter { members >> $0 & 1 == 1 }.map { raw[$0].mediaID }
            for sound in sounds { results.insert(SourcePair(sound: sound.mediaID, screens: some).resultName) }
        }
        return raw.filter { !results.contains($0.mediaID) }
    }

    /// What one pair wants: a result, no double of it, and none of fewer of its screens.
    private func settle(
        _ pair: SourcePair, of call: SiteCall, _ screens: [SiteMedium], _ media: [String: SiteMedium],
        _ outcome: inout Outcome, _ stage: @Sendable (String) async throws -> Bool
    ) async throws {
        if !pair.isDone(in: screens) {
            try pair.refuseWithoutSources(in: screens)
            try await make(pair, of: call, media, &outcome, stage)
        } else if pair.isDouble(in: screens) {
            let (kept, removed) = try await access.rws.converge(pair, of: call.id)
            if !removed.isEmpty { outcome.doubles.append((kept, removed.count)) }
        }
        // Also behind a worker that was stopped before it came to this.
        guard screens.contains(where: pair.isGreater(than:)) else { return }
        let lesser = try await access.rws.removeLesser(than: pair, of: call.id)
        if !lesser.isEmpty { outcome.doubles.append((pair.resultName, lesser.count)) }
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
                half: opened.half, claimed: opened.medium.claimedLength(among: Array(media.values)), isVouched: false)
        }
        let blanking = SiteBlanking(
            isOn: blanksMasked, sound: sound, start: sound.start ?? call.start, screens: Array(sources.dropFirst()))
        let mux = ClearMux(tools: checks.tools, rules: rules, tolerance: tolerance, checks: checks)
        let (result, notes) = try await mux.make(parts, in: scratch.path) { number, length, soundLength in
            Offset(
                from: Beginning(of: (sound.start ?? call.start).claim(to: sound.stop), lasting: soundLength),
                to: Beginning(of: sources[number + 1].start.claim(to: sources[number + 1].stop), lasting: length))
        } adjusted: { plan, track, tracks in
            try blanking.blanked(plan, track, tracks)
        } labels: { shown in
            MuxLabels(
                recording: pair.resultName,
                sources: ([0] + shown.map { $0 + 1 }).map {
                    MuxLabels.Source(mediaID: Int64($0 + 1), digest: opened[$0].digest)
                }, madeBy: madeBy)
        }
        let upload = try await SiteUpload(
            result, pair, isEncrypted: sources.contains { $0.envelope != nil }, scratch.path, self)
        let standing = try await upload.publish(to: collection, of: call.id, stage: stage)
        let registration = SiteResult(
            call: call.id, region: call.region, pair: pair,
            start: sound.start ?? call.start ?? Instant(microseconds: 0),
            length: result.length, byteCount: standing, storage: collection, agent: screen.agent ?? sound.agent,
            encryption: upload.encryption)
        try await register(registration, upload, &outcome)
        outcome.made.append(
            Made(
                name: pair.resultName, byteCount: standing, elapsed: .now - started,
                encoded: ([result.encodedText] + notes + blanking.notes).joined(separator: "; ")))
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
    /// Whether something was made of the sound and all of the screens. A result of more of them stands for this one, too:
    /// raw screens are removed before results are.
    func isDone(in screens: [SiteMedium]) -> Bool {
        screens.contains { $0.sources.map { Set($0).isSuperset(of: mediaIDs) } ?? false }
    }
    fileprivate func isDouble(in screens: [SiteMedium]) -> Bool { screens.count { isNamed(by: $0.sources) } > 1 }

    /// RWS has the result, and not what it was made of: nobody could see that it is done, and one more would be made at each look.
    fileprivate func refuseWithoutSources(in screens: [SiteMedium]) throws(MuxFailure) {
        guard screens.contains(where: { $0.mediaID == resultName }) else { return }
        throw MuxFailure(
            what: "RWS shows the result without what it was made of (muxed_mediaIds)", isTransient: false)
    }
}

extension SiteMedium {
    fileprivate var placed: PlacedMedium { PlacedMedium(id: mediaID, agent: agent, start: start, stop: stop) }

    /// How long the record says that this very file lasts.
    func claimedLength(among media: [SiteMedium]) -> ClaimedLength? {
        guard start != nil, stop != nil else {
            return length.flatMap {
                .zero < $0 && $0 <= ClaimedLength.mostCredible ? ClaimedLength($0) : nil
            }
        }
        let others = media.filter { $0.isSound == isSound && $0.mediaID != mediaID }
        return ClaimedLength(start.claim(to: stop), among: others.map { $0.start.claim(to: $0.stop) })
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
