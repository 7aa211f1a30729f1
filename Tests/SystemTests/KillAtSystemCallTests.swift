internal import Catalogs
internal import Files
internal import Glibc
internal import Ledger
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// The built agent is killed by the kernel as it enters a system call of a copy, for files that go past the cache and for
/// ones that are read back while they are written.
@Suite(
    .serialized, .enabled(if: access("/usr/bin/strace", X_OK) == 0 && geteuid() == 0, "root and strace are wanted"))
struct KillAtSystemCallTests {
    /// A call, and which of its calls by one thread.
    struct Death: Sendable, CustomTestStringConvertible {
        let call: String
        let place: Int
        var testDescription: String { "\(call) \(place)" }
    }

    private static let core = [
        Death(call: "fallocate", place: 1), Death(call: "pwrite64", place: 1), Death(call: "pwrite64", place: 2),
        Death(call: "fsync", place: 1), Death(call: "linkat", place: 1),
    ]

    /// Also those that look at the source, drop the cache, and read back.
    private static let all = [
        "openat2", "statx", "fallocate", "fcntl", "pwrite64", "pread64", "fchmod", "fchown", "utimensat", "fsync",
        "syncfs",
        "fadvise64", "mincore", "linkat", "mkdirat", "unlinkat",
    ].flatMap { call in [1, 2, 3, 5, 9, 20, 50].map { Death(call: call, place: $0) } }

    @Test(.timeLimit(.minutes(3)))
    func `killed at a call of the copy of a large file, it leaves nothing wrong`() async throws {
        try await die(at: KillAtSystemCallTests.core, sizes: [(1 << 20) + 5000])
    }

    @Test(
        .timeLimit(.minutes(60)),
        .enabled(if: getenv("TAKEUP_LONG_TESTS") != nil, "the long proof, with TAKEUP_LONG_TESTS=1"),
        arguments: [
            // A group of several makes one thread come to its later calls.
            [Int](repeating: (1 << 20) + 5000, count: 4) + [Int](repeating: 40_000, count: 8), [(64 << 20) + 5000],
        ])
    func `killed at whatever call, it leaves nothing wrong`(sizes: [Int]) async throws {
        try await die(at: KillAtSystemCallTests.all, sizes: sizes)
    }

    private func die(at deaths: [Death], sizes: [Int]) async throws {
        let site = try await ScratchSite()
        var recordings: [SiteRecording] = []
        var died: [String] = []
        var proven = Proven()
        for death in deaths {
            for size in sizes { recordings.append(try await record(recordings.count, size, site)) }
            let agent = try site.start(
                .calls,
                behind: [
                    // Not with --seccomp-bpf, by which strace counts no further than to the first call.
                    "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(death.call)",
                    "-e", "inject=\(death.call):signal=KILL:when=\(death.place)",
                ])
            let count = recordings.count
            // What earlier deaths left uncopied is copied now, too.
            let isOver = try await site.wait(upTo: .seconds(300)) {
                if agent.hasEnded { return true }
                return try await site.markedCount() == count
            }
            #expect(isOver, "\(death)\n\(site.log(.calls).suffix(2000))")
            if try await site.markedCount() != count { died.append("\(death.call) \(death.place)") }
            agent.stopTraced()
            agent.wait()
            try await expectNothingWrong(recordings, site, "\(death)", &proven)
            try await site.expireAllLeases()
        }
        let agent = try site.start(.calls)
        defer {
            agent.send(SIGTERM)
            agent.wait()
        }
        let count = recordings.count
        let isDone = try await site.wait(upTo: .seconds(300)) { try await site.markedCount() == count }
        #expect(isDone, "\(site.log(.calls).suffix(3000))")
        let isSwept = try await site.wait(upTo: .seconds(300)) {
            try await site.expireAllLeases()
            return try await site.openIntents() == 0
        }
        #expect(isSwept)
        for recording in recordings { #expect(try await site.holds(recording, [.audio]), "\(recording.name)") }
        #expect(try site.stagedLeftovers() == [])
        #expect(try await site.unnamedFiles() == [])
        print(
            "bar: killed at \(died.count) of \(deaths.count) system calls of copies of \(sizes) bytes: nothing wrong, nothing left (\(died))"
        )
        // Some of all are more than a thread comes to.
        #expect(died.count >= min(deaths.count, 25), "it died only at \(died)")
    }

    private func record(_ number: Int, _ size: Int, _ site: ScratchSite) async throws -> SiteRecording {
        let name = "large-\(number)"
        let bytes = try RecorderModelMedia.shared().sound(ofBytes: size, mark: name)
        let path = FilePath("\(site.recorder.layout.callsRoot)/20261121/\(name).mp3")
        try site.recorder.put(bytes, at: path)
        let sample = RecordingSample(name, stop: try await site.recorderNow(), seconds: 4)
            .media(MediaSample(.audio, path, size: Int64(bytes.count)))
        let built = try await CatalogBuilder(site.source).add(sample)
        return SiteRecording(
            name: name, id: built.id, mediaIDs: [.audio: built.mediaIDs[0]],
            files: [.audio: SiteRecording.File(path: path, sha256: sha256(of: bytes))])
    }

    /// What was found to be right after an earlier death: not read again, where nothing has changed it since. In the end all is.
    private struct Proven {
        var files: [String: FileObservation] = [:]
        var rows: Set<String> = []
    }

    /// Whatever has a name of its own on a volume is one of the originals, byte for byte, and so is what a row names.
    private func expectNothingWrong(
        _ recordings: [SiteRecording], _ site: ScratchSite, _ death: String, _ proven: inout Proven
    ) async throws {
        let originals = Set(recordings.compactMap { $0.files[.audio]?.sha256 })
        for volume in site.volumes {
            let paths = try ChildProcess.run(["/usr/bin/find", volume, "-type", "f", "-not", "-name", ".takeup-*"])
            for path in paths.split(separator: "\n").map(String.init) {
                let seen = try KernelFiles().observe(FilePath(path), in: KernelFiles.workingDirectory)
                if let before = proven.files[path], seen.isUnchanged(since: before) { continue }
                let isRight = originals.contains(try sha256(ofFile: path))
                #expect(isRight, "wrong bytes have a name, \(death)")
                if isRight { proven.files[path] = seen }
            }
        }
        for recording in recordings where !proven.rows.contains(recording.name) {
            let found = try await site.digests(of: recording)
            let isRight = found.allSatisfy { $0 == recording.files[.audio]?.sha256 }
            #expect(isRight, "a row has no whole file, \(death)")
            if isRight && !found.isEmpty { proven.rows.insert(recording.name) }
        }
    }
}

extension ChildProcess {
    /// Not waited for yet.
    fileprivate var hasEnded: Bool {
        guard let stat = ChildProcess.processText("/proc/\(id)/stat") else { return true }
        return stat.contains(") Z ")
    }

    /// What a file of procfs says, whose size is always zero; nil where it is not there.
    private static func processText(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Asks what strace runs to stop: strace itself lets no signal through.
    fileprivate func stopTraced() {
        let children = ChildProcess.processText("/proc/\(id)/task/\(id)/children") ?? ""
        for child in children.split(separator: " ") {
            if let child = pid_t(child) { kill(child, SIGTERM) }
        }
    }
}
