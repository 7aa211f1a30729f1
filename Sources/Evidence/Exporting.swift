internal import CLibcrypto
internal import Catalogs
package import Delivery
package import Files
internal import FoundationEssentials
internal import Glibc
internal import Ledger
internal import Postgres
package import Settings
package import Vocabulary

/// Makes a BagIt bag (RFC 8493) of recordings: their copies, and what the replay knows of them.
package struct Exporting: Sendable {
    package struct Refused: Error, CustomStringConvertible {
        package enum Code: Hashable, Sendable {
            /// A recording is not there, or a copy is not what it was.
            case content
            /// The bag cannot be made there.
            case place
            case unreachable
        }
        package let code: Code
        package let description: String
    }

    package struct Report: Hashable, Sendable {
        package var recordings = 0
        package var files = 0
        package var bytes: Int64 = 0
    }

    private let settings: Settings
    private let base: ReplayBase
    private let version: String
    private let calls: any FileCalls

    package init(
        settings: Settings, base: ReplayBase, version: String, calls: any FileCalls = KernelFiles()
    ) {
        self.calls = calls
        self.settings = settings
        self.base = base
        self.version = version
    }

    /// All of it, or nothing: the bag gets its name when it is whole and durable.
    ///
    /// - Parameter place: must not be there; the directory above it must.
    package func run(_ chosen: [String], to place: FilePath) async throws -> Report {
        let samples = try await base.roster.sample()
        var cases: [Case] = []
        for text in chosen {
            let one = try await read(text)
            // Named twice, by its sid and by its source: once in the bag.
            if !cases.contains(where: { $0.recording.sid == one.recording.sid }) { cases.append(one) }
        }
        let names = VolumeNames()
        try await names.read(from: base.replay.database)
        let roots = Dictionary(
            samples.compactMap { sample in sample.proof.map { ($0.id, sample.settings.path) } },
            uniquingKeysWith: { first, _ in first })
        for one in cases.flatMap(\.replicas) where roots[one.content.volume] == nil {
            throw Refused(
                code: .unreachable,
                description:
                    "Volume \(names.name(of: one.content.volume)), which has a copy, is absent or not in the settings.")
        }
        let (version, replay, all, calls) = (version, settings.replay.name, cases, calls)
        let threads = FileThreads(name: "export", count: 1)
        do {
            return try await threads.run(timeout: .seconds(300)) { pulse in
                let bag = try Bag(place, calls)
                do {
                    let report = try bag.fill(all, from: roots, replay: replay, version: version, pulse)
                    try bag.publish()
                    return report
                } catch {
                    bag.discard()
                    throw error
                }
            }
        } catch let error as FileError where error.code == .timeout {
            throw Refused(code: .unreachable, description: "A volume, or the bag's place, does not answer: \(error)")
        } catch let error as FileError {
            throw Refused(code: .place, description: "The bag could not be made: \(error)")
        }
    }

    /// What is known of a recording.
    struct Case: Sendable {
        let recording: ReplayRecording
        let replicas: [Replica]
        let sightings: [Sighting]
    }

    private func read(_ text: String) async throws -> Case {
        let catalog = base.replay.catalog
        let found = try await base.replay.database.perform { session -> Case? in
            let sid = try ChosenRecording.sid(text, in: session)
            guard let recording = try catalog.find(sids: [sid], on: session)[sid] else { return nil }
            return Case(
                recording: recording, replicas: try Replicas.held([sid], in: session)[sid] ?? [],
                sightings: try Sightings.find(sid: sid, in: session))
        }
        guard let found else {
            throw Refused(code: .content, description: "The replay has no recording \(text).")
        }
        guard !found.replicas.isEmpty else {
            throw Refused(code: .content, description: "No copy of recording \(text) is held here.")
        }
        return found
    }
}

/// A bag on its way, under a hidden name beside its own.
private final class Bag {
    private let place: FilePath
    private let draft: FilePath
    private let root: HeldFile
    private let parent: HeldFile
    private let calls: any FileCalls
    /// Of payload and of tag files, by path.
    private var payload: [(path: FilePath, sums: Sums)] = []
    private var tags: [(path: FilePath, sums: Sums)] = []

    struct Sums {
        let size: Int64
        let sha256: [UInt8]
        let sha512: [UInt8]
    }

    init(_ given: FilePath, _ calls: any FileCalls) throws {
        self.calls = calls
        var bytes = given.bytes
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        let place = FilePath(bytes: bytes)
        self.place = place
        let above = place.parent.isEmpty ? FilePath(".") : place.parent
        do throws(FileError) {
            parent = HeldFile(try calls.openRoot(above))
        } catch {
            guard error.code == .notFound || error.code == .notDirectory else { throw error }
            throw Exporting.Refused(
                code: .place, description: "There is no directory \(above.displayText) for the bag to be made in.")
        }
        let name = FilePath(bytes: place.lastComponent)
        do throws(FileError) {
            _ = try calls.observe(name, in: parent.descriptor)
        } catch {
            guard error.code == .notFound else { throw error }
            let draftName = FilePath(".\(name.displayText).\(Hex.text(of: UInt64.random(in: 0 ... .max)))")
            try calls.makeDirectory(draftName, in: parent.descriptor, mode: 0o700)
            draft = above.appending(draftName.bytes)
            root = HeldFile(try calls.openRoot(draft))
            return
        }
        throw Exporting.Refused(
            code: .place, description: "\(place.displayText) is there already; nothing is ever written into it.")
    }

    func fill(
        _ cases: [Exporting.Case], from roots: [VolumeID: FilePath], replay: String, version: String, _ pulse: Pulse
    ) throws -> Exporting.Report {
        var report = Exporting.Report()
        try calls.makeDirectory(FilePath("data"), in: root.descriptor, mode: 0o755)
        for (number, one) in cases.enumerated() {
            let digits = String(number + 1)
            let folder = FilePath("data/recording-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits)
            try calls.makeDirectory(folder, in: root.descriptor, mode: 0o755)
            var names: [Replica.ID: String] = [:]
            for replica in one.replicas {
                let name = Bag.name(of: replica)
                names[replica.id] = name
                guard let volume = roots[replica.content.volume] else { continue }
                let sums = try copy(replica, from: volume, to: folder.appending(name), pulse)
                payload.append((folder.appending(name), sums))
                report.files += 1
                report.bytes += sums.size
            }
            let about = CaseDocument(one, names: names).bytes
            payload.append(
                (folder.appending("recording.json"), try write(about, to: folder.appending("recording.json"))))
            report.recordings += 1
            try sync(folder)
        }
        try sync(FilePath("data"))
        try writeTags(cases, replay: replay, version: version)
        return report
    }

    /// Unique by its number. Of a name that is too long with that the end is kept, where its kind stands.
    private static func name(of replica: Replica) -> String {
        let (number, own) = (
            "\(replica.id.rawValue)-", FilePath(bytes: replica.content.path.lastComponent).displayText
        )
        var scalars = own.unicodeScalars[...]
        while number.utf8.count + String(scalars).utf8.count > 255 { scalars = scalars.dropFirst() }
        return number + String(scalars)
    }

    private func writeTags(_ cases: [Exporting.Case], replay: String, version: String) throws {
        let size = payload.reduce(Int64(0)) { $0 + $1.sums.size }
        let info = """
            Source-Organization: \(replay)
            Bagging-Date: \(Bag.today())
            Bag-Software-Agent: takeup \(version)
            Payload-Oxum: \(size).\(payload.count)
            External-Description: \(cases.count) recording\(cases.count == 1 ? "" : "s") with metadata

            """
        for (name, text) in [
            ("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"), ("bag-info.txt", info),
            ("manifest-sha256.txt", Bag.list(payload) { $0.sha256 }),
            ("manifest-sha512.txt", Bag.list(payload) { $0.sha512 }),
        ] {
            tags.append((FilePath(name), try write(Array(text.utf8), to: FilePath(name))))
        }
        for (name, text) in [
            ("tagmanifest-sha256.txt", Bag.list(tags) { $0.sha256 }),
            ("tagmanifest-sha512.txt", Bag.list(tags) { $0.sha512 }),
        ] {
            _ = try write(Array(text.utf8), to: FilePath(name))
        }
        try calls.syncDirectory(root.descriptor)
    }

    /// Percent signs and line ends in names are escaped as RFC 8493 says (2.1.3).
    private static func list(_ files: [(path: FilePath, sums: Sums)], _ sum: (Sums) -> [UInt8]) -> String {
        files.sorted { $0.path < $1.path }.map { path, sums in
            let name = path.displayText.replacing("%", with: "%25").replacing("\n", with: "%0A").replacing(
                "\r", with: "%0D")
            return "\(Hex.text(of: sum(sums)))  \(name)\n"
        }.joined()
    }

    private static func today() -> String {
        let day = WallTime(microseconds: Int64(time(nil)) * 1_000_000).dayFolder
        return "\(day.prefix(4))-\(day.dropFirst(4).prefix(2))-\(day.suffix(2))"
    }

    // MARK: Files

    /// One pass that reads, digests and writes; then the copy is read back from the disk.
    private func copy(_ replica: Replica, from volume: FilePath, to path: FilePath, _ pulse: Pulse) throws -> Sums {
        let what = "The copy of \(replica.content.kind.rawValue) (replica \(replica.id.rawValue))"
        let directory = try proven(volume, replica.content.volume)
        let source: HeldFile
        do throws(FileError) {
            source = try calls.openRegularFile(replica.content.path, beneath: directory.descriptor).held().0
        } catch {
            if error.code == .notPermitted {
                throw Exporting.Refused(
                    code: .unreachable,
                    description: "\(what) may not be read by this user: run it as the user of the service.")
            }
            throw Exporting.Refused(code: .content, description: "\(what) cannot be read: \(error).")
        }
        try? calls.dropCache(source.descriptor)
        let file = HeldFile(try calls.createNamed(path, in: root.descriptor, mode: 0o644))
        // What the volume cannot read is no fault of the bag's place.
        let written = try digest(
            source, pulse, refused: { Exporting.Refused(code: .content, description: "\(what) cannot be read: \($0).") }
        ) { bytes, offset in try calls.writeAll(bytes, to: file.descriptor, at: offset) }
        guard written.sha256 == replica.content.digest.bytes else {
            throw Exporting.Refused(
                code: .content, description: "\(what) is not what was copied: its SHA-256 is not the one on record.")
        }
        try calls.syncFile(file.descriptor)
        try? calls.dropCache(file.descriptor)
        guard try digest(file, pulse, { _, _ in }).sha512 == written.sha512 else {
            throw Exporting.Refused(code: .place, description: "\(what) reads back differently from the bag.")
        }
        try file.close(with: calls)
        return written
    }

    private func write(_ bytes: [UInt8], to path: FilePath) throws -> Sums {
        let file = HeldFile(try calls.createNamed(path, in: root.descriptor, mode: 0o644))
        try bytes.withUnsafeBytes { try calls.writeAll($0, to: file.descriptor, at: 0) }
        try calls.syncFile(file.descriptor)
        let sums = try digest(file, Pulse()) { _, _ in }
        try file.close(with: calls)
        return sums
    }

    /// The volume's root, which has to be what it was a moment ago.
    private func proven(_ volume: FilePath, _ id: VolumeID) throws -> OpenFile {
        do {
            let directory = try calls.openRoot(volume)
            if try VolumeMarker.read(in: directory.descriptor, with: calls) == .volume(id) { return directory }
        } catch {
            throw Exporting.Refused(code: .unreachable, description: "The volume of a copy can't be read: \(error).")
        }
        throw Exporting.Refused(code: .unreachable, description: "The volume of a copy is not what it was.")
    }

    /// - Parameter refused: what a failed read is told as; nil where the failure says enough.
    private func digest(
        _ file: HeldFile, _ pulse: Pulse, refused: ((FileError) -> any Error)? = nil,
        _ each: (UnsafeRawBufferPointer, Int64) throws -> Void
    ) throws -> Sums {
        let (short, long) = (Hashing(EVP_sha256()), Hashing(EVP_sha512()))
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { block.deallocate() }
        var offset: Int64 = 0
        while true {
            try pulse.beat()
            let count: Int
            do throws(FileError) {
                count = try uninterrupted { () throws(FileError) in
                    try calls.read(file.descriptor, into: block, at: offset)
                }
            } catch {
                throw refused?(error) ?? error
            }
            if count == 0 { break }
            let bytes = UnsafeRawBufferPointer(rebasing: block[..<count])
            short.add(bytes)
            long.add(bytes)
            try each(bytes, offset)
            offset += Int64(count)
        }
        return Sums(size: offset, sha256: short.finish(), sha512: long.finish())
    }

    private func sync(_ path: FilePath) throws {
        let directory = try calls.openDirectory(path, beneath: root.descriptor)
        try calls.syncDirectory(directory.descriptor)
    }

    func publish() throws {
        let (name, draftName) = (FilePath(bytes: place.lastComponent), FilePath(bytes: draft.lastComponent))
        do throws(FileError) {
            try calls.renameWithoutReplacing(draftName, in: parent.descriptor, to: name, in: parent.descriptor)
        } catch {
            // NFS and others cannot rename without replacing. A plain rename of a directory replaces nothing but an empty
            // one, and fails where anything else has the name.
            guard error.code == .unsupported else { throw error }
            if (try? calls.observe(name, in: parent.descriptor)) != nil {
                throw FileError(.exists, doing: "give the bag its name", path: place)
            }
            try calls.replace(name, by: draftName, in: parent.descriptor)
        }
        try calls.syncDirectory(parent.descriptor)
    }

    /// Takes away what was begun; of our own making alone.
    func discard() {
        func remove(_ path: FilePath) {
            if let directory = try? calls.openRoot(path),
                let entries = try? DirectoryListing.entries(in: directory.descriptor)
            {
                for entry in entries {
                    let below = path.appending(entry.name)
                    if entry.kind == .directory { remove(below) } else { unlink(below.text) }
                }
            }
            rmdir(path.text)
        }
        remove(draft)
    }
}

extension FilePath {
    fileprivate var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// One digest of libcrypto's.
private final class Hashing {
    private let context: OpaquePointer

    init(_ kind: OpaquePointer?) {
        guard let made = EVP_MD_CTX_new(), EVP_DigestInit_ex(made, kind, nil) == 1 else {
            preconditionFailure("libcrypto has no such digest")
        }
        context = made
    }

    deinit { EVP_MD_CTX_free(context) }

    func add(_ bytes: UnsafeRawBufferPointer) {
        let added = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(added == 1, "a digest refused bytes")
    }

    func finish() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let finished = EVP_DigestFinal_ex(context, &bytes, &count)
        precondition(finished == 1, "a digest did not finish")
        return Array(bytes.prefix(Int(count)))
    }
}

/// What the replay knows of a recording, for whoever opens the bag.
private struct CaseDocument: Encodable {
    struct File: Encodable {
        let name: String
        let kind: String
        let size: Int64
        let sha256: String
        /// How far it was verified when it was copied, and what else speaks for it.
        let level: String
        let authenticity: String
        let copied: String
        let lastRead: String?
        let source: String?
        let sourceMediaId: Int64?
        let isMuxed: Bool
        let start: String?
        let stop: String?
    }
    struct Seen: Encodable {
        let source: String
        let id: Int64
    }

    let version = 1
    let sid: String
    let id: Int64
    let callId: Int64
    /// By the recorder's clock.
    let start: String?
    let stop: String?
    let length: Int?
    let state: String?
    let problemStatus: String?
    let parties: [String]
    let legs: [String]
    let isProtected: Bool
    let isDeleted: Bool
    let isArchived: Bool
    let externalData: [[String]]
    let sources: [Seen]
    let files: [File]

    init(_ one: Exporting.Case, names: [Replica.ID: String]) {
        let recording = one.recording
        sid = recording.sid.rawValue
        id = recording.id
        callId = recording.callID
        start = recording.start?.secondsText(separator: "T")
        stop = recording.stop?.secondsText(separator: "T")
        length = recording.length
        state = recording.state
        problemStatus = recording.problemStatus
        parties = recording.parties
        legs = recording.callLegs.map(\.rawValue)
        isProtected = recording.isProtected
        isDeleted = recording.isDeleted
        isArchived = recording.isArchived
        externalData = recording.externalData.map { [$0.key, $0.value] }.sorted { $0.lexicographicallyPrecedes($1) }
        sources = one.sightings.map { Seen(source: $0.reference.source.rawValue, id: $0.reference.id) }
        files = one.replicas.map { replica in
            let content = replica.content
            let row = recording.media.first { $0.id == content.replayMediaID }
            return File(
                name: names[replica.id] ?? "", kind: content.kind.rawValue, size: content.size,
                sha256: content.digest.description, level: content.level.rawValue,
                authenticity: content.authenticity.rawValue, copied: replica.committed.text,
                lastRead: replica.checked?.text, source: content.source?.rawValue, sourceMediaId: content.sourceMediaID,
                isMuxed: content.isResult, start: row?.start?.secondsText(separator: "T"),
                stop: row?.stop?.secondsText(separator: "T"))
        }
    }

    var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return (try? encoder.encode(self)).map { Array($0) + [UInt8(ascii: "\n")] } ?? []
    }
}
