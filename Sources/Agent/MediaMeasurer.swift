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
    /// - Throws: ``FileError`` where it cannot be opened; `CancellationError`.
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
        do {
            let report = try await tools.decode(stream, of: opened.file.descriptor, format: format, role: "a candidate")
            return Measured(
                measure: MediaMeasure(
                    integrity: report.isClean && !isCut ? .whole : .damaged,
                    length: report.duration > .zero ? report.duration : nil, size: size),
                observation: opened.observation)
        } catch {
            // The tool failed, not the file: only what the container tells is known.
            return Measured(
                measure: MediaMeasure(integrity: isCut ? .damaged : .unknown, size: size),
                observation: opened.observation)
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
