package import Vocabulary

extension MediaKind {
    /// A capture as it came from the wire, which the recorder turns into something that can be played.
    package var isRaw: Bool { decoded != nil }

    /// Whether media that were made of such a capture are among these: it may be left behind then.
    func isDecoded(in media: [SourceMedia]) -> Bool { media.contains { $0.kind == decoded } }

    /// What the recorder makes of a capture.
    private var decoded: MediaKind? {
        switch self {
        case .mag: .audio
        case .phoneVideoMag, .phoneVideoStream: .phoneVideo
        case .audio, .archive, .image, .video, .recd, .phoneVideo, .index: nil
        }
    }
}

extension SourceRecording {
    /// Whether the recorder has decoded what it captured, as far as the row and its media tell.
    var isProcessed: Bool {
        guard isFinished || state == "DECODED" else { return false }
        return media.isEmpty || media.contains { !$0.kind.isRaw }
    }

    /// Captures that nothing was made of: no mark may promise them.
    package var undecoded: [SourceMedia] {
        media.filter { $0.kind.isRaw && !$0.kind.isDecoded(in: media) }
    }
}

extension MediaStep {
    var media: SourceMedia {
        switch self {
        case .copy(let media), .replace(let media, _), .measure(let media, _), .keep(let media, _), .point(let media),
            .repoint(let media, _), .keepPointer(let media, _, _), .leave(let media, _):
            media
        }
    }
}
