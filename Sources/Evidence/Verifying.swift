internal import Copying
package import Delivery
internal import Files
internal import FoundationEssentials
internal import Glibc
internal import Ledger
internal import Postgres
package import Settings
internal import Synchronization
package import Vocabulary

/// Compares files on volumes with what the ledger has on record of them.
package struct Verifying: Sendable {
    package enum Choice: Hashable, Sendable {
        /// A file, or a directory with everything below it, on a volume.
        case path(FilePath)
        /// A sid, or `SOURCE/ID`.
        case recording(String)
    }

    /// What one file is.
    package struct Finding: Hashable, Codable, Sendable {
        package enum State: String, Hashable, Codable, Sendable {
            case fine
            /// Other bytes, or another size.
            case changed
            case missing
            /// The disk gives errors.
            case unreadable
            /// A file that no record is of.
            case unknown
            /// Its volume is absent or does not answer, or it may not be read.
            case unseen
        }

        package var state: State
        /// `source/id` of its recording, where the ledger knows it.
        package var recording: String?
        package var kind: String?
        package var volume: String
        /// Below the volume; bytes that are no text as `\xNN`.
        package var path: String
        package var size: Int64?
        /// On record.
        package var sha256: String?
        /// Of what is there, where that is something else.
        package var foundSha256: String?
        package var foundSize: Int64?
        /// Why it could not be seen, where that is not that its volume is away.
        package var why: String?
        package var copied: String?
        package var lastRead: String?
    }

    package struct Unreachable: Error, CustomStringConvertible {
        package let description: String
    }

    /// The path lies on no volume of the settings.
    package struct OnNoVolume: Error, CustomStringConvertible {
        package let description: String
    }

    private let settings: Settings
    private let base: ReplayBase
    private let names = VolumeNames()
    private static let page = 500

    package init(settings: Settings, base: ReplayBase) {
        self.settings = settings
        self.base = base
    }

    /// Tells each file as it was read; true where all are fine and there was one.
    package func run(_ choice: Choice, tell: (Finding) -> Void) async throws -> [Finding.State: Int] {
        let samples = try await base.roster.sample()
        try await names.read(from: base.replay.database)
        var counts: [Finding.State: Int] = [:]
        func told(_ finding: Finding) {
            counts[finding.state, default: 0] += 1
            tell(finding)
        }
        switch choice {
        case .recording(let text):
            let replicas = try await base.replay.database.perform { session in
                let sid = try ChosenRecording.sid(text, in: session)
                return try Replicas.held([sid], in: session)[sid] ?? []
            }
            try await verify(replicas, samples, told)
        case .path(let path): try await verify(path, samples, told)
        }
        return counts
    }

    private func verify(_ given: FilePath, _ samples: [VolumeSample], _ tell: (Finding) -> Void) async throws {
        let straight = given.withoutDots
        // A link may lead there.
        let (path, found) =
            innermost(straight, samples).map { (straight, $0) }
            ?? straight.resolved.flatMap { path in innermost(path, samples).map { (path, $0) } }
            ?? (straight, nil)
        guard let sample = found else {
            let names = settings.replay.allVolumes.map { "\($0.name) (\($0.path.displayText))" }.joined(separator: ", ")
            throw OnNoVolume(description: "\(path.displayText) lies on no volume of the settings. They have: \(names).")
        }
        guard let proof = sample.proof else {
            throw Unreachable(
                description:
                    "Volume \(sample.settings.name) cannot be read: \(sample.reason ?? "it does not prove itself").")
        }
        let below = path.relative(to: sample.settings.path) ?? FilePath(bytes: [])
        var known: Set<FilePath> = []
        var last = Replica.ID(rawValue: 0)
        while true {
            let (after, volume) = (last, proof.id)
            let page = try await base.replay.database.perform { session in
                try Replicas.held(on: volume, below: below, after: after, limit: Verifying.page, in: session)
            }
            guard let end = page.last else { break }
            last = end.id
            known.formUnion(page.map(\.content.path))
            try await verify(page, samples, tell)
        }
        for path in try await files(below: below, on: sample) where !known.contains(path) {
            tell(Finding(state: .unknown, volume: sample.settings.name.rawValue, path: path.displayText))
        }
    }

    /// The volume that a path lies on; the innermost, where one lies in another.
    private func innermost(_ path: FilePath, _ samples: [VolumeSample]) -> VolumeSample? {
        samples.filter {
            path.components == $0.settings.path.components || path.relative(to: $0.settings.path) != nil
        }.max { $0.settings.path.components.count < $1.settings.path.components.count }
    }

    /// Files that are there, but for those of our own.
    private func files(below path: FilePath, on sample: VolumeSample) async throws -> [FilePath] {
        let root = sample.settings.path
        let threads = FileThreads(name: "verify", count: 1)
        do {
            return try await threads.run(timeout: settings.watching.callPatience) { pulse in
                let directory = try KernelFiles().openRoot(root)
                var found: [FilePath] = []
                var waiting = [path]
                while let next = waiting.popLast() {
                    try pulse.beat()
                    let entries: [DirectoryEntry]
                    do {
                        entries = try DirectoryListing.entries(of: next, beneath: directory.descriptor)
                    } catch let error as FileError where error.code == .notDirectory {
                        found.append(next)
                        continue
                    } catch let error as FileError where error.code == .notFound {
                        continue
                    }
                    for entry in entries where !Verifying.isOurs(entry.name) {
                        let below = next.isEmpty ? FilePath(bytes: entry.name) : next.appending(entry.name)
                        // What a file system does not say of which kind it is shows when it is listed.
                        let mayBeDirectory = entry.kind == .directory || entry.kind == .unknown
                        if mayBeDirectory { waiting.append(below) } else { found.append(below) }
                    }
                }
                return found.sorted()
            }
        } catch {
            throw Unreachable(description: "Volume \(sample.settings.name) cannot be listed: \(error).")
        }
    }

    private static func isOurs(_ name: [UInt8]) -> Bool {
        name.starts(with: ".takeup-".utf8) || name.starts(with: "SHA256SUMS".utf8)
    }

    private func verify(_ replicas: [Replica], _ samples: [VolumeSample], _ tell: (Finding) -> Void) async throws {
        let sids = Array(Set(replicas.map(\.content.sid)))
        let sightings = try await base.replay.database.perform { session in
            var found: [Sid: [Sighting]] = [:]
            for sid in sids { found[sid] = try Sightings.find(sid: sid, in: session) }
            return found
        }
        for replica in replicas {
            let known = sightings[replica.content.sid] ?? []
            let sighting = known.first { $0.reference.source == replica.content.source } ?? known.first
            tell(await look(at: replica, sighting?.reference, samples))
        }
    }

    private func look(
        at replica: Replica, _ reference: RecordingReference?, _ samples: [VolumeSample]
    ) async -> Finding {
        let content = replica.content
        let sample = samples.first { $0.proof?.id == content.volume }
        var finding = Finding(
            state: .unseen, recording: reference?.description, kind: content.kind.rawValue,
            volume: sample?.settings.name.rawValue ?? names.name(of: content.volume), path: content.path.displayText,
            size: content.size, sha256: content.digest.description, copied: replica.committed.text,
            lastRead: replica.checked?.text)
        guard let sample else { return finding }
        let copier = Copier(
            volume: CopyVolume(root: sample.settings.path, id: content.volume),
            threads: FileThreads(name: "verify", count: 1),
            settings: CopySettings(patience: settings.watching.callPatience))
        do throws(CopyError) {
            switch try await copier.reread(
                content.path, size: content.size, pace: ReadPace(bytesPerSecond: 1 << 40), isIdle: false)
            {
            case .bytes(let digest, from: _):
                finding.state = digest == content.digest ? .fine : .changed
                if finding.state == .changed { finding.foundSha256 = digest.description }
            case .size(let size):
                finding.state = .changed
                finding.foundSize = size
            case .absent: finding.state = .missing
            }
        } catch {
            finding.state = error.cause?.code == .inputOutput ? .unreadable : .unseen
            if error.code == .notPermitted {
                finding.why = "this user may not read it; the user of the service may"
            } else if finding.state == .unseen, ![.volumeAbsent, .volumeReplaced].contains(error.code) {
                finding.why = error.cause?.description ?? error.description
            }
        }
        return finding
    }
}

/// What volumes are called, also those that are away.
final class VolumeNames: Sendable {
    private let known = Mutex<[VolumeID: VolumeName]>([:])

    func read(from database: Database) async throws {
        let volumes = try await database.perform { session in try Volumes.all(in: session) }
        known.withLock { known in
            for volume in volumes { known[volume.id] = volume.name }
        }
    }

    func name(of volume: VolumeID) -> String { known.withLock { $0[volume]?.rawValue } ?? volume.rawValue }
}

extension FilePath {
    /// Without `.` and `..`, by the names alone.
    fileprivate var withoutDots: FilePath {
        var left: [[UInt8]] = []
        for component in components where component != Array(".".utf8) {
            if component == Array("..".utf8) { _ = left.popLast() } else { left.append(component) }
        }
        return FilePath(bytes: left.flatMap { Array("/".utf8) + $0 })
    }

    /// Where its links lead; nil where it does not exist.
    fileprivate var resolved: FilePath? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let path = bytes.map { CChar(bitPattern: $0) } + [0]
        guard realpath(path, &buffer) != nil else { return nil }
        return FilePath(bytes: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
    }
}

extension Verifying.Finding {
    /// For a person.
    package var line: String {
        let what = recording.map { "\(kind ?? "file") of \($0)" } ?? kind ?? "a file"
        let place = "\(volume):\(path)"
        switch state {
        case .fine: return "fine        \(what), \(place)"
        case .changed:
            let how =
                foundSize.map { "it has \($0) bytes and should have \(size ?? 0)" }
                ?? "it has other bytes than were copied"
            return "CHANGED     \(what), \(place): \(how)"
        case .missing: return "MISSING     \(what), \(place)"
        case .unreadable: return "UNREADABLE  \(what), \(place): the disk gives errors"
        case .unknown: return "NOT KNOWN   \(place): no record is of it"
        case .unseen: return "UNSEEN      \(what), \(place): \(why ?? "its volume is away")"
        }
    }

    package var json: String { EvidenceJSON.line(self) }
}

/// One line of JSON, keys in snake case and sorted.
enum EvidenceJSON {
    static func line(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
