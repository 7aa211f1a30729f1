internal import Files
internal import HTTP
internal import Interaction
internal import Media
internal import Planning
internal import Vocabulary

/// Brings the media of one result into a private directory, in clear, and measures them.
struct SiteHalves: Sendable {
    let access: SiteAccess
    let checks: MuxChecks

    /// A medium and its clear, measured file.
    struct Opened: Sendable {
        let medium: SiteMedium
        let half: MuxChecks.Half
        let digest: Digest
        /// Whether the site keeps it encrypted: what is made of it must not be stored in clear.
        let isSecret: Bool
    }

    private struct Fetched {
        let byteCount: Int64
        let digest: Digest
        let isSecret: Bool

        init(_ fetched: (byteCount: Int64, digest: Digest), isSecret: Bool) {
            (byteCount, digest) = fetched
            self.isSecret = isSecret
        }
    }

    /// All at once: the sound, then the screens. Throws `SiteError`, ``MuxFailure``, `MediaError`, `FileError`.
    func open(_ media: [SiteMedium], in directory: FilePath) async throws -> [Opened] {
        try await withThrowingTaskGroup(of: (Int, Opened).self) { group in
            for (number, medium) in media.enumerated() {
                let role = SiteHalves.role(number, of: media.count)
                group.addTask { (number, try await open(medium, number, role: role, in: directory)) }
            }
            var opened: [Int: Opened] = [:]
            for try await (number, one) in group { opened[number] = one }
            return media.indices.compactMap { opened[$0] }
        }
    }

    static func role(_ number: Int, of count: Int) -> String {
        number == 0 ? "the sound" : count == 2 ? "the screen" : "screen \(number)"
    }

    private func open(
        _ medium: SiteMedium, _ number: Int, role: String, in directory: FilePath
    ) async throws -> Opened {
        let file = HeldFile(try KernelFiles().createNamed(FilePath("clear-\(number)"), beneath: directory))
        let fetched = try await fetch(medium, into: file.descriptor, role: role)
        try refuseShort(medium, fetched, role: role)
        let format = medium.format
        let container = try await checks.refuseCut(file, format: format, role: role)
        if container.isOtherwise {
            let clear = HeldFile(try KernelFiles().createNamed(FilePath("decrypted-\(number)"), beneath: directory))
            if let its = try await decrypt(medium, fetched, into: clear.descriptor) {
                try refuseShort(medium, its, role: role)
                let container = try await checks.refuseCut(clear, format: format, role: role)
                return try await opened(medium, clear, its, container, role: role)
            }
        }
        return try await opened(medium, file, fetched, container, role: role)
    }

    private func opened(
        _ medium: SiteMedium, _ file: HeldFile, _ fetched: Fetched, _ container: Wholeness, role: String
    ) async throws -> Opened {
        Opened(
            medium: medium,
            half: try await checks.measure(file, format: medium.format, container: container, role: role),
            digest: fetched.digest, isSecret: fetched.isSecret)
    }

    private func fetch(_ medium: SiteMedium, into descriptor: CInt, role: String) async throws -> Fetched {
        // More than was announced is refused by and by; nothing is taken that would fill a disk.
        let most = medium.byteCount.map { $0 + 1 << 20 } ?? 16 << 30
        if medium.isCiphertext {
            guard let rcs = access.rcs else {
                throw MuxFailure(
                    what: "\(role) is encrypted, and muxer.cfg names no Recording Crypto Server ([rcs] base_uri)",
                    isTransient: false)
            }
            return Fetched(try await rcs.fetch(medium, into: descriptor, mostBytes: most), isSecret: true)
        }
        if case .webDAV(let address) = medium.storage, access.isStore(address) {
            do {
                let fetched = try await access.store.fetch(address, into: descriptor, mostBytes: most)
                return Fetched(fetched, isSecret: false)
            } catch {
                // RWS may have it all the same, from another store.
                guard error.code == .notFound || error.code == .permission, playAddress(medium) != nil else {
                    throw error
                }
            }
        }
        guard let address = playAddress(medium) else {
            _ = try medium.storage.webDAVAddress()
            throw MuxFailure(
                what: "\(role) lies at a store that RWS's settings do not name, and RWS does not play it",
                isTransient: false)
        }
        let fetched = try await access.media.fetch(
            address, into: descriptor, mostBytes: most, doing: "fetch \(role) from RWS")
        return Fetched(fetched, isSecret: access.rcs?.serves(address) ?? false)
    }

    /// What does not begin like a medium of its kind may be ciphertext whose envelope RWS does not show: RCS has it in clear
    /// then. Nil where that is not so.
    private func decrypt(
        _ medium: SiteMedium, _ stored: Fetched, into descriptor: CInt
    ) async throws -> Fetched? {
        guard let rcs = access.rcs, !stored.isSecret else { return nil }
        do {
            let fetched = try await rcs.fetch(medium, into: descriptor, mostBytes: stored.byteCount + 1 << 20)
            return fetched.digest == stored.digest ? nil : Fetched(fetched, isSecret: true)
        } catch {
            if error.isTransient { throw error }
            return nil
        }
    }

    /// Only at services that we were told of: records may say anything.
    private func playAddress(_ medium: SiteMedium) -> HTTPAddress? {
        HTTPAddress(medium.address).flatMap { access.playOrigins.contains($0.origin) ? $0 : nil }
            ?? access.rws.address(ofPlayed: medium.address)
    }

    /// Of an encrypted medium RWS knows the size of the ciphertext, which is padded to whole blocks.
    private func refuseShort(_ medium: SiteMedium, _ fetched: Fetched, role: String) throws(MuxFailure) {
        guard let claimed = medium.byteCount, claimed > 0 else { return }
        let count = fetched.byteCount
        if count == claimed || fetched.isSecret && (claimed - 16...claimed).contains(count) { return }
        throw MuxFailure(what: "\(role) came with \(count) bytes, and RWS says \(claimed)", isTransient: true)
    }
}

extension Wholeness {
    /// Whether the file does not begin, or go on, like one of its kind.
    fileprivate var isOtherwise: Bool {
        switch self {
        case .broken(.otherFormat), .broken(.garbage): true
        case .broken, .whole, .unknown: false
        }
    }
}

extension SiteMedium {
    /// Whether the store has ciphertext of it, by its record.
    fileprivate var isCiphertext: Bool {
        envelope != nil || mediaID.hasSuffix(".bin") || ownFile?.lastName.hasSuffix(".bin") ?? false
    }

    var format: MediaFormat {
        if !isSound { return .mp4 }
        return type.lowercased().contains("wav") ? .wav : .mp3
    }
}
