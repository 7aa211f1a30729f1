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
    /// Its packets, where it was probed without a tool. Who gives them decodes the file, so that what is copied of it need
    /// not be decoded again.
    package let quick: QuickProbe?
    package init(descriptor: CInt, format: MediaFormat, facts: MediaFacts, quick: QuickProbe? = nil) {
        self.descriptor = descriptor
        self.format = format
        self.facts = facts
        self.quick = quick
    }
}

extension MuxInput {
    /// Sound, a cover, or whatever else stands beside the pictures or before them.
    var hasMoreThanPictures: Bool { facts.streams.count > 1 || facts.picture?.index != 0 }
}

/// A muxed and verified file.
package struct MuxResult: Hashable, Sendable {
    package let path: FilePath
    package let byteCount: Int64
    package let facts: MediaFacts
    /// As it was done, which may be *encode* where the plan hoped for *copy*.
    package let picture: MuxPlan.Treatment
    package let sound: MuxPlan.Treatment
    /// Whether its pictures were decoded as far as the caller asked for, which are all of the screens that it shows.
    package var arePicturesDecoded = false

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
    /// Throws ``MediaError``, leaving no file: `mismatch` where the result does not pass, `damaged` where pictures do not decode
    /// that were to be decoded in the result, `io` where the name is taken, and what running a tool can throw.
    ///
    /// - Parameters:
    ///   - extent: what to decode of the result's pictures where all packets are copied as they are; nil: what the screens'
    ///     own check does not tell.
    ///   - joinsByTool: what is copied is joined by ffmpeg alone, and `extent` is decoded of the result whatever it was made of.
    package func mux(
        _ plan: MuxPlan, sound: MuxInput, screens: [MuxInput], labels: MuxLabels, into directory: FilePath,
        name: String, tolerance: Duration = .milliseconds(100), decoding extent: DecodeStretch.Extent? = nil,
        joinsByTool: Bool = false
    ) async throws(MediaError) -> MuxResult {
        let path = directory.appending(name)
        let file = try openFile(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600, doing: "create the muxed file")
        do throws(MediaError) {
            let job = try MuxJob(
                tools: self, plan: plan, sound: sound, screens: screens, labels: labels, directory: directory,
                result: file.descriptor, tolerance: tolerance, extent: extent, joinsByTool: joinsByTool)
            let (facts, picture, areDecoded) = try await job.run()
            return MuxResult(
                path: path, byteCount: try regularSize(of: file.descriptor, doing: "mux") ?? 0, facts: facts,
                picture: picture, sound: plan.sound, arePicturesDecoded: areDecoded)
        } catch {
            unlink(path.cString)
            throw error
        }
    }
}

/// One mux on its way. The descriptors are lent by the caller.
struct MuxJob: Sendable {
    let tools: MediaTools
    let plan: MuxPlan
    let sound: MuxInput
    let soundStream: StreamFacts
    let screens: [MuxInput]
    let labels: MuxLabels
    let directory: FilePath
    let result: CInt
    let tolerance: Duration
    let extent: DecodeStretch.Extent?
    let joinsByTool: Bool

    init(
        tools: MediaTools, plan: MuxPlan, sound: MuxInput, screens: [MuxInput], labels: MuxLabels,
        directory: FilePath, result: CInt, tolerance: Duration, extent: DecodeStretch.Extent?, joinsByTool: Bool
    ) throws(MediaError) {
        guard let stream = sound.facts.sound else {
            throw MediaError(.malformed, doing: "mux", reason: "the sound holds no sound")
        }
        guard screens.count <= MediaTools.mostScreens else {
            throw MediaError(
                .unsupported, doing: "mux",
                reason: "the recording has \(screens.count) screens, more than \(MediaTools.mostScreens)")
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
        self.extent = extent
        self.joinsByTool = joinsByTool
    }

    private var command: MuxCommand {
        MuxCommand(plan: plan, soundFormat: sound.format, sound: soundStream, labels: labels)
    }

    func run() async throws(MediaError) -> (MediaFacts, MuxPlan.Treatment, areDecoded: Bool) {
        switch plan.picture {
        case .encode(let reason): return (try await encode(), .encode(reason), false)
        case .copy:
            if try await changesParameters() { return (try await encode(), .encode(.changingParameters), false) }
            if !joinsByTool, let facts = try await copyPackets() { return (facts, .copy, extent != nil) }
            do throws(MediaError) {
                guard try await copy() else { return (try await encode(), .encode(.paddingDiffers), false) }
                return (try await verify(copiedPictures, isCopied: true), .copy, false)
            } catch {
                switch error.code {
                case .mismatch, .toolFailed, .toolKilled, .converterFailed:
                    // What did not join need not be tried again with the next.
                    for screen in screens { screen.facts.picture.map { tools.slices?.forget(MuxCommand.sliceKey($0)) } }
                    return (try await encode(), .encode(.copyUnfit), false)
                case .noKey, .wrongKey, .truncated, .damaged, .malformed, .unsupported, .toolMissing, .toolStarved,
                    .timedOut, .cancelled, .io:
                    throw error
                }
            }
        }
    }

    /// Whether a screen that is joined with another, or with padding, brings parameters along that would hold for these, too.
    private func changesParameters() async throws(MediaError) -> Bool {
        let shown = plan.shownPieces
        guard shown.count > 1 else { return false }
        return try await onOwnThread("mux") { isCancelled throws(MediaError) in
            for screen in Set(shown.compactMap(\.screen)) {
                if isCancelled() { throw MediaError(.cancelled, doing: "mux", reason: "the task was cancelled") }
                if try ParameterSets.change(in: screens[screen].descriptor) == true { return true }
            }
            return false
        }
    }

    var copiedPictures: ExpectedPictures {
        ExpectedPictures(copiedBy: plan, from: screens, sliceLength: tools.sliceLength)
    }

    private func verify(_ pictures: ExpectedPictures, isCopied: Bool = false) async throws(MediaError) -> MediaFacts {
        var origin = CopyOrigin()
        if plan.sound == .copy { origin.sound = sound.quick?.sound ?? [] }
        // One screen alone has no joins.
        let shown = plan.shownPieces
        if shown.count == 1, let screen = shown[0].screen { origin.picture = screens[screen].quick }
        if shown.count > 1, isCopied { origin.joined = joined(shown) }
        return try await tools.verify(
            result, of: plan, tolerance: tolerance, origin: origin, pictures: pictures,
            decoding: isCopied && joinsByTool ? extent : nil, isExact: false)
    }

    /// None where a screen is not known packet by packet.
    ///
    /// - Parameter black: the checksum of a slice's picture, where it is copied as it is.
    func joined(_ shown: [MuxPlan.Piece], black: UInt64? = nil) -> [CopyOrigin.Piece] {
        var pieces: [CopyOrigin.Piece] = []
        for piece in shown {
            if let screen = piece.screen {
                guard let quick = screens[screen].quick else { return [] }
                pieces.append(.copied(quick, isCut: plan.cuts.contains { $0.earlier == screen }))
            } else {
                let starts = MuxCommand.sliceStarts(from: piece.start, to: piece.end, length: tools.sliceLength)
                pieces.append(.black(starts.count, packet: black))
            }
        }
        return pieces
    }

    private func encode() async throws(MediaError) -> MediaFacts {
        var order: [Int] = []
        for screen in plan.pieces.compactMap(\.screen) where !order.contains(screen) { order.append(screen) }
        try await ffmpeg(
            command.encoding(screens: order, streams: order.map { screens[$0].facts.picture?.index ?? 0 }),
            [result, sound.descriptor] + order.map { screens[$0].descriptor },
            refusesComplaints: true)
        return try await verify(ExpectedPictures(encodedBy: plan))
    }

    /// Joins what can be joined as it is. False where padding cannot be made to join.
    private func copy() async throws(MediaError) -> Bool {
        let shown = plan.shownPieces
        guard let model = shown.compactMap(\.screen).first, let picture = screens[model].facts.picture else {
            return false
        }
        let delay = shown[0].start
        var held: [HeldSlice] = []
        defer { withExtendedLifetime(held) {} }
        var files: [CInt] = []
        var entries: [MuxCommand.JoinEntry] = []
        var slicePlace: Int?
        // Where the pictures of the one file are, if it is but one.
        var stream = picture.index
        for piece in shown {
            switch piece.content {
            case .padding:
                if slicePlace == nil {
                    guard let slice = try await slice(like: screens[model]) else { return false }
                    slicePlace = files.count + 3
                    held.append(slice)
                    files.append(slice.descriptor)
                }
                guard let place = slicePlace else { return false }
                entries += MuxCommand.sliceStarts(from: piece.start, to: piece.end, length: tools.sliceLength).map {
                    MuxCommand.JoinEntry(descriptor: place, start: $0)
                }
            case .screen(let screen, from: _, let stretch):
                let place = files.count + 3
                var file = screens[screen].descriptor
                // What is joined has nothing but pictures; one alone is taken as it is.
                let isBeside = shown.count > 1 && screens[screen].hasMoreThanPictures
                if stretch != 1 || isBeside, let picture = screens[screen].facts.picture {
                    stream = 0
                    let restamped = HeldSlice(try openUnnamedFile(in: directory, doing: "mux"))
                    try await ffmpeg(MuxCommand.restamping(picture, by: stretch), [file, restamped.descriptor])
                    held.append(restamped)
                    file = restamped.descriptor
                }
                files.append(file)
                let isCut = plan.cuts.contains { $0.earlier == screen }
                entries.append(
                    MuxCommand.JoinEntry(descriptor: place, start: piece.start, cut: isCut ? piece.duration : nil))
            }
        }
        if shown.count == 1 {
            try await ffmpeg(
                command.copyingOne(picture, stream: stream, delay: delay), [files[0], sound.descriptor, result])
            return true
        }
        let list = try openUnnamedFile(in: directory, doing: "mux")
        try Array(MuxCommand.joinList(entries).utf8).withUnsafeBufferPointer { buffer throws(MediaError) in
            try writeFully(UnsafeRawBufferPointer(buffer), to: list.descriptor, doing: "mux")
        }
        try await ffmpeg(
            command.copyingJoined(picture, delay: delay), [list.descriptor, sound.descriptor, result] + files)
        return true
    }

    /// A black slice whose codec parameters are those of the screen's pictures, a ready one if there is one; nil where no
    /// encoder options give them.
    func slice(like screen: MuxInput) async throws(MediaError) -> HeldSlice? {
        guard let picture = screen.facts.picture, picture.parameters != nil else { return nil }
        let key = MuxCommand.sliceKey(picture)
        if let ready = tools.slices?.find(key) {
            if try Self.isSlice(ready, like: picture) { return ready }
            tools.slices?.forget(key)
        }
        for encoder in MuxCommand.encoders(for: picture, traits: try traits(of: screen, picture)) {
            let kept = tools.slices?.newFile()
            let file: HeldSlice
            if let kept {
                file = kept
            } else {
                file = HeldSlice(try openUnnamedFile(in: directory, doing: "encode padding"))
            }
            try await ffmpeg(MuxCommand.paddingSlice(like: picture, encoder: encoder), [file.descriptor])
            let facts = try await tools.probe(file.descriptor, format: .mp4, role: "the padding")
            if facts.picture?.format.parameters == picture.format.parameters, try Self.isSlice(file, like: picture) {
                if kept != nil { tools.slices?.keep(file.descriptor, as: key) }
                return file
            }
        }
        return nil
    }

    /// Whether it is one picture of these very parameters. What is kept may be anything by now.
    private static func isSlice(_ slice: HeldSlice, like picture: StreamFacts) throws(MediaError) -> Bool {
        let known = try QuickProbe.read(slice.descriptor, format: .mp4, role: "the padding")
        guard known?.picture.count == 1, known?.facts.picture?.parameters == picture.parameters else { return false }
        return try ParameterSets.change(in: slice.descriptor) == false
    }

    private func traits(of screen: MuxInput, _ picture: StreamFacts) throws(MediaError) -> EncoderTraits? {
        guard let offset = picture.firstPacketOffset else { return nil }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: EncoderTraits.bytesToRead, alignment: 1)
        defer { buffer.deallocate() }
        let count = try readFully(screen.descriptor, into: buffer, at: offset, doing: "mux")
        return EncoderTraits(firstPicture: Array(buffer[..<count]))
    }

    /// - Parameter refusesComplaints: where pictures are decoded, as damage would become clean pictures.
    private func ffmpeg(
        _ arguments: [String], _ descriptors: [CInt], refusesComplaints: Bool = false
    ) async throws(MediaError) {
        let end = try await tools.ffmpeg.run(
            arguments, descriptors: descriptors, limits: tools.limits, doing: "mux", progress: LastProgress())
        guard end.isSuccess else { throw end.failure(.toolFailed, doing: "mux", tool: "ffmpeg") }
        guard !refusesComplaints || end.complaint.isEmpty else {
            throw end.failure(.damaged, doing: "mux", tool: "ffmpeg")
        }
    }
}
