internal import Catalogs
internal import Copying
internal import Delivery
internal import Files
internal import Ledger
internal import Media
internal import Planning
internal import Postgres
internal import Settings
internal import Telemetry
internal import Vocabulary

/// The manifests of one volume's day directories.
struct VolumeManifests: Sendable {
    let base: ReplayBase
    let settings: ManifestSettings
    let volume: VolumeID
    let name: VolumeName
    let copier: Copier
    let signer: ManifestSigner?
    let narrator: any Narrator
    let tally: ScrubTally

    static let listName = FilePath("SHA256SUMS")
    static let removedName = FilePath("SHA256SUMS.removed")
    /// A list is held in memory while it is made.
    private static let most = 256 << 20
    private static let page = 100
    private static let looksPerRun = 200
    private static let lookAgain = Duration.seconds(86_400)
    private static let lease = Duration.seconds(900)
    /// So many directories in one run that fail by themselves mean that it is the volume.
    private static let failingAtMost = 20

    /// - Parameters:
    ///   - busy: what is on its way, as `<source>/<day>`.
    ///   - writes: whether the volume can be written now; what lies there is looked at all the same.
    func run(busy: Set<FilePath>, writes: Bool, at now: Instant) async throws {
        var last = FilePath(bytes: [])
        var (failed, waiting) = (0, 0)
        while !Task.isCancelled {
            let (volume, after) = (volume, last)
            let due = try await base.replay.database.perform { session in
                try Manifests.due(on: volume, after: after, limit: VolumeManifests.page, in: session)
            }
            guard let end = due.last else { break }
            last = end.path
            for directory in due where !busy.contains(directory.path) && !Task.isCancelled {
                try await sparing(directory, &failed) {
                    guard try await isOver(directory, at: now) else { return }
                    if writes { try await claimed(directory) { try await seal(directory) } } else { waiting += 1 }
                }
            }
        }
        if waiting > 0 {
            tally.add(
                note:
                    "the manifests of \(waiting) \(waiting == 1 ? "day" : "days") on volume \(name) wait until it can be written"
            )
        }
        let volume = volume
        let seen = try await base.replay.database.perform { session in
            try Manifests.toLook(
                on: volume, olderThan: VolumeManifests.lookAgain, limit: VolumeManifests.looksPerRun, in: session)
        }
        for directory in seen where !Task.isCancelled {
            try await sparing(directory, &failed) { try await claimed(directory) { try await look(at: directory) } }
        }
    }

    /// What is wrong with one directory holds up none behind it. Throws what is wrong with the volume.
    private func sparing(
        _ directory: DayDirectory, _ failed: inout Int, _ body: () async throws -> Void
    ) async throws {
        do {
            try await body()
        } catch let error as CopyError where error.isOfOneDirectory && failed < VolumeManifests.failingAtMost {
            failed += 1
            tally.add(note: "the manifest of \(directory.path.displayText) on volume \(name) is left: \(error)")
            narrator.tell(.turnFailed, .service("manifests"), .detail(error))
        }
    }

    private func isOver(_ directory: DayDirectory, at now: Instant) async throws -> Bool {
        let youngest = try await base.replay.database.perform { session in
            try Manifests.newest(in: directory, in: session)
        }
        return ClosedDay.isOver(directory.day, at: now, after: settings.closeAfter, youngest: youngest)
    }

    /// `body` gives whether the directory's manifest is still to be written.
    private func claimed(_ directory: DayDirectory, _ body: () async throws -> Bool) async throws {
        let holder = base.replay.holder
        let isOurs = try await base.replay.database.transaction { session in
            try Manifests.claim(directory, holder: holder, lease: VolumeManifests.lease, in: session)
        }
        guard isOurs else { return }
        let isDue = try await body()
        try await base.replay.database.transaction { session in
            try Manifests.release(directory, isDue: isDue, holder: holder, in: session)
        }
    }

    // MARK: Writing

    private func seal(_ directory: DayDirectory) async throws -> Bool {
        guard case .ours(let standing, let removedBefore) = try await standing(of: directory) else { return true }
        let (replicas, seals) = try await base.replay.database.perform { session in
            (try Manifests.held(in: directory, in: session), try Manifests.seals(of: directory, limit: 1, in: session))
        }
        let present = try await present(replicas)
        if present.isEmpty && standing == nil { return false }
        let list = ManifestText(
            present.compactMap { replica in
                replica.content.path.relative(to: directory.path).map {
                    .init(digest: replica.content.digest, path: $0)
                }
            })
        let removed = removed(from: standing, before: removedBefore, now: list)
        let isSame = list == standing && removed == (removedBefore ?? ManifestText([]))
        if isSame, let seal = seals.first, seal.sealed != nil, seal.keyID != nil || signer == nil { return false }
        try await write(list, removed, generation: (seals.first?.generation ?? 0) + 1, in: directory)
        return false
    }

    /// Those that are there, and those that are not and that the replay still names: a check shall miss them.
    private func present(_ replicas: [Replica]) async throws -> [Replica] {
        let there = try await copier.standing(replicas.map(\.content.path))
        let absent = replicas.filter { !there.contains($0.content.path) }
        if absent.isEmpty { return replicas }
        let catalog = base.replay.catalog
        var named: Set<Replica.ID> = []
        for start in stride(from: 0, to: absent.count, by: Audit.page) {
            let part = Array(absent[start..<min(start + Audit.page, absent.count)])
            let sids = Array(Set(part.map(\.content.sid)))
            let found = try await base.replay.database.perform { session in try catalog.find(sids: sids, on: session) }
            named.formUnion(part.filter { $0.content.isNamed(by: found[$0.content.sid]) }.map(\.id))
        }
        return replicas.filter { there.contains($0.content.path) || named.contains($0.id) }
    }

    /// What was listed before and is not now.
    private func removed(from standing: ManifestText?, before: ManifestText?, now: ManifestText) -> ManifestText {
        let listed = Set(now.lines)
        var removed = Set(before?.lines ?? [])
        removed.formUnion(standing?.lines ?? [])
        return ManifestText(Array(removed.subtracting(listed)))
    }

    private func write(
        _ list: ManifestText, _ removed: ManifestText, generation: Int64, in directory: DayDirectory
    ) async throws {
        let (bytes, gone) = (list.bytes, removed.lines.isEmpty ? nil : removed.bytes)
        let (signature, goneSignature) = (try signer?.sign(bytes), try gone.flatMap { try signer?.sign($0) })
        let seal = ManifestSeal(
            generation: generation, digest: VolumeManifests.digest(of: bytes),
            removedDigest: gone.map(VolumeManifests.digest), files: Int64(list.lines.count),
            removed: Int64(removed.lines.count), keyID: signer?.keyID,
            signatureDigest: signature.map(VolumeManifests.digest),
            removedSignatureDigest: goneSignature.map(VolumeManifests.digest))
        let files: [(name: FilePath, bytes: [UInt8]?)] = [
            (VolumeManifests.removedName, gone),
            (VolumeManifests.signature(of: VolumeManifests.removedName), goneSignature),
            (VolumeManifests.listName, bytes),
            (VolumeManifests.signature(of: VolumeManifests.listName), signature),
        ]
        let holder = base.replay.holder
        // The ledger first: bytes that it does not know are not ours.
        let isHeld = try await base.replay.database.transaction(isDurable: true) { session in
            guard try Manifests.isHeld(directory, holder: holder, in: session) else { return false }
            try Manifests.begin(seal, of: directory, in: session)
            return true
        }
        guard isHeld else { return }
        try await copier.writeBeside(files, in: directory.path)
        try await base.replay.database.transaction { session in
            try Manifests.finish(seal, of: directory, in: session)
        }
        tally.add(manifests: 1, tampered: 0)
        narrator.tell(
            .manifestSealed,
            facts: [
                .volume(name), .volumeID(volume), .directory(directory.path), .count(list.lines.count),
                .generation(generation), .sha256(seal.digest),
            ] + (seal.keyID.map { [.keyID($0)] } ?? []))
    }

    // MARK: Looking

    private enum Standing {
        /// What lies there is what was written last, or began to be.
        case ours(ManifestText?, removed: ManifestText?)
        case tampered
    }

    /// Reads what lies there, and tells where it is not what the ledger has on record.
    private func standing(of directory: DayDirectory) async throws -> Standing {
        let found = try await copier.readBeside(
            directory.path.appending(VolumeManifests.listName.bytes), most: VolumeManifests.most)
        let foundRemoved = try await copier.readBeside(
            directory.path.appending(VolumeManifests.removedName.bytes), most: VolumeManifests.most)
        let seals = try await base.replay.database.perform { session in
            try Manifests.seals(of: directory, limit: 50, in: session)
        }
        // The newest that is complete, and what was begun after it.
        let end = seals.firstIndex { $0.sealed != nil }.map { $0 + 1 } ?? seals.count
        let recent = seals.prefix(end)
        let list = found.flatMap(ManifestText.init(bytes:))
        let removed = foundRemoved.flatMap(ManifestText.init(bytes:))
        var wrong: [String] = []
        if let found, list == nil || !recent.contains(where: { $0.digest == VolumeManifests.digest(of: found) }) {
            wrong.append("SHA256SUMS has other bytes than were written")
        }
        if let foundRemoved,
            removed == nil || !recent.contains(where: { $0.removedDigest == VolumeManifests.digest(of: foundRemoved) })
        {
            wrong.append("SHA256SUMS.removed has other bytes than were written")
        }
        if found != nil,
            let fault = try await fault(ofSignature: VolumeManifests.listName, in: directory, recent, \.signatureDigest)
        {
            wrong.append(fault)
        }
        if foundRemoved != nil,
            let fault = try await fault(
                ofSignature: VolumeManifests.removedName, in: directory, recent, \.removedSignatureDigest)
        {
            wrong.append(fault)
        }
        let subject = "manifest of \(directory.path.displayText) on \(name)"
        guard wrong.isEmpty else {
            let detail = wrong.joined(separator: ", and ")
            let isNew = try await base.problems.opens(
                ProblemBook.Finding(
                    .manifestTampered, subject: subject, place: name.rawValue,
                    what: "In \(directory.path.displayText) on volume \(name), \(detail)."))
            if isNew {
                narrator.tell(
                    .manifestTampered,
                    facts: [.volume(name), .volumeID(volume), .directory(directory.path), .detail(detail)]
                        + (recent.last.map { [.sha256($0.digest)] } ?? []))
            }
            tally.add(manifests: 0, tampered: 1)
            return .tampered
        }
        try await base.problems.close(.manifestTampered, subject: subject, place: name.rawValue)
        return .ours(list, removed: removed)
    }

    /// What is wrong with the signature of a list that lies there. One beside a list that was never signed is its maker's.
    ///
    /// - Parameter recent: the newest that is complete is the last.
    private func fault(
        ofSignature name: FilePath, in directory: DayDirectory, _ recent: ArraySlice<ManifestSeal>,
        _ digest: (ManifestSeal) -> Digest?
    ) async throws -> String? {
        let digests = recent.compactMap(digest)
        if digests.isEmpty { return nil }
        let signature = VolumeManifests.signature(of: name)
        let found = try await copier.readBeside(
            directory.path.appending(signature.bytes), most: VolumeManifests.most)
        guard let found else {
            // A crash may have come before it had its name, or after it was taken away.
            let isDue = recent.last?.sealed != nil && digests.count == recent.count
            return isDue ? "\(signature.displayText) is not there" : nil
        }
        return digests.contains(VolumeManifests.digest(of: found))
            ? nil : "\(signature.displayText) has other bytes than were written"
    }

    private func look(at directory: DayDirectory) async throws -> Bool {
        guard case .ours(let list, removed: _) = try await standing(of: directory) else { return false }
        guard let list else { return true }
        let paths = list.lines.map { directory.path.appending($0.path.bytes) }
        return try await copier.standing(paths).count < paths.count
    }

    private static func signature(of name: FilePath) -> FilePath { FilePath(bytes: name.bytes + Array(".sig".utf8)) }

    private static func digest(of bytes: [UInt8]) -> Digest {
        let hash = StreamHash()
        hash.begin(digest: true, crc32: false)
        bytes.withUnsafeBytes { hash.add($0) }
        guard let digest = hash.finish().digest else { preconditionFailure("a digest was asked for") }
        return digest
    }
}

extension CopyError {
    /// Of a volume that was proven, and that can be read and written.
    fileprivate var isOfOneDirectory: Bool {
        switch code {
        case .unsupportedName, .notPermitted, .inputOutput, .durability, .nameConflict: step != .prepare
        case .sourceMissing, .sourceChanged, .sourceUnreadable, .sourceEscapes, .crcMismatch, .volumeFull, .inodes,
            .quota,
            .volumeReadOnly, .volumeAbsent, .volumeReplaced, .volumeStale, .digestMismatch, .timeout, .leaseLost,
            .cancelled, .exhausted:
            false
        }
    }
}
