internal import ArgumentParser
internal import Copying
internal import Files
internal import Glibc
internal import Support
internal import Vocabulary

/// The copying of an agent, without its database: a process of its own, so that its cost can be told from the
/// benchmark's.
struct CopyEngine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy-engine", abstract: "Copy a tree to a new volume as an agent copies, verified and durable.",
        shouldDisplay: false)

    @Argument(help: "The tree.") var source: String
    @Argument(help: "A directory, which becomes a volume.") var target: String
    @Option(help: "Threads, as copying.concurrency; 0: as many as are found by measuring.") var concurrency = 0
    @Option(help: "Files of a group, as copying.group_max_files.") var groupFiles = 128
    @Option(help: "Bytes of a group, as copying.group_max_bytes.") var groupBytes = 256 << 20
    @Option(help: "Groups that are under way at a time.") var lanes = 8

    func run() async throws {
        let root = try KernelFiles().openRoot(FilePath(target))
        let id = try VolumeMarker.create(in: root.descriptor).id
        let threads = FileThreads(name: "copy", count: max(1, concurrency))
        let pace = SourcePace()
        let copier = Copier(
            volume: CopyVolume(root: FilePath(target), id: id), threads: threads,
            settings: CopySettings(openAtMost: groupFiles), pace: pace,
            finder: concurrency == 0 ? WidthFinder(threads: threads, pace: pace) : nil)
        let groups = try groups()
        let failures = await withTaskGroup(of: [String].self) { tasks in
            var next = groups.makeIterator()
            for _ in 0..<max(1, lanes) {
                if let group = next.next() { tasks.addTask { await CopyEngine.copy(group, copier) } }
            }
            var failures: [String] = []
            for await failed in tasks {
                failures += failed
                if let group = next.next() { tasks.addTask { await CopyEngine.copy(group, copier) } }
            }
            return failures
        }
        guard failures.isEmpty else {
            throw BenchFailure(description: "\(failures.count) copies failed, first: \(failures[0])")
        }
        print(ProcessCost.of(getpid()).peakMemory)
    }

    private static func copy(_ orders: [CopyOrder], _ copier: Copier) async -> [String] {
        await copier.run(orders).compactMap { result in
            switch result {
            case .success(let copied):
                // What was only read back from the cache is no copy as it is promised here.
                copied.level < .readBack ? "\(copied.path.displayText): level \(copied.level.rawValue)" : nil
            case .failure(let error): String(describing: error)
            }
        }
    }

    /// In the order of their paths, closed by number and bytes as an agent's groups are.
    private func groups() throws -> [[CopyOrder]] {
        let listing = try ChildProcess.run(["/usr/bin/find", source, "-type", "f", "-printf", "%s %P\\n"])
        var groups: [[CopyOrder]] = []
        var (count, bytes) = (groupFiles, Int64(0))
        for line in listing.split(separator: "\n").sorted() {
            guard let blank = line.firstIndex(of: " "), let size = Int64(line[..<blank]) else { continue }
            let path = FilePath(String(line[line.index(after: blank)...]))
            if count == groupFiles || (count > 0 && bytes + size > Int64(groupBytes)) {
                groups.append([])
                (count, bytes) = (0, 0)
            }
            count += 1
            bytes += size
            groups[groups.count - 1].append(
                CopyOrder(
                    token: FencingToken(rawValue: Int64(groups.count * groupFiles + count)),
                    source: .beneath(root: FilePath(source), path: path), path: path, expectedSize: size))
        }
        return groups
    }
}
