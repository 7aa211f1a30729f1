internal import Synchronization

/// What decoding a stretch of a stream showed.
package struct DecodeReport: Hashable, Sendable {
    /// How many complaints the decoder had, as far as they were kept; 0 for sound media.
    package let complaintCount: Int
    package let firstComplaint: String?
    /// How long what came out plays.
    package let duration: Duration
    package var isClean: Bool { complaintCount == 0 }
}

extension MediaTools {
    /// Decodes a stream and throws the result away: the proof that it can be played.
    ///
    /// Without `from` all of it, else `length` from there on (from the key picture before it). Throws ``MediaError`` as
    /// ``probe(_:format:role:)`` does; complaints of the decoder are no error here.
    package func decode(
        _ kind: StreamFacts.Kind, of input: CInt, format: MediaFormat, from: Duration? = nil,
        length: Duration? = nil, role: String
    ) async throws(MediaError) -> DecodeReport {
        let doing = "decode \(role)"
        let stretch =
            (from.map { ["-ss", secondsText($0)] } ?? []) + (length.map { ["-t", secondsText($0)] } ?? [])
        let progress = LastProgress()
        let end = try await ffmpeg.run(
            ["-nostdin", "-v", "error", "-threads", "2"] + format.inputOptions + stretch + [
                "-i", Self.path(ofDescriptor: 0), "-map", kind == .sound ? "0:a:0" : "0:v:0",
                "-progress", "pipe:1", "-nostats",
                // Times are checked apart: in a tick of its own rate two pictures close to each other would be one.
                "-enc_time_base", "-1", "-f", "null", "-",
            ], descriptors: [input], limits: limits, doing: doing
        ) { bytes in progress.take(bytes) }
        return try report(end, progress, doing: doing)
    }
}

/// The last `out_time_us` of ffmpeg's progress report.
final class LastProgress: Sendable {
    private let tail = Mutex<[UInt8]>([])

    func take(_ bytes: UnsafeRawBufferPointer) {
        tail.withLock { tail in
            tail += bytes
            // A report is some 300 bytes long.
            tail.removeFirst(max(0, tail.count - 2048))
        }
    }

    var microseconds: Int64 {
        let text = tail.withLock { String(decoding: $0, as: UTF8.self) }
        let values = text.split(whereSeparator: \.isNewline).compactMap { line in
            line.hasPrefix("out_time_us=") ? Int64(line.dropFirst("out_time_us=".count)) : nil
        }
        return max(0, values.last ?? 0)
    }
}
