internal import Vocabulary

/// A part of a file to decode.
package struct DecodeStretch: Hashable, Sendable {
    package enum Extent: Hashable, Sendable {
        case all
        /// From the key picture before `from` on.
        case part(from: Duration, length: Duration)
        /// The key pictures from first to last: little work, and each stands for itself.
        case keyPictures
    }

    package let input: CInt
    package let format: MediaFormat
    package let kind: StreamFacts.Kind
    package let extent: Extent
    /// Of that number in the file; nil: the first of its kind.
    let stream: Int?

    package init(
        _ kind: StreamFacts.Kind, of input: CInt, format: MediaFormat, stream: Int? = nil, extent: Extent = .all
    ) {
        self.input = input
        self.stream = stream
        self.format = format
        self.kind = kind
        self.extent = extent
    }

    /// What stands before `-i`.
    var options: [String] {
        switch extent {
        // Smoothing the edges of blocks is a third of the work, and meets no damage.
        case .all: ["-threads", "2"] + (kind == .picture ? ["-skip_loop_filter", "all"] : [])
        case .part(let from, let length): ["-threads", "2", "-ss", secondsText(from), "-t", secondsText(length)]
        // So few are decoded that starting a thread more takes longer.
        case .keyPictures: ["-threads", "1", "-skip_frame", "nokey", "-skip_loop_filter", "all"]
        }
    }
}

extension MediaTools {
    /// So many parts are decoded by one run of ffmpeg, whose start costs more than most of them; each has threads of its own,
    /// which take of its memory.
    private static let mostStretches = 16

    /// Decodes parts of files in few runs of ffmpeg: the proof that they can be played. The report's duration is the longest
    /// of all.
    ///
    /// Throws ``MediaError`` as ``decode(_:of:format:from:length:role:)`` does; complaints are no error here.
    package func decode(_ stretches: [DecodeStretch], doing: String) async throws(MediaError) -> DecodeReport {
        var all = DecodeReport(complaintCount: 0, firstComplaint: nil, duration: .zero)
        for first in stride(from: 0, to: stretches.count, by: Self.mostStretches) {
            let some = Array(stretches[first..<min(first + Self.mostStretches, stretches.count)])
            let report = try await decodeAtOnce(some, doing: doing)
            all = DecodeReport(
                complaintCount: all.complaintCount + report.complaintCount,
                firstComplaint: all.firstComplaint ?? report.firstComplaint,
                duration: max(all.duration, report.duration))
        }
        return all
    }

    private func decodeAtOnce(_ stretches: [DecodeStretch], doing: String) async throws(MediaError) -> DecodeReport {
        var descriptors: [CInt] = []
        var inputs: [String] = []
        var outputs: [String] = []
        for (number, stretch) in stretches.enumerated() {
            let place = descriptors.firstIndex(of: stretch.input) ?? descriptors.count
            if place == descriptors.count { descriptors.append(stretch.input) }
            inputs += stretch.format.inputOptions + stretch.options
            inputs += ["-i", Self.path(ofDescriptor: place)]
            let stream = stretch.stream.map { String($0) } ?? (stretch.kind == .sound ? "a:0" : "v:0")
            outputs += ["-map", "\(number):\(stream)"]
            // Times are checked apart: in a tick of its own rate two pictures close to each other would be one.
            outputs += ["-enc_time_base", "-1", "-f", "null", "-"]
        }
        let progress = LastProgress()
        let end = try await ffmpeg.run(
            ["-nostdin", "-v", "error"] + inputs + outputs, descriptors: descriptors, limits: limits, doing: doing,
            progress: progress)
        return try report(end, progress, doing: doing)
    }

    /// Whether an ended run of ffmpeg that decodes had anything to complain of in the media. Throws ``MediaError`` where it
    /// failed, or complained, for any other reason.
    func report(
        _ end: GuardedTool.End, _ progress: LastProgress, doing: String
    ) throws(MediaError) -> DecodeReport {
        let complaints = end.complaint.split(whereSeparator: \.isNewline)
        if !end.isSuccess || !complaints.isEmpty, end.blame != .media {
            throw end.failure(.damaged, doing: doing, tool: "ffmpeg")
        }
        return DecodeReport(
            complaintCount: max(complaints.count, end.isSuccess ? 0 : 1),
            firstComplaint: complaints.first.map { String($0.prefix(300)) } ?? (end.isSuccess ? nil : end.text),
            duration: .microseconds(progress.microseconds))
    }
}
