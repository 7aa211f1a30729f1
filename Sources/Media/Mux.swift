internal import Files
internal import Glibc
package import Planning
package import Vocabulary

/// What the result says of itself, in its comment. No phone numbers: a recording by its reference, media by row id.
package struct MuxLabels: Hashable, Sendable {
    package struct Source: Hashable, Sendable {
        package let mediaID: Int64
        package let digest: Digest?
        package init(mediaID: Int64, digest: Digest?) {
            self.mediaID = mediaID
            self.digest = digest
        }
    }
    package let recording: String
    package let sources: [Source]
    /// "Takeup 1.0".
    package let madeBy: String

    package init(recording: String, sources: [Source], madeBy: String) {
        self.recording = recording
        self.sources = sources
        self.madeBy = madeBy
    }

    /// `recording=rec_a/17 media=5:sha256:… media=6 by=Takeup 1.0`
    package var text: String {
        let media = sources.map { "media=\($0.mediaID)\($0.digest.map { ":sha256:\($0)" } ?? "")" }
        return (["recording=\(recording)"] + media + ["by=\(madeBy)"]).joined(separator: " ")
    }
}

/// An input of a mux: an open regular file, lent, and what probing it gave.
package struct MuxInput: Hashable, Sendable {
    package let descriptor: CInt
    package let format: MediaFormat
    package let facts: MediaFacts
    package init(descriptor: CInt, format: MediaFormat, facts: MediaFacts) {
        self.descriptor = descriptor
        self.format = format
        self.facts = facts
    }
}

/// A muxed and verified file.
package struct MuxResult: Hashable, Sendable {
    package let path: FilePath
    package let byteCount: Int64
    package let facts: MediaFacts
    /// As it was done, which may be *encode* where the plan hoped for *copy*.
    package let picture: MuxPlan.Treatment
    package let sound: MuxPlan.Treatment

    /// One line for people: what was encoded, and why.
    package var encodedText: String {
        func text(_ what: String, _ treatment: MuxPlan.Treatment) -> String {
            switch treatment {
            case .copy: "\(what) copied"
            case .encode(let reason): "\(what) encoded, as \(reason.rawValue)"
            }
        }
        return [text("pictures", picture), text("sound", sound)].joined(separator: "; ")
    }
}

extension MediaTools {
    /// Carries out a plan: makes the mp4 `name` in `directory`, which has to be private, and verifies it.
    ///
    /// `screens` are in the order in which they were arranged. Pictures are copied where the plan says so, black padding
    /// then being encoded to join with them; where that fails, or the copy does not pass, all pictures are encoded. The
    /// result's length may differ from the plan's by `tolerance`. It is not yet durable.
    ///
    /// Throws ``MediaError``, leaving no file: `mismatch` where the result does not pass, `io` where the name is taken,
    /// and what running a tool can throw.
    package func mux(
        _ plan: MuxPlan, sound: MuxInput, screens: [MuxInput], labels: MuxLabels, into directory: FilePath,
        name: String, tolerance: Duration = .milliseconds(100)
    ) async throws(MediaError) -> MuxResult {
        let path = directory.appending(name)
        let file = try openFile(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600, doing: "create the muxed file")
        do throws(MediaError) {
            let job = try MuxJob(
                tools: self, plan: plan, sound: sound, screens: screens, labels: labels, directory: directory,
                result: file.descriptor, tolerance: tolerance)
            let (facts, picture) = try await job.run()
            return MuxResult(
                path: path, byteCount: try regularSize(of: file.descriptor, doing: "mux") ?? 0, facts: facts,
                picture: picture, sound: plan.sound)
        } catch {
            unlink(path.cString)
            throw error
        }
    }
}

/// One mux on its way. The descriptors are lent by the caller.
private struct MuxJob: Sendable {
    let tools: MediaTools
    let plan: MuxPlan
    let sound: MuxInput
    let soundStream: StreamFacts
    let screens: [MuxInput]
    let labels: MuxLabels
    let directory: FilePath
    let result: CInt
    let tolerance: Duration

    init(
        tools: MediaTools, plan: MuxPlan, sound: MuxInput, screens: [MuxInput], labels: MuxLabels,
        directory: FilePath, result: CInt, tolerance: Duration
    ) throws(MediaError) {
        guard let stream = sound.facts.sound else {
            throw MediaError(.malformed, doing: "mux", reason: "the sound holds no sound")
        }
        guard plan.pieces.allSatisfy({ $0.screen.map(screens.indices.contains) ?? true }) else {
            throw MediaError(.mismatch, doing: "mux", reason: "the plan names a screen that was not given")
        }
        self.tools = tools
        self.plan = plan
        self.sound = sound
        soundStream = stream
        self.screens = screens
        self.labels = labels
        self.directory = directory
        self.result = result
        self.tolerance = tolerance
    }

    private var command: MuxCommand {
        MuxCommand(plan: plan, soundFormat: sound.format, sound: soundStream, labels: labels)
    }

    func run() async throws(MediaError) -> (MediaFacts, MuxPlan.Treatment) {
        switch plan.picture {
        case .encode(let reason): return (try await encode(), .encode(reason))
        case .copy:
            do throws(MediaError) {
                guard try await copy() else { return (try await encode(), .encode(.paddingDiffers)) }
                return (try await verify(isCopy: true), .copy)
            } catch {
                switch error.code {
                case .mismatch, .toolFailed: return (try await encode(), .encode(.copyUnfit))
                case .noKey, .wrongKey, .truncated, .damaged, .malformed, .unsupported, .toolMissing, .timedOut,
                    .cancelled, .io:
                    throw error
                }
            }
        }
    }

    private func verify(isCopy: Bool) async throws(MediaError) -> MediaFacts {
        try await tools.verify(result, of: plan, isCopy: isCopy, tolerance: tolerance)
    }

    private func encode() async throws(MediaError) -> MediaFacts {
        var order: [Int] = []
        for screen in plan.pieces.compactMap(\.screen) where !order.contains(screen) { order.append(screen) }
        try await ffmpeg(
            command.encoding(screens: order), [result, sound.descriptor] + order.map { screens[$0].descriptor })
        return try await verify(isCopy: false)
    }

    /// Joins what can be joined as it is. False where padding cannot be made to join.
    private func copy() async throws(MediaError) -> Bool {
        let skipsPadding = plan.padding == .nothing
        let entries = plan.pieces.filter { !($0.isPadding && skipsPadding) }
        let delay = entries.first?.start ?? .zero
        if entries.count == 1, let screen = entries[0].screen {
            try await ffmpeg(
                command.copyingOne(delay: delay), [screens[screen].descriptor, sound.descriptor, result])
            return true
        }
        guard let model = plan.pieces.compactMap(\.screen).first else { return false }
        let slices = SliceShelf(directory: directory)
        var files: [CInt] = []
        for entry in entries {
            if let screen = entry.screen {
                files.append(screens[screen].descriptor)
            } else if let slice = try await slice(entry.duration, like: screens[model], on: slices) {
                files.append(slice)
            } else {
                return false
            }
        }
        let list = try openUnnamedFile(in: directory, doing: "mux")
        let starts = entries.dropFirst().map { Optional($0.start) } + [nil]
        let text = MuxCommand.joinList(
            zip(entries, starts).enumerated().map { (descriptor: 3 + $0, piece: $1.0, next: $1.1) })
        try Array(text.utf8).withUnsafeBufferPointer { buffer throws(MediaError) in
            try writeFully(UnsafeRawBufferPointer(buffer), to: list.descriptor, doing: "mux")
        }
        try await ffmpeg(command.copyingJoined(delay: delay), [list.descriptor, sound.descriptor, result] + files)
        withExtendedLifetime(slices) {}
        return true
    }

    /// A black slice whose codec parameters are those of the screen's pictures; nil where no encoder options give them.
    private func slice(
        _ duration: Duration, like screen: MuxInput, on shelf: SliceShelf
    ) async throws(MediaError) -> CInt? {
        guard let picture = screen.facts.picture, picture.parameters != nil else { return nil }
        for encoder in MuxCommand.encoders(for: picture, traits: try traits(of: screen, picture)) {
            let file = try shelf.add()
            try await ffmpeg(MuxCommand.paddingSlice(duration, like: picture, encoder: encoder), [file])
            let facts = try await tools.probe(file, format: .mp4, role: "the padding")
            if facts.picture?.format.parameters == picture.format.parameters { return file }
        }
        return nil
    }

    private func traits(of screen: MuxInput, _ picture: StreamFacts) throws(MediaError) -> EncoderTraits? {
        guard let offset = picture.firstPacketOffset else { return nil }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: EncoderTraits.bytesToRead, alignment: 1)
        defer { buffer.deallocate() }
        let count = try readFully(screen.descriptor, into: buffer, at: offset, doing: "mux")
        return EncoderTraits(firstPicture: Array(buffer[..<count]))
    }

    private func ffmpeg(_ arguments: [String], _ descriptors: [CInt]) async throws(MediaError) {
        let end = try await tools.ffmpeg.run(
            arguments, descriptors: descriptors, limits: tools.limits, doing: "mux", output: { _ in })
        guard end.isSuccess else { throw MediaError(.toolFailed, doing: "mux", reason: "ffmpeg: \(end.text)") }
    }
}

/// Owns the slices of one mux: files without a name.
private final class SliceShelf {
    private let directory: FilePath
    private var slices: [Slice] = []

    private final class Slice {
        let file: OpenFile
        init(_ file: consuming OpenFile) { self.file = file }
    }

    init(directory: FilePath) { self.directory = directory }

    func add() throws(MediaError) -> CInt {
        let slice = Slice(try openUnnamedFile(in: directory, doing: "encode padding"))
        slices.append(slice)
        return slice.file.descriptor
    }
}
