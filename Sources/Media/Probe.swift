internal import Synchronization
internal import Vocabulary

extension MediaTools {
    /// Measures a file: every packet is read, nothing is decoded and no header believed about lengths.
    ///
    /// `input` is lent, its position untouched. Throws ``MediaError``: `malformed` where it is not of the format or holds
    /// no sound and no pictures, and what running a tool can throw. `role` names the input in errors ("the sound").
    ///
    /// - Parameter moments: in order: what is shown at them is measured, too.
    package func probe(
        _ input: CInt, format: MediaFormat, role: String, moments: [Duration] = []
    ) async throws(MediaError) -> MediaFacts {
        let doing = "probe \(role)"
        let tally = ProbeTally(doing: doing, moments: moments)
        let end = try await ffprobe.run(
            ["-v", "error"] + format.inputOptions + [
                "-show_data_hash", "sha256", "-of", "compact", "-show_entries",
                "packet=stream_index,pts,pts_time,dts,duration,size,pos,flags:packet_side_data=skip_samples,discard_padding"
                    + ":stream=index,codec_type,codec_name,profile,sample_rate,channels,width,height,pix_fmt"
                    + ",r_frame_rate,time_base,field_order,start_pts,duration_ts,extradata_hash:stream_disposition=attached_pic",
                "-i", Self.path(ofDescriptor: 0),
            ], descriptors: [input], limits: probeLimits, doing: doing
        ) { bytes throws(MediaError) in try tally.take(bytes) }
        guard end.isSuccess else { throw end.failure(.malformed, doing: doing, tool: "ffprobe") }
        let facts = MediaFacts(streams: tally.streams())
        guard !facts.streams.isEmpty else {
            throw MediaError(.malformed, doing: doing, reason: "it holds no sound and no pictures")
        }
        return facts
    }
}

/// Adds up what ffprobe says of each packet, line by line, so that memory does not depend on their number.
private final class ProbeTally: Sendable {
    private struct State {
        var rest: [UInt8] = []
        var packets: [Int: Packets] = [:]
        var streams: [Int: [Substring: Substring]] = [:]
    }

    /// Times in ticks of the stream.
    private struct Packets {
        /// Of all packets, and of those that are played.
        var firstDecoded = Int64.max
        var first = Int64.max
        var end = Int64.min
        var lastDecoding = Int64.min
        var longestStill: Int64 = 0
        var moments: MomentTimes
        var count = 0
        var firstOffset: Int64?
        var reorderTicks: Int64 = 0
        var byteCount: Int64 = 0
        var isOrdered = true
        /// Samples at the front and at the end that a decoder takes away.
        var skippedSamples: Int64 = 0
        var discardedSamples: Int64 = 0
    }

    private static let longestLine = 64 << 10
    /// No recording has more; a hostile one must not fill the memory.
    private static let mostStreams = 64

    private let state = Mutex(State())
    private let doing: String
    private let moments: [Duration]

    init(doing: String, moments: [Duration]) {
        self.doing = doing
        self.moments = moments
    }

    func take(_ bytes: UnsafeRawBufferPointer) throws(MediaError) {
        let isUsable = state.withLock { state in
            state.rest += bytes
            var lines = state.rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let rest = lines.popLast().map(Array.init) ?? []
            for line in lines { take(line: String(decoding: line, as: UTF8.self), &state) }
            state.rest = rest
            return rest.count <= Self.longestLine && max(state.streams.count, state.packets.count) <= Self.mostStreams
        }
        guard isUsable else {
            throw MediaError(.malformed, doing: doing, reason: "more streams, or longer lines, than any recording has")
        }
    }

    private func take(line: String, _ state: inout State) {
        var fields: [Substring: Substring] = [:]
        let parts = line.split(separator: "|")
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: "=") else { continue }
            fields[part[..<equals]] = part[part.index(after: equals)...]
        }
        switch parts.first {
        case "packet":
            guard let index = fields["stream_index"].flatMap({ Int($0) }) else { return }
            Self.count(fields, in: &state.packets[index, default: Packets(moments: MomentTimes(moments))])
        case "stream":
            guard let index = fields["index"].flatMap({ Int($0) }) else { return }
            state.streams[index] = fields
        default:
            return
        }
    }

    private static func count(_ fields: [Substring: Substring], in packets: inout Packets) {
        func number(_ name: Substring) -> Int64? { fields[name].flatMap { Int64($0) } }
        packets.count += 1
        if packets.count == 1 { packets.firstOffset = number("pos") }
        packets.byteCount += number("size") ?? 0
        let shown = number("pts")
        let decoded = number("dts") ?? shown
        if packets.count == 1, let shown, let decoded {
            packets.reorderTicks = shown.subtractingReportingOverflow(decoded).partialValue
        }
        if let decoded {
            if decoded <= packets.lastDecoding || (shown ?? decoded) < decoded { packets.isOrdered = false }
            if packets.lastDecoding > .min {
                let (still, overflows) = decoded.subtractingReportingOverflow(packets.lastDecoding)
                packets.longestStill = overflows ? packets.longestStill : max(packets.longestStill, still)
            }
            packets.lastDecoding = decoded
        }
        packets.skippedSamples += number("skip_samples") ?? 0
        packets.discardedSamples += number("discard_padding") ?? 0
        guard let from = shown ?? decoded else { return }
        packets.firstDecoded = min(packets.firstDecoded, from)
        // A packet that the edit list leaves out is decoded, but not played.
        guard fields["flags"]?.contains("D") != true else { return }
        packets.first = min(packets.first, from)
        if !packets.moments.isEmpty, let time = fields["pts_time"].flatMap({ Double($0) }), time.magnitude < 1e9 {
            packets.moments.take(.seconds(time))
        }
        packets.end = max(packets.end, from.addingReportingOverflow(number("duration") ?? 0).partialValue)
    }

    func streams() -> [StreamFacts] {
        state.withLock { state in
            state.streams.sorted { $0.key < $1.key }.compactMap { index, fields in
                Self.facts(index, fields, state.packets[index] ?? Packets(moments: MomentTimes(moments)))
            }
        }
    }

    private static func facts(_ index: Int, _ fields: [Substring: Substring], _ packets: Packets) -> StreamFacts? {
        func text(_ name: Substring) -> String { fields[name].map { $0 == "N/A" ? "" : String($0) } ?? "" }
        func number(_ name: Substring) -> Int { Int(text(name)) ?? 0 }
        guard let kind = StreamFacts.Kind(rawValue: text("codec_type")), number("disposition:attached_pic") == 0 else {
            return nil
        }
        let tick = fraction(text("time_base")) ?? 0
        let rate = number("sample_rate")
        func time(_ ticks: Int64, samples: Int64) -> Duration {
            let seconds = Double(ticks) * tick + (rate > 0 ? Double(samples) / Double(rate) : 0)
            // Times far beyond any recording come from damage, and must not overflow what is computed from them.
            guard seconds.isFinite, abs(seconds) < 1e9 else { return .zero }
            return .microseconds(Int64((seconds * 1e6).rounded()))
        }
        let hasPackets = packets.first <= packets.end
        return StreamFacts(
            index: index, kind: kind, codec: text("codec_name"), profile: text("profile"), sampleRate: rate,
            channels: number("channels"), width: number("width"), height: number("height"),
            pixelFormat: text("pix_fmt"), frameRate: text("r_frame_rate"), timeBase: text("time_base"),
            parameters: fields["extradata_hash"].map(String.init),
            // Samples that are skipped may be the very packets that the edit list leaves out.
            start: hasPackets
                ? max(time(packets.first, samples: 0), time(packets.firstDecoded, samples: packets.skippedSamples))
                : .zero,
            end: hasPackets ? time(packets.end, samples: -packets.discardedSamples) : .zero,
            packetCount: packets.count, firstPacketOffset: packets.firstOffset, byteCount: packets.byteCount,
            declaredEnd: time(
                Int64(number("start_pts")).addingReportingOverflow(Int64(number("duration_ts"))).partialValue,
                samples: 0),
            moments: kind == .picture ? packets.moments.facts : [],
            longestStill: kind == .picture ? time(packets.longestStill, samples: 0) : .zero,
            isInterlaced: ["tt", "bb", "tb", "bt"].contains(text("field_order")),
            reorderTicks: packets.reorderTicks, isOrdered: packets.isOrdered)
    }
}
