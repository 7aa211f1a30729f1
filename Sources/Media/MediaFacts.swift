package import Planning

/// How a file is read: the one demuxer that may look at it. Nothing is ever guessed from its bytes, so that a playlist
/// or script under the name of a recording is just a broken recording.
package enum MediaFormat: String, Hashable, Sendable {
    case mp3
    case mp4
    case wav
    case matroska

    var demuxer: String {
        switch self {
        case .mp3: "mp3"
        case .mp4: "mov"
        case .wav: "wav"
        case .matroska: "matroska"
        }
    }

    /// What stands before `-i` and the descriptor's path.
    var inputOptions: [String] {
        let common = ["-f", demuxer, "-protocol_whitelist", "file,pipe"]
        // An mp4 may say that its media lie in another file.
        return self == .mp4 ? common + ["-enable_drefs", "0", "-use_absolute_path", "0"] : common
    }
}

/// What was measured of one stream, packet by packet.
package struct StreamFacts: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case sound = "audio"
        case picture = "video"
    }

    package var index: Int
    package var kind: Kind
    package var codec: String
    package var profile: String
    /// Of sound: hertz, and channels; 0 otherwise.
    package var sampleRate: Int
    package var channels: Int
    /// Of pictures; 0 and empty otherwise.
    package var width: Int
    package var height: Int
    package var pixelFormat: String
    /// Pictures a second as a fraction: "10/1".
    package var frameRate: String
    /// Seconds of one tick as a fraction: "1/10240".
    package var timeBase: String
    /// A digest of the codec's parameter sets.
    package var parameters: String?
    /// Of the first and behind the last packet that is played; what a codec only needs to get going is left out.
    package var start: Duration
    package var end: Duration
    package var packetCount: Int
    /// Where the first packet lies in the file.
    package var firstPacketOffset: Int64?
    package var byteCount: Int64
    /// When it ends by its header: how long the last picture stands is often told nowhere else.
    package var declaredEnd = Duration.zero
    /// What is shown at each moment that was asked for; none of sound.
    package var moments: [MomentFacts] = []
    /// The longest time from one picture to the next as they are decoded; zero of sound.
    package var longestStill = Duration.zero
    package var isInterlaced = false
    /// Ticks from when the first picture is decoded to when it is shown; not zero where pictures are reordered.
    package var reorderTicks: Int64 = 0
    /// Whether decoding times only grow, and no packet is shown before it is decoded.
    package var isOrdered: Bool

    package var duration: Duration { end - start }
}

/// What was measured of a file.
package struct MediaFacts: Hashable, Sendable {
    package var streams: [StreamFacts]

    package var sound: StreamFacts? { streams.first { $0.kind == .sound } }
    package var picture: StreamFacts? { streams.first { $0.kind == .picture } }
    /// When its first stream begins: the file's own zero.
    package var start: Duration { streams.map(\.start).min() ?? .zero }

    /// The file as a sound to arrange on; nil where it has none.
    package func soundTrack(claimed: ClaimedLength? = nil, isWhole: Bool = false) -> SoundTrack? {
        sound.map {
            SoundTrack(
                duration: $0.duration, claimed: claimed, isWhole: isWhole, codec: $0.codec, sampleRate: $0.sampleRate)
        }
    }

    /// The file as a screen to arrange, `offset` after the start of the sound; nil where it has no pictures.
    package func screenTrack(
        offset: Duration, uncertainty: Duration = .zero, claimed: ClaimedLength? = nil, isWhole: Bool = false
    ) -> ScreenTrack? {
        picture.map {
            ScreenTrack(
                offset: offset + start, uncertainty: uncertainty, duration: $0.end - start, claimed: claimed,
                isWhole: isWhole, longestStill: $0.longestStill, picture: $0.format)
        }
    }
}

extension StreamFacts {
    /// The stream's pictures as a plan compares them.
    package var format: PictureFormat {
        PictureFormat(
            codec: codec, pixelFormat: pixelFormat, profile: profile, isInterlaced: isInterlaced,
            isReordered: reorderTicks != 0, width: width, height: height, frameRate: fraction(frameRate) ?? 0,
            // Joined without encoding, streams must also count time in the same ticks.
            parameters: parameters.map { "\($0) \(timeBase)" })
    }
}

/// The value of "30000/1001"; nil where it is none, or nothing over nothing.
func fraction(_ text: String) -> Double? {
    let parts = text.split(separator: "/").compactMap { Double($0) }
    guard parts.count == 2, parts[1] != 0 else { return nil }
    return parts[0] / parts[1]
}
