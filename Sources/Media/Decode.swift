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
                // Times are checked apart: in a tick of its own rate two pictures close to each other would be one.
                "-enc_time_base", "-1", "-f", "null", "-",
            ], descriptors: [input], limits: limits, doing: doing, progress: progress)
        return try report(end, progress, doing: doing)
    }
}

/// The last that ffmpeg reported of how far it is.
final class LastProgress: Sendable {
    /// What makes ffmpeg report, twice a second, to its standard output.
    static let options = ["-progress", "pipe:1", "-nostats"]

    private let tail = Mutex<[UInt8]>([])

    func take(_ bytes: UnsafeRawBufferPointer) {
        tail.withLock { tail in
            tail += bytes
            // A report is some 300 bytes long.
            tail.removeFirst(max(0, tail.count - 2048))
        }
    }

    var microseconds: Int64 { max(0, last("out_time_us").flatMap { Int64($0) } ?? 0) }

    /// Differs wherever pictures, times or bytes have come further; speeds are of the clock.
    var mark: [String?] { ["frame", "out_time_us", "total_size", "dup_frames", "drop_frames"].map(last) }

    private func last(_ key: String) -> String? {
        let text = tail.withLock { String(decoding: $0, as: UTF8.self) }
        return text.split(whereSeparator: \.isNewline).last { $0.hasPrefix("\(key)=") }.map {
            String($0.dropFirst(key.count + 1))
        }
    }
}
