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
        /// What stays at the site, and nobody needs: in words.
        var left: [String] = []
    }

    /// How a call is looked at.
    struct Look: Sendable {
        let lease: SiteLease
        /// Whether the files of results that stood before are asked for, too.
        let isThorough: Bool
        /// Whether nobody tries again what fails.
        let isLast: Bool
        /// Whether a worker has the same name after a restart: its files are on no other record.
        let keepsName: Bool
    }

    struct Made: Sendable {
        let name: String
        let byteCount: Int64
        let elapsed: Duration
        /// And what who plays it cannot see, and should know.
        let encoded: String
    }

    /// - Parameter screens: what a question for many calls showed; nil where it showed none.
    /// - Throws: ``MuxFailure``, `SiteError`, `MediaError`, `FileError`, `CancellationError`.
    func carryOut(_ claim: SiteClaim, screens: [SiteMedium]?, _ look: Look) async throws -> Outcome {
        var outcome = Outcome()
        let staged = claim.staged.compactMap { HTTPAddress($0) }.filter { access.isStore($0) }
        for upload in staged { try await remove(upload, &outcome) }
        try await settle(claim, screens, look, &outcome)
        guard outcome.failures.isEmpty, !staged.isEmpty else { return outcome }
        do {
            try await removeLeft(by: staged, of: claim.call, &outcome)
        } catch {
            outcome.failures.append(error)
        }
        return outcome
    }

    private func settle(
        _ claim: SiteClaim, _ screens: [SiteMedium]?, _ look: Look, _ outcome: inout Outcome
    ) async throws {
        guard let screens, screens.contains(where: \.isRawScreen) else {
            outcome.hasNoPair = true
            let record = if let record = claim.record { record } else { try await access.rws.call(claim.call) }
            // Results may have outlived their screens.
            let used = Set((screens ?? []).flatMap { $0.sources ?? [] })
            let sounds = record?.media.filter(\.isSound) ?? []
            let isDone = !sounds.isEmpty && sounds.allSatisfy { used.contains($0.mediaID) }
            outcome.isAwaited = !isDone && (record?.hasScreenMark ?? false)
            return
        }
        let record = if let record = claim.record { record } else { try await access.rws.call(claim.call) }
        guard let call = record, call.stop != nil else {
            // Gone, or it goes on: there is no whole sound.
            outcome.isAwaited = record != nil
            outcome.hasNoPair = true
            return
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
                try await settle(pair, of: call, known, media, &outcome, look)
            } catch {
                outcome.failures.append(PairFailure.of(error, pair))
                // Its record may be gone by now.
                outcome.stood.removeAll { $0 == pair.resultName }
                if Task.isCancelled || SiteWork.isEnd(error) { break }
            }
        }
        guard outcome.failures.isEmpty else { return }
        do {
            try await removeParted(pairs, of: call, known, &outcome)
        } catch {
            outcome.failures.append(error)
        }
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
        _ outcome: inout Outcome, _ look: Look
    ) async throws {
        let results = screens.filter { pair.isNamed(by: $0.sources) }
        let own = results.filter { $0.mediaID == pair.resultName }
        if !pair.isDone(in: screens) {
            try pair.refuseWithoutSources(in: screens)
            try await make(pair, of: call, media, insteadOf: [], &outcome, look)
        } else if own.count > 1 {
            try await cure(own, of: pair, call, media, &outcome, look)
        } else if let record = own.first, look.isThorough || results.count > 1, try await !stands(record) {
            try await replace(record, of: pair, call, results, media, &outcome, look)
        } else if results.count > 1 {
            let (kept, removed) = try await access.rws.converge(pair, of: call.id)
            if !removed.isEmpty {
                outcome.doubles.append((kept == pair.resultName ? kept : SiteWork.foreign, removed.count))
            }
        }
        if look.isThorough, look.keepsName, pair.isDone(in: screens) {
            try await removeOwn(of: pair, call.id, screens, &outcome)
        }
        let lesser = screens.count { $0.sources.map { pair.isLesser($0) } ?? false && !pair.isGreater(than: $0) }
        if lesser > 0 {
            outcome.left.append("\(lesser) results of the same sound and fewer screens that Takeup did not make")
        }
        // Also behind a worker that was stopped before it came to this.
        guard screens.contains(where: pair.isGreater(than:)) else { return }
        let removed = try await access.rws.removeLesser(than: pair, of: call.id)
        if !removed.isEmpty { outcome.doubles.append((pair.resultName, removed.count)) }
    }

    /// Several records of one media id go together: a new result is at the store before they are removed.
    private func cure(
        _ doubles: [SiteMedium], of pair: SourcePair, _ call: SiteCall, _ media: [String: SiteMedium],
        _ outcome: inout Outcome, _ look: Look
    ) async throws {
        outcome.doubles.append((pair.resultName, doubles.count - 1))
        do {
            try await make(pair, of: call, media, insteadOf: doubles, &outcome, look)
        } catch {
            if SiteWork.isEnd(error) { throw error }
            guard let standing = try? await access.rws.screens(of: call.id), pair.isDone(in: standing) else {
                throw error
            }
            outcome.left.append("\(doubles.count) records of one result, which could not be replaced: \(error)")
        }
    }

    /// A record whose file is gone or cut gives way to a result that stands, or to one that is made anew.
    private func replace(
        _ record: SiteMedium, of pair: SourcePair, _ call: SiteCall, _ results: [SiteMedium],
        _ media: [String: SiteMedium], _ outcome: inout Outcome, _ look: Look
    ) async throws {
        let others = results.filter { $0.mediaID != pair.resultName }
        guard let other = others.first else {
            return try await make(pair, of: call, media, insteadOf: [record], &outcome, look)
        }
        guard try await stands(other) else {
            throw MuxFailure(
                what: "the pair has several results, and the store has no file of theirs", isTransient: true)
        }
        try await access.rws.remove(pair.resultName, of: call.id)
        outcome.doubles.append((SiteWork.foreign, 1))
    }

    /// Ids of others are not told.
    private static let foreign = "one that Takeup did not make"

    /// Removes results that Takeup made of a sound whose screens are another sound's by now: a sound that came later may be
    /// the one that they belong to.
    private func removeParted(
        _ pairs: [SourcePair], of call: SiteCall, _ screens: [SiteMedium], _ outcome: inout Outcome
    ) async throws {
        let sounds = Set(call.media.filter(\.isSound).map(\.mediaID))
        for medium in screens {
            guard let heirs = SourcePair.heirs(of: medium, among: pairs, sounds: sounds) else { continue }
            let standing = try await access.rws.screens(of: call.id) ?? []
            guard heirs.allSatisfy({ $0.isDone(in: standing) }) else { continue }
            try await access.rws.remove(medium.mediaID, of: call.id)
            outcome.doubles.append((heirs[0].resultName, 1))
        }
    }

    // MARK: Files at the store

    /// Whether the file that a record names is there, as long as the record says; true where we cannot look.
    func stands(_ medium: SiteMedium) async throws -> Bool {
        guard let address = medium.ownFile, access.isStore(address) else { return true }
        guard let count = try await access.store.byteCount(of: address) else { return false }
        return medium.byteCount.map { $0 <= 0 || $0 == count } ?? true
    }

    /// What will never go away must not keep a call from its result.
    private func remove(_ file: HTTPAddress, _ outcome: inout Outcome) async throws {
        do {
            try await access.store.remove(file)
        } catch {
            if error.isTransient { throw error }
            outcome.left.append("a file of an upload that came to nothing: \(error)")
        }
    }

    /// RWS has the result: what can't be removed beside it is told of, and undoes nothing.
    private func removeSurplus(_ files: [HTTPAddress], _ outcome: inout Outcome) async {
        for file in files {
            do {
                try await access.store.remove(file)
            } catch {
                if !SiteWork.isEnd(error) {
                    outcome.left.append("a file that RWS's record does not name: \(error)")
                }
            }
        }
    }

    /// What workers that had the call before us gave a name and did not register.
    private func removeLeft(by staged: [HTTPAddress], of call: String, _ outcome: inout Outcome) async throws {
        let screens = try await access.rws.screens(of: call) ?? []
        for file in staged.flatMap({ SourcePair.ownFiles(staged: $0) })
        where !screens.contains(where: { $0.mayBeStored(in: file) }) {
            try await remove(file, &outcome)
        }
    }

    /// What this worker stored before it was killed, where RWS has the result of another by now.
    private func removeOwn(
        of pair: SourcePair, _ call: String, _ screens: [SiteMedium], _ outcome: inout Outcome
    ) async throws {
        let stores = Set(screens.filter(\.isRawScreen).compactMap { try? collection(of: $0) })
        for file in stores.flatMap({ store in pair.ownNames(worker).map { store.appending($0) } })
        where !screens.contains(where: { $0.mayBeStored(in: file) }) {
            guard try await access.store.byteCount(of: file) != nil else { continue }
            // This very look may have made and registered it.
            let standing = try await access.rws.screens(of: call) ?? []
            guard pair.isDone(in: standing), !standing.contains(where: { $0.mayBeStored(in: file) }) else {
                continue
            }
            try await remove(file, &outcome)
        }
    }

    // MARK: One result

    private func make(
        _ pair: SourcePair, of call: SiteCall, _ media: [String: SiteMedium], insteadOf records: [SiteMedium],
        _ outcome: inout Outcome, _ look: Look
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
            result, pair, isEncrypted: opened.contains(where: \.isSecret), isOnlyOurs: blanking.hides, scratch.path,
            self)
        let registration = Registering(
            upload: upload, pair: pair, call: call.id, collection: collection,
            showsEnvelopes: sources.dropFirst().contains { $0.envelope != nil }
        ) { placed in
            SiteResult(
                call: call.id, region: call.region, pair: pair,
                start: sound.start ?? call.start ?? Instant(microseconds: 0), length: result.length,
                byteCount: placed.byteCount, storage: collection, fileName: placed.address.lastName,
                agent: screen.agent ?? sound.agent, encryption: upload.encryption)
        }
        guard let byteCount = try await register(registration, insteadOf: records, &outcome, look) else {
            outcome.stood.append(pair.resultName)
            return
        }
        outcome.made.append(
            Made(
                name: pair.resultName, byteCount: byteCount, elapsed: .now - started,
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

    /// A result that is made, and what RWS is told of it once it has its place.
    private struct Registering {
        let upload: SiteUpload
        let pair: SourcePair
        let call: String
        let collection: HTTPAddress
        /// Whether RWS shows the envelopes of screens.
        let showsEnvelopes: Bool
        let result: @Sendable (SiteUpload.Placed) -> SiteResult
    }

    /// Uploads a result and tells RWS of it, once more where RWS's record and the file do not come together.
    ///
    /// - Parameter records: what RWS shows under the same media id, to be replaced.
    /// - Returns: the size of the file; nil where another worker's result stands, and ours is gone.
    private func register(
        _ one: Registering, insteadOf records: [SiteMedium], _ outcome: inout Outcome, _ look: Look
    ) async throws -> Int64? {
        var replaced = records
        // Of the round before.
        var left: [HTTPAddress] = []
        for _ in 1...2 {
            let placed = try await one.upload.publish(to: one.collection, insteadOf: replaced, look.lease)
            left.removeAll { $0.lastName == placed.address.lastName }
            let registered = try await tell(one, placed, insteadOf: replaced, &outcome, look)
            if case .registered = registered.registration, !registered.removed.isEmpty {
                outcome.doubles.append((one.pair.resultName, registered.removed.count))
            }
            if case .standsAlready = registered.registration {
                outcome.doubles.append((SiteWork.foreign, registered.removed.count))
                await removeSurplus([placed.address], &outcome)
                return nil
            }
            switch try await one.upload.judge(registered.media, placed, showsEnvelopes: one.showsEnvelopes) {
            case .ours:
                await removeSurplus(placed.surplus + left, &outcome)
                return placed.byteCount
            case .another:
                let media = registered.media
                let unnamed = left.filter { file in !media.contains { $0.mayBeStored(in: file) } }
                await removeSurplus([placed.address] + unnamed, &outcome)
                return nil
            case .doubled(let count): outcome.doubles.append((one.pair.resultName, count - 1))
            case .broken: break
            case .sealed:
                try await access.rws.remove(one.pair.resultName, of: one.call)
                try await access.store.remove(placed.address)
                throw MuxFailure(
                    what: "RWS keeps no envelope (pkcs7) of an encrypted result: nobody could open it",
                    isTransient: false)
            }
            replaced = registered.media
            left += [placed.address] + placed.surplus
        }
        throw MuxFailure(what: "RWS's record and the file of the result do not come together", isTransient: true)
    }

    private func tell(
        _ one: Registering, _ placed: SiteUpload.Placed, insteadOf replaced: [SiteMedium], _ outcome: inout Outcome,
        _ look: Look
    ) async throws -> Registered {
        do {
            try await look.lease.prove()
        } catch {
            // RWS was not told. Also after a cancellation, which this task knows nothing of.
            let store = access.hastyStore
            if placed.isOwn { await Task { try? await store.remove(placed.address) }.value }
            throw error
        }
        do {
            if !replaced.isEmpty { try await access.rws.remove(one.pair.resultName, of: one.call) }
            return try await access.rws.registerOnce(one.result(placed))
        } catch {
            // The next try takes a clear file as it stands, ciphertext without its envelope is of no use.
            if placed.isOwn || look.isLast || !error.isTransient { await withdraw(one, placed, &outcome) }
            throw error
        }
    }

    /// Removes the file, and where it is encrypted those of records that went before RWS took the new one: without an
    /// envelope they are of no use. Only where RWS says that nothing names them: an earlier request may have come through. What cannot be seen
    /// now is seen by the next look.
    private func withdraw(
        _ one: Registering, _ placed: SiteUpload.Placed, _ outcome: inout Outcome
    ) async {
        // Under the pair's name the next try, or another worker, takes what stands.
        let old =
            one.upload.encryption == nil ? [] : placed.surplus.filter { $0.lastName != one.pair.resultName }
        do {
            let screens = try await access.rws.screens(of: one.call) ?? []
            if screens.contains(where: { $0.mediaID == one.pair.resultName }) { return }
            for file in [placed.address] + old where !screens.contains(where: { $0.mayBeStored(in: file) }) {
                try await access.store.remove(file)
            }
        } catch {
            // What a stop leaves is found by who goes on.
            if !SiteWork.isEnd(error) { outcome.left.append("a result that RWS did not take: \(error)") }
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

    /// Whether something was made of the sound and fewer of the screens.
    func isLesser(_ sources: [String]) -> Bool {
        sources.contains(sound) && sources.count > 1 && Set(sources).isStrictSubset(of: mediaIDs)
    }

    /// The pairs that have by now all the screens of a result that Takeup made of another sound of the call; nil where the
    /// result stands for something still.
    static func heirs(of medium: SiteMedium, among pairs: [SourcePair], sounds: Set<String>) -> [SourcePair]? {
        guard let sources = medium.sources, let sound = sources.first(where: sounds.contains) else { return nil }
        let made = SourcePair(sound: sound, screens: sources.filter { $0 != sound })
        guard medium.mediaID == made.resultName, !made.screens.isEmpty else { return nil }
        // Of each screen the pair that has it.
        let heirs = made.screens.map { screen in pairs.first { $0.screens.contains(screen) } }
        guard heirs.allSatisfy({ $0 != nil && $0?.sound != sound }) else { return nil }
        return heirs.compactMap(\.self)
    }

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
