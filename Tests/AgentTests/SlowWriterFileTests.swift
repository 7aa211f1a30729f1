import Agent
import Copying
import Files
import Foundation
import Glibc
import Planning
import Support
import Synchronization
import Testing
import Vocabulary
import Watching

/// The writers of `SlowWriterFuzzTests` on real files, in real time made short: looked at, copied, verified, published and
/// looked at again by what an agent does it with.
///
/// `TAKEUP_FUZZ_SEED` begins elsewhere, `TAKEUP_FUZZ_CASES` tries more. A failure prints its seed and what its writer did.
@Suite(.serialized) struct SlowWriterFileTests {
    private static let isLong = ProcessInfo.processInfo.environment["TAKEUP_LONG_TESTS"] == "1"
    private static let cases = number("TAKEUP_FUZZ_CASES") ?? (isLong ? 10_000 : 600)
    private static let firstSeed = UInt64(number("TAKEUP_FUZZ_SEED") ?? 4_711)
    /// At a time; most of them sleep.
    private static let together = 100
    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    @Test(.timeLimit(.minutes(20)), arguments: ["/dev/shm", "/tmp"])
    func `no copy of a real file stays that is not what the file was in the end`(place: String) async throws {
        let directory = try makeDirectory(in: place)
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", directory]) }
        let scene = try await Scene(directory)
        // Half of them on each kind of file system.
        let count = SlowWriterFileTests.cases / 2
        let first = SlowWriterFileTests.firstSeed + (place == "/tmp" ? UInt64(count) : 0)
        var seeds = (first..<first + UInt64(count)).makeIterator()
        var (commits, early, rewritten) = (0, 0, 0)
        var failures: [String] = []
        try await withThrowingTaskGroup(of: Scene.Outcome.self) { group in
            for _ in 0..<SlowWriterFileTests.together {
                guard let seed = seeds.next() else { break }
                group.addTask { try await scene.run(seed: seed) }
            }
            for try await outcome in group {
                commits += outcome.commits
                early += outcome.commits > 1 ? 1 : 0
                rewritten += outcome.isRewritten ? 1 : 0
                if let failure = outcome.failure { failures.append(failure) }
                if let seed = seeds.next() { group.addTask { try await scene.run(seed: seed) } }
            }
        }
        print(
            "slow writers of real files in \(place): seeds \(first) to \(first + UInt64(count) - 1): \(commits) copies, "
                + "\(early) taken early and replaced, \(rewritten) whole ones written anew in the same size after that; "
                + "\(failures.count) failures")
        #expect(failures.isEmpty, "\(failures.prefix(3).joined(separator: "\n\n"))")
        if SlowWriterFileTests.isLong { #expect(early > 0) }
    }

    private func makeDirectory(in place: String) throws -> String {
        var pattern = Array("\(place)/takeup-writers-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw NoScene(what: "no scratch directory") }
        return String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A recorder's directory and a volume beside it, and everything that looks at the one and writes to the other.
private struct Scene: Sendable {
    struct Outcome: Sendable {
        var commits = 0
        var isRewritten = false
        var failure: String?
    }

    private let mount: String
    private let volume: String
    private let looker: FileLooker
    private let again: OriginalLooker
    private let copier: Copier
    private let root: MountRoot
    private static let quiet = Duration.milliseconds(60)
    private static let window = SettleWindow(quiet: quiet, atMost: .seconds(2))

    init(_ directory: String) async throws {
        (mount, volume) = (directory + "/mount", directory + "/volume")
        for path in [mount, volume] { try ChildProcess.run(["/bin/mkdir", "-p", path]) }
        let root = try KernelFiles().openRoot(FilePath(volume))
        let id = try VolumeMarker.create(in: root.descriptor).id
        let threads = FileThreads(name: "proof", count: 1)
        let proof = MountProof(
            MountExpectation(path: FilePath(mount), mustBeMountPoint: false, marker: nil), threads: threads,
            timeout: .seconds(20))
        guard case .proven(let identity) = await proof.verdict().state else {
            throw NoScene(what: "the scratch directory does not prove itself")
        }
        self.root = identity.root
        looker = FileLooker(
            root: FilePath(mount), threads: FileThreads(name: "look", count: 4), timeout: .seconds(20))
        again = OriginalLooker(
            root: FilePath(mount), threads: FileThreads(name: "again", count: 2), timeout: .seconds(20))
        copier = Copier(
            volume: CopyVolume(root: FilePath(volume), id: id), threads: FileThreads(name: "copy", count: 4),
            calls: KernelFiles(), settings: CopySettings())
    }

    func run(seed: UInt64) async throws -> Outcome {
        let writer = SlowWriter(seed: seed, quiet: 60_000, longest: 600_000, isPaged: true)
        let began = ContinuousClock.now
        let isWritten = Flag()
        async let written: Void = write(writer, began, isWritten)
        var agent = FileAgent(scene: self, writer: writer, began: began, isWritten: isWritten)
        try await agent.work()
        try await written
        return agent.judge()
    }

    // MARK: The writer

    private func path(_ writer: SlowWriter) -> String { "\(mount)/\(writer.fileName)" }
    func copyPath(_ writer: SlowWriter, _ number: Int64) -> FilePath { FilePath("\(number)-\(writer.fileName)") }
    func copied(_ path: FilePath) -> [UInt8] { (try? readSample("\(volume)/\(path.displayText)")) ?? [] }
    func original(_ writer: SlowWriter) -> [UInt8] { (try? readSample(path(writer))) ?? [] }

    private func write(
        _ writer: SlowWriter, _ began: ContinuousClock.Instant, _ isWritten: Flag
    ) async throws {
        // On a busy machine that is later than its steps say.
        defer { isWritten.raise() }
        let name = path(writer)
        let draft = name + ".draft"
        var descriptor: CInt = -1
        var cells: [UInt8] = []
        let isPublished = writer.steps.contains { $0.step == .publish }
        defer { if descriptor >= 0 { close(descriptor) } }
        for (at, step) in writer.steps {
            try await Task.sleep(until: began + .microseconds(at))
            switch step {
            case .create: descriptor = open(isPublished ? draft : name, O_RDWR | O_CREAT, 0o640)
            case .extend(let to):
                while cells.count < to { cells.append(0) }
                ftruncate(descriptor, off_t(Int64(to) * writer.cellBytes))
            case .allocate(let to):
                while cells.count < to { cells.append(0) }
                posix_fallocate(descriptor, 0, off_t(Int64(to) * writer.cellBytes))
            case .write(let range, let version):
                while cells.count < range.upperBound { cells.append(0) }
                for cell in range { cells[cell] = version }
                let offset = Int64(range.lowerBound) * writer.cellBytes
                let bytes = writer.bytes(of: cells, from: offset, count: range.count * Int(writer.cellBytes))
                pwrite(descriptor, bytes, bytes.count, off_t(offset))
            case .truncate(let to):
                cells.removeLast(cells.count - min(to, cells.count))
                ftruncate(descriptor, off_t(Int64(cells.count) * writer.cellBytes))
            case .stamp(let shift):
                let stamp = timespec(tv_sec: time(nil) + shift, tv_nsec: 123)
                _ = [stamp, stamp].withUnsafeBufferPointer { futimens(descriptor, $0.baseAddress) }
            case .touch:
                link(isPublished ? draft : name, name + ".link")
                unlink(name + ".link")
            case .publish: rename(draft, name)
            case .replace(let count, let version):
                if descriptor >= 0 { close(descriptor) }
                cells = [UInt8](repeating: version, count: count)
                let bytes = writer.bytes(of: cells, from: 0, count: count * Int(writer.cellBytes))
                descriptor = open(draft, O_RDWR | O_CREAT, 0o640)
                pwrite(descriptor, bytes, bytes.count, 0)
                rename(draft, name)
            case .close: break
            }
        }
    }

    // MARK: The agent

    /// One file's transfer, commit, looks and mark, with the real looks and copies.
    private struct FileAgent {
        let scene: Scene
        let writer: SlowWriter
        let began: ContinuousClock.Instant
        private let isWritten: Flag
        private var outcome = Outcome()
        private var copy: (path: FilePath, row: SlowWriter.Row, isVouched: Bool)?
        private var isConfirmed = false

        init(scene: Scene, writer: SlowWriter, began: ContinuousClock.Instant, isWritten: Flag) {
            self.isWritten = isWritten
            self.scene = scene
            self.writer = writer
            self.began = began
        }

        private var elapsed: Duration { ContinuousClock.now - began }
        private var row: SlowWriter.Row {
            let now = elapsed.wholeMicroseconds
            return writer.rows.last { $0.at <= now }?.row
                ?? SlowWriter.Row(isFinished: false, size: nil, hasChecksum: false)
        }
        private var end: Duration {
            .microseconds(max(writer.steps.last?.at ?? 0, writer.rows.last?.at ?? 0))
        }
        private var isOver: Bool { isWritten.isRaised && elapsed > end }
        private var file: FilePath { FilePath(writer.fileName) }

        /// Until what is committed is what the row says, was found unchanged, and neither file nor row go on.
        mutating func work() async throws {
            let limit = end + .seconds(60)
            while elapsed < limit {
                guard row.isFinished else {
                    try await Task.sleep(for: .milliseconds(5))
                    continue
                }
                if copy?.row != row { try await bring(row) }
                if try await lookAfter(), isOver, copy?.row == row { return }
            }
            outcome.failure = "it did not come to rest"
        }

        private mutating func bring(_ row: SlowWriter.Row) async throws {
            var trail = TransferTrail()
            while self.row == row {
                let sight = await scene.looker.look(at: file, on: scene.root, isEncrypted: false)
                let planned: TransferSight =
                    switch sight {
                    case .seen(let observation, let wholeness): .seen(FileLook(observation), wholeness)
                    case .absent: .absent
                    case .refused: .refused
                    case .failed: .unreadable
                    }
                let decision = trail.decide(
                    planned, row: TransferRow(size: row.size, hasChecksum: false), within: Scene.window, at: elapsed)
                switch decision {
                case .deliver, .deliverDamaged:
                    guard case .seen(let observation, let wholeness) = sight else { break }
                    if await copied(row, observation, wholeness) { return }
                    try await Task.sleep(for: .milliseconds(20))
                case .missing(let again), .wait(_, let again), .neverSettles(_, let again), .refuse(let again):
                    try await Task.sleep(for: min(max(.milliseconds(2), again), .milliseconds(200)))
                case .retry: try await Task.sleep(for: .milliseconds(20))
                }
            }
        }

        private mutating func copied(
            _ row: SlowWriter.Row, _ observation: FileObservation, _ wholeness: Wholeness
        ) async -> Bool {
            let number = Int64(writer.seed) * 1000 + Int64(outcome.commits)
            let order = CopyOrder(
                token: FencingToken(rawValue: number),
                source: .beneath(root: FilePath(scene.mount), path: file),
                path: scene.copyPath(writer, number), expectedSize: observation.size, expectedObservation: observation)
            let results = await scene.copier.run([order]) { Set($0.map(\.token)) }
            guard case .success(let done) = results.first else { return false }
            outcome.commits += 1
            let look = FileLook(observation)
            let isKnown = isVouched(
                rowSize: row.size, hasChecksum: false, look: look, container: ContainerState(wholeness))
            copy = (done.path, row, isKnown && !done.hasBlankPages)
            after = Afterlook(copied: look)
            committed = elapsed
            isConfirmed = false
            return true
        }

        private var after: Afterlook?
        private var committed = Duration.zero

        /// Whether the mark may stand: what is vouched for is looked at once, the rest until writer and row have ended.
        private mutating func lookAfter() async throws -> Bool {
            guard let standing = after, let copy else { return isConfirmed }
            let next = committed + Scene.quiet
            if elapsed < next { try await Task.sleep(for: next - elapsed) }
            let isLast = copy.isVouched || isOver
            let sight = await scene.again.look(at: file, on: scene.root)
            switch standing.decide(sight, age: elapsed - committed, within: Scene.window) {
            case .same(let confirms, _):
                isConfirmed = isConfirmed || confirms
                if confirms && isLast { after = nil } else { try await Task.sleep(for: .milliseconds(30)) }
            case .compare:
                guard let found = await scene.again.digest(of: file, on: scene.root) else { break }
                if found.digest == Digest.of(scene.copied(copy.path)) {
                    after = Afterlook(copied: found.look)
                } else {
                    forget()
                }
            case .changed: forget()
            case .gone: isConfirmed = true
            case .later: try await Task.sleep(for: .milliseconds(20))
            }
            return isConfirmed && after == nil
        }

        /// What is doubted is brought anew.
        private mutating func forget() {
            copy = nil
            after = nil
            isConfirmed = false
        }

        mutating func judge() -> Outcome {
            guard outcome.failure == nil, let copy else {
                outcome.failure = "\(outcome.failure ?? "nothing was copied")\n\(writer)"
                return outcome
            }
            let (held, original) = (scene.copied(copy.path), scene.original(writer))
            if held == original { return outcome }
            let unit = Int(writer.cellBytes)
            let isTruncated =
                held.count < original.count
                || stride(from: 0, to: held.count, by: unit).contains { start in
                    held[start..<min(held.count, start + unit)].allSatisfy { $0 == 0 }
                }
            if copy.isVouched && !isTruncated && held.count == original.count {
                outcome.isRewritten = true
            } else {
                outcome.failure = "the copy of \(held.count) bytes is not the file of \(original.count)\n\(writer)"
            }
            return outcome
        }
    }
}

extension Digest {
    fileprivate static func of(_ bytes: [UInt8]) -> Digest? {
        let hash = StreamHash()
        hash.begin(digest: true, crc32: false)
        bytes.withUnsafeBytes { hash.add($0) }
        return hash.finish().digest
    }
}

/// Raised once, by one task, and asked for by another.
private final class Flag: Sendable {
    private let state = Atomic<Bool>(false)
    var isRaised: Bool { state.load(ordering: .acquiring) }
    func raise() { state.store(true, ordering: .releasing) }
}

private struct NoScene: Error {
    let what: String
}
