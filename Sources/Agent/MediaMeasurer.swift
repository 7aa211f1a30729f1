package import Files
package import Media
internal import Planning
internal import Vocabulary

/// Measures media files: whether they are whole, and how long they play. Everything is decoded, nothing is believed.
package struct MediaMeasurer: Sendable {
    private let tools: MediaTools
    private let threads: FileThreads
    private let patience: Duration

    /// - Parameter threads: for opening, which can hang with a mount or volume.
    package init(tools: MediaTools, threads: FileThreads, patience: Duration) {
        self.tools = tools
        self.threads = threads
        self.patience = patience
    }

    /// A file, and what it was when it was opened.
    struct Measured: Sendable {
        let measure: MediaMeasure
        let observation: FileObservation
    }

    /// - Parameters:
    ///   - path: below `root`; a link is not followed out of it.
    ///   - name: whose ending says the format, where the path's own does not.
    /// - Throws: ``FileError`` where it cannot be opened or read, or changed meanwhile; ``MediaError`` where the tool is
    ///   missing, failed, was killed or cancelled: nothing is known then, and nothing is to be written down; `CancellationError`.
    func measure(_ path: FilePath, below root: FilePath, kind: MediaKind) async throws -> Measured {
        let opened = try await threads.run(timeout: patience) { _ in
            let calls = KernelFiles()
            let directory = try calls.openRoot(root)
            let held = try calls.openRegularFile(path, beneath: directory.descriptor).held()
            return (file: held.0, observation: held.1, wholeness: try? Container.check(held.0.descriptor, name: path))
        }
        let size = opened.observation.size
        guard let format = MediaFormat(of: path), let stream = StreamFacts.Kind(of: kind) else {
            return Measured(
                measure: MediaMeasure(integrity: .unknown, size: size), observation: opened.observation)
        }
        let isCut = opened.wholeness?.isCut ?? false
        let report = try await tools.decode(stream, of: opened.file.descriptor, format: format, role: "a candidate")
        let isDamaged = isCut || !report.isClean
        if isDamaged {
            // What the disk refuses is no damage of the file.
            try await readThrough(opened.file, size: size)
        }
        guard try await observe(path, below: root) == FileLook(opened.observation) else {
            throw FileError(.busy, doing: "measure a file that changes")
        }
        return Measured(
            measure: MediaMeasure(
                integrity: isDamaged ? .damaged : .whole, length: report.duration > .zero ? report.duration : nil,
                size: size), observation: opened.observation)
    }

    private func readThrough(_ file: HeldFile, size: Int64) async throws {
        try await threads.run(timeout: patience) { pulse in
            let calls = KernelFiles()
            let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
            defer { block.deallocate() }
            var offset: Int64 = 0
            while true {
                try pulse.beat()
                let count = try calls.read(file.descriptor, into: block, at: offset)
                if count == 0 { return }
                offset += Int64(count)
            }
        }
    }

    private func observe(_ path: FilePath, below root: FilePath) async throws -> FileLook {
        try await threads.run(timeout: patience) { _ in
            let calls = KernelFiles()
            let directory = try calls.openRoot(root)
            return FileLook(try calls.openRegularFile(path, beneath: directory.descriptor).observation)
        }
    }
}

extension Wholeness {
    /// Whether its end is missing, which a decoder need not notice. What stands before or between is a decoder's to judge.
    fileprivate var isCut: Bool {
        switch self {
        case .whole, .unknown, .broken(.otherFormat), .broken(.garbage): false
        case .broken(.empty), .broken(.truncated), .broken(.noIndex): true
        }
    }
}

extension MediaFormat {
    /// By the ending of a name; nil where none is known.
    fileprivate init?(of path: FilePath) {
        let name = String(decoding: path.lastComponent, as: UTF8.self).lowercased()
        switch name.split(separator: ".").last {
        case "mp3": self = .mp3
        case "wav": self = .wav
        case "mp4", "m4a", "m4v": self = .mp4
        case "mkv", "mka": self = .matroska
        default: return nil
        }
    }
}

extension StreamFacts.Kind {
    fileprivate init?(of kind: MediaKind) {
        switch kind {
        case .audio: self = .sound
        case .video, .phoneVideo: self = .picture
        case .mag, .archive, .image, .recd, .phoneVideoMag, .phoneVideoStream, .index: return nil
        }
    }
}
