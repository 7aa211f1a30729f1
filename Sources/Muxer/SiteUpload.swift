internal import Files
internal import HTTP
internal import Interaction
internal import Media
internal import Vocabulary

/// A result on its way to a store of the site: encrypted where its media were, and whole under its name or not there.
struct SiteUpload: Sendable {
    private let file: HeldFile
    private let byteCount: Int64
    private let digest: Digest
    private let pair: SourcePair
    private let work: SiteWork
    private let scratch: FilePath
    /// Of the clear result; what else stands at the store has to be as long.
    private let clear: MuxResult
    let encryption: SiteResult.Encryption?

    init(
        _ result: MuxResult, _ pair: SourcePair, isEncrypted: Bool, _ scratch: FilePath, _ work: SiteWork
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
    }

    /// Brings the result to its name. A staged name that is ours goes away with a failure.
    ///
    /// - Returns: the size of what stands there in the end.
    func publish(
        to collection: HTTPAddress, of call: String, stage: @Sendable (String) async throws -> Bool
    ) async throws -> Int64 {
        let target = collection.appending(pair.resultName)
        let staged = collection.appending("\(pair.resultName).\(work.worker).part")
        guard try await stage(staged.text) else { throw CancellationError() }
        do {
            return try await publish(staged, target, of: call)
        } catch {
            // Also after a cancellation, which this task knows nothing of.
            let store = work.access.hastyStore
            await Task { try? await store.remove(staged) }.value
            throw error
        }
    }

    private func publish(_ staged: HTTPAddress, _ target: HTTPAddress, of call: String) async throws -> Int64 {
        let store = work.access.store
        for _ in 1...2 {
            let outcome = try await store.publish(
                file.descriptor, byteCount: byteCount, digest: digest, stage: staged, target: target)
            switch outcome {
            case .published, .stoodAlready: return byteCount
            case .otherStands(let standing, _):
                // Nobody can tell whether other ciphertext is whole: its envelope is not at hand.
                if encryption == nil, try await isGood(target, standing) { return standing }
                // What RWS knows may be all that there is of the pair: whoever registered it answers for it.
                let screens = try await work.access.rws.screens(of: call) ?? []
                guard !screens.contains(where: { $0.mediaID == pair.resultName }) else {
                    throw MuxFailure(
                        what: "another worker registered the result meanwhile, of other bytes", isTransient: true)
                }
                try await store.remove(target)
            }
        }
        throw MuxFailure(what: "other bytes come to stand under the result's name again and again", isTransient: true)
    }

    /// Whether what another worker made of the same pair is a whole result.
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
        } catch is MuxFailure {
            return false
        } catch let error as MediaError where error.code == .malformed || error.code == .mismatch {
            return false
        }
    }

    /// An encrypted result and its envelope have to be of one worker: of two that met, each sees it, and both begin anew.
    func confirm(_ result: SiteResult, at target: HTTPAddress) async throws {
        guard let encryption else { return }
        let rws = work.access.rws
        let record = try await rws.screens(of: result.call)?.first { $0.mediaID == pair.resultName }
        let standing = try await work.access.store.content(of: target)
        if record?.envelope?.filter({ !$0.isWhitespace }) == encryption.envelope.filter({ !$0.isWhitespace }),
            standing?.digest == digest
        {
            return
        }
        try await rws.remove(pair.resultName, of: result.call)
        try await work.access.store.remove(target)
        throw MuxFailure(what: "another worker made the same result at the same time", isTransient: true)
    }
}
