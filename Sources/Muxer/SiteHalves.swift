internal import Files
internal import HTTP
internal import Interaction
internal import Media
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
        guard isWhole(medium, fetched.byteCount) else {
            throw MuxFailure(
                what: "\(role) came with \(fetched.byteCount) bytes, and RWS says \(medium.byteCount ?? 0)",
                isTransient: true)
        }
        let format = medium.format
        let container = try await checks.refuseCut(file, format: format, role: role)
        return Opened(
            medium: medium,
            half: try await checks.measure(file, format: format, container: container, role: role),
            digest: fetched.digest)
    }

    private func fetch(
        _ medium: SiteMedium, into descriptor: CInt, role: String
    ) async throws -> (byteCount: Int64, digest: Digest) {
        // More than was announced is refused by and by; nothing is taken that would fill a disk.
        let most = medium.byteCount.map { $0 + 1 << 20 } ?? 16 << 30
        if medium.envelope != nil {
            guard let rcs = access.rcs else {
                throw MuxFailure(
                    what: "\(role) is encrypted, and muxer.cfg names no Recording Crypto Server ([rcs] base_uri)",
                    isTransient: false)
            }
            return try await rcs.fetch(medium, into: descriptor, mostBytes: most)
        }
        if case .webDAV(let address) = medium.storage, access.isStore(address) {
            do {
                return try await access.store.fetch(address, into: descriptor, mostBytes: most)
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
        return try await access.media.fetch(
            address, into: descriptor, mostBytes: most, doing: "fetch \(role) from RWS")
    }

    /// Only at services that we were told of: records may say anything.
    private func playAddress(_ medium: SiteMedium) -> HTTPAddress? {
        HTTPAddress(medium.address).flatMap { access.playOrigins.contains($0.origin) ? $0 : nil }
            ?? access.rws.address(ofPlayed: medium.address)
    }

    /// Of an encrypted medium RWS knows the size of the ciphertext, which is padded to whole blocks.
    private func isWhole(_ medium: SiteMedium, _ count: Int64) -> Bool {
        guard let claimed = medium.byteCount, claimed > 0 else { return true }
        return medium.envelope == nil ? count == claimed : (claimed - 16...claimed).contains(count)
    }
}

extension SiteMedium {
    var format: MediaFormat {
        if !isSound { return .mp4 }
        return type.lowercased().contains("wav") ? .wav : .mp3
    }
}
