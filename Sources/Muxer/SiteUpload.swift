internal import Files
internal import HTTP
internal import Interaction
internal import Media
internal import Vocabulary

/// A result on its way to a store of the site: encrypted where its media were, and whole under a name or not there.
///
/// A clear result has the name of its pair, and what another worker made of the same pair does as well. Ciphertext is
/// another one each time and worth nothing without its envelope: it gets a name of this worker's own, and RWS's record
/// decides which file stays. Nothing that RWS may come to know is written over or removed before it names another file.
struct SiteUpload: Sendable {
    private let file: HeldFile
    private let byteCount: Int64
    private let digest: Digest
    private let pair: SourcePair
    private let work: SiteWork
    private let scratch: FilePath
    /// Of the clear result; what else stands at the store has to be as long.
    private let clear: MuxResult
    private let isOnlyOurs: Bool
    let encryption: SiteResult.Encryption?

    /// Where a result stands at the store.
    struct Placed: Sendable {
        let address: HTTPAddress
        let byteCount: Int64
        /// Whether the name is this worker's own: nobody else can have registered it.
        let isOwn: Bool
        /// Files that nobody needs any more when RWS names this one.
        let surplus: [HTTPAddress]
    }

    /// - Parameter isOnlyOurs: whether what another worker made of the same pair must not stand for it.
    init(
        _ result: MuxResult, _ pair: SourcePair, isEncrypted: Bool, isOnlyOurs: Bool, _ scratch: FilePath,
        _ work: SiteWork
    ) async throws {
        let made = try KernelFiles().openRegularFile(absolute: result.path).held().0
        if isEncrypted {
            let (alias, encryptor) = try await work.certificates.current(work.access.rws)
            file = HeldFile(try KernelFiles().createNamed(FilePath("sealed"), beneath: scratch))
            let sealed = try await encryptor.encrypt(made.descriptor, to: file.descriptor, role: "the result")
            byteCount = sealed.byteCount
            encryption = SiteResult.Encryption(alias: alias, envelope: sealed.envelope)
        } else {
            file = made
            byteCount = result.byteCount
            encryption = nil
        }
        let descriptor = file.descriptor
        guard
            let digest = try await work.checks.threads.run(
                timeout: work.checks.patience,
                { pulse in
                    try MuxWork.digest(descriptor, pulse: pulse)
                })
        else { throw MuxFailure(what: "the result could not be read", isTransient: true) }
        self.digest = digest
        self.pair = pair
        self.work = work
        self.scratch = scratch
        clear = result
        self.isOnlyOurs = isOnlyOurs
    }

    /// Brings the result to a name. A staged name that is ours goes away with a failure.
    ///
    /// - Parameter records: what RWS shows under the result's media id and is to be replaced: their files stay until it is.
    func publish(to collection: HTTPAddress, insteadOf records: [SiteMedium], _ lease: SiteLease) async throws -> Placed
    {
        let staged = collection.appending(pair.stagedName(work.worker))
        try await lease.stage(staged.text)
        do {
            if encryption == nil, records.isEmpty, !isOnlyOurs {
                return try await publishShared(collection, staged, lease)
            }
            // What a worker without our rules left under the pair's name must not be registered later.
            let surplus = isOnlyOurs ? [collection.appending(pair.resultName)] : []
            return try await publishOwn(collection, staged, insteadOf: records, surplus: surplus, lease)
        } catch {
            // Also after a cancellation, which this task knows nothing of.
            let store = work.access.hastyStore
            await Task { try? await store.remove(staged) }.value
            throw error
        }
    }

    private func publishShared(
        _ collection: HTTPAddress, _ staged: HTTPAddress, _ lease: SiteLease
    ) async throws -> Placed {
        let target = collection.appending(pair.resultName)
        switch try await publish(staged, target, lease) {
        case .published, .stoodAlready:
            return Placed(address: target, byteCount: byteCount, isOwn: false, surplus: [])
        case .otherStands(let standing, _):
            if try await isGood(target, standing) {
                return Placed(address: target, byteCount: standing, isOwn: false, surplus: [])
            }
            // Whoever made it may be about to register it.
            return try await publishOwn(collection, staged, insteadOf: [], surplus: [target], lease)
        }
    }

    private func publishOwn(
        _ collection: HTTPAddress, _ staged: HTTPAddress, insteadOf records: [SiteMedium], surplus: [HTTPAddress],
        _ lease: SiteLease
    ) async throws -> Placed {
        let store = work.access.store
        let names = pair.ownNames(work.worker).map { collection.appending($0) }
        for _ in 1...3 {
            var standing: [HTTPAddress] = []
            for name in names { if try await store.byteCount(of: name) != nil { standing.append(name) } }
            let isNamed = { (name: HTTPAddress) in records.contains { $0.isStored(in: name) == true } }
            let free = names.first { !standing.contains($0) && !isNamed($0) }
            // Of two tries that did not come to their end RWS knows nothing by now.
            guard let target = free ?? names.last(where: { !isNamed($0) }) else { break }
            if free == nil { try await store.remove(target) }
            switch try await publish(staged, target, lease) {
            case .published, .stoodAlready:
                let left = records.compactMap(\.ownFile).filter { work.access.isStore($0) } + standing + surplus
                return Placed(
                    address: target, byteCount: byteCount, isOwn: true,
                    surplus: left.filter { $0.lastName != target.lastName }
                )
            case .otherStands: continue
            }
        }
        throw MuxFailure(what: "other bytes come to stand under the result's name again and again", isTransient: true)
    }

    private func publish(
        _ staged: HTTPAddress, _ target: HTTPAddress, _ lease: SiteLease
    ) async throws -> WebDAV.Publication {
        try await work.access.store.publish(
            file.descriptor, byteCount: byteCount, digest: digest, stage: staged, target: target,
            beforeMove: lease.proveBeforeMove)
    }

    /// Whether what another worker made of the same pair is a whole result.
    ///
    /// - Throws: also what keeps us from seeing that, and may pass.
    private func isGood(_ target: HTTPAddress, _ size: Int64) async throws -> Bool {
        let name = FilePath("standing-\(UInt32.random(in: 0 ... .max))")
        let other = HeldFile(try KernelFiles().createNamed(name, beneath: scratch))
        _ = try await work.access.store.fetch(target, into: other.descriptor, mostBytes: size)
        do {
            let role = "the result that stands"
            let container = try await work.checks.refuseCut(other, format: .mp4, role: role)
            let half = try await work.checks.measure(other, format: .mp4, container: container, role: role)
            try await work.checks.refuseDamaged(sound: half, screens: [(half, false)])
            let (ours, theirs) = (clear.facts, half.input.facts)
            guard let sound = ours.sound, let other = theirs.sound, theirs.picture != nil else { return false }
            let difference = sound.duration - other.duration
            return max(difference, .zero - difference) <= work.tolerance
        } catch let failure as MuxFailure where !failure.isTransient {
            return false
        } catch let error as MediaError where error.code == .malformed || error.code == .mismatch {
            return false
        }
    }

    // MARK: What RWS's record says

    enum Verdict: Hashable {
        case ours
        /// The record names the file of another worker, which is there.
        case another
        /// So many records have the result's media id.
        case doubled(Int)
        /// The file that the record names is not there, or is another one.
        case broken
        /// RWS keeps no envelope: nobody could ever open the file.
        case sealed
    }

    /// - Parameter showsEnvelopes: whether RWS shows those of the pair's own screens.
    func judge(_ media: [SiteMedium], _ placed: Placed, showsEnvelopes: Bool) async throws -> Verdict {
        guard media.count <= 1, let medium = media.first else { return .doubled(media.count) }
        let isOurs = medium.isStored(in: placed.address) ?? hasOurEnvelope(medium)
        guard isOurs else { return try await work.stands(medium) ? .another : .broken }
        if encryption != nil {
            if medium.envelope == nil, showsEnvelopes { return .sealed }
            if medium.envelope != nil, !hasOurEnvelope(medium) { return .broken }
        }
        return try await work.access.store.byteCount(of: placed.address) == placed.byteCount ? .ours : .broken
    }

    private func hasOurEnvelope(_ medium: SiteMedium) -> Bool {
        medium.envelope?.filter { !$0.isWhitespace } == encryption?.envelope.filter { !$0.isWhitespace }
    }
}

/// The right of a worker to write to the site for one call.
struct SiteLease: Sendable {
    /// Takes down the name of an upload before it begins. False: the call is another worker's.
    let take: @Sendable (String) async throws -> Bool
    /// Whether the call is still this worker's.
    let isHeld: @Sendable () async throws -> Bool

    /// Throws `CancellationError` where the call is another worker's.
    func stage(_ name: String) async throws {
        guard try await take(name) else { throw CancellationError() }
    }

    /// Directly before what can't be taken back. Throws `CancellationError` where the call is another worker's.
    func prove() async throws {
        try Task.checkCancellation()
        guard try await isHeld() else { throw CancellationError() }
    }

    /// The same, as the store's client can throw it.
    func proveBeforeMove() async throws(SiteError) {
        do {
            try await prove()
        } catch {
            let code: SiteError.Code = error is CancellationError ? .cancelled : .unavailable
            throw SiteError(code, doing: "give a file at the store its name", message: "\(error)")
        }
    }
}

extension SiteMedium {
    /// Nil where the record says nothing that could be fetched.
    var ownFile: HTTPAddress? {
        guard case .webDAV(let address) = storage else { return nil }
        return address
    }
}
