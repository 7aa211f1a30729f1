internal import Vocabulary

/// What a file showed without a tool: the same facts that ffprobe gives, and a checksum of each packet.
package struct QuickProbe: Hashable, Sendable {
    package let facts: MediaFacts
    /// XXH3-64 of each packet in decoding order, of the one sound and the one picture.
    let sound: [UInt64]
    let picture: [UInt64]
    /// How many packets of sound the file itself announces; nil where it announces none.
    var announced: Int64?

    /// More packets than this of one stream are left to ffprobe, so that memory stays small: a day of sound has less.
    static let mostPackets = 1_500_000

    /// Reads an mp3 or mp4 of the plain kind that recorders and ffmpeg write, in memory-safe code: starting ffprobe takes
    /// longer than all that is done here. Nil for whatever is unusual, which ffprobe then judges.
    ///
    /// Reads the file by pread(2), for each stream once at most, whatever its index says; blocks, so call it where a hanging
    /// volume may. Throws ``MediaError`` `io`, or what `onRead` throws, which is called before each read.
    ///
    /// - Parameters:
    ///   - moments: in order: what is shown at them is measured, too.
    ///   - isOurs: it is a result of a mux, whose pictures may stand for any time: its rate is then that of most of them.
    package static func read(
        _ descriptor: CInt, format: MediaFormat, role: String, moments: [Duration] = [], isOurs: Bool = false,
        onRead: @escaping () throws(MediaError) -> Void = { () throws(MediaError) in }
    ) throws(MediaError) -> QuickProbe? {
        guard let file = try FileWindow(descriptor, doing: "probe \(role)", onRead: onRead) else { return nil }
        switch format {
        case .mp3: return try MP3Packets.read(file)
        case .mp4: return try MP4Packets.read(file, moments: moments, isOurs: isOurs)
        case .wav, .matroska: return nil
        }
    }
}

/// Ticks and samples as a moment, rounded as ``MediaTools/probe(_:format:role:)`` rounds.
func moment(ticks: Int64, tick: Double, samples: Int64 = 0, rate: Int = 0) -> Duration {
    let seconds = Double(ticks) * tick + (rate > 0 ? Double(samples) / Double(rate) : 0)
    // Times far beyond any recording come from damage, and must not overflow what is computed from them.
    guard seconds.isFinite, abs(seconds) < 1e9 else { return .zero }
    return .microseconds(Int64((seconds * 1e6).rounded()))
}
