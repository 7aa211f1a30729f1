internal import Planning
internal import Synchronization
internal import Vocabulary

extension MediaTools {
    /// Proves that nothing is seen in the blanked spans of a muxed file: all pictures are decoded, and each that is shown
    /// within one has to be black. Throws ``MediaError`` `mismatch` otherwise.
    func verifyBlank(_ file: CInt, of plan: MuxPlan) async throws(MediaError) {
        let doing = "verify the blanked pictures of the muxed file"
        let rate = max(1, plan.frameRate)
        // A picture is shown until the next: one that begins before a span reaches into it.
        let picture = Duration.microseconds(1_000_000 / Int64(rate))
        let tick = Duration.microseconds(100)
        let within = plan.blanked.map {
            "between(t,\(secondsText($0.start - picture + tick)),\(secondsText($0.end - tick)))"
        }
        let tally = BlankTally()
        let end = try await ffmpeg.run(
            ["-nostdin", "-v", "error", "-threads", "2"] + MediaFormat.mp4.inputOptions + [
                "-i", Self.path(ofDescriptor: 0), "-map", "0:v:0", "-vf",
                "select='\(within.joined(separator: "+"))',signalstats,metadata=mode=print:file=-", "-f", "null", "-",
            ], descriptors: [file], limits: limits, doing: doing
        ) { bytes in tally.take(bytes) }
        guard end.isSuccess, end.complaint.isEmpty else {
            throw end.failure(.mismatch, doing: doing, tool: "ffmpeg")
        }
        let found = tally.found
        let expected = plan.blanked.reduce(0) { count, span in
            let first = (span.start.wholeMicroseconds * Int64(rate) + 999_999) / 1_000_000
            let last = span.end.wholeMicroseconds * Int64(rate) / 1_000_000
            return count + Int(max(0, last - first - 1))
        }
        guard found.visible == 0 else {
            throw MediaError(
                .mismatch, doing: doing, reason: "\(found.visible) of \(found.pictures) pictures are not black")
        }
        guard found.pictures >= max(1, expected), found.values >= 5 * found.pictures else {
            throw MediaError(
                .mismatch, doing: doing, reason: "\(found.pictures) pictures were found rather than \(expected)")
        }
    }
}

/// Counts what `signalstats` says of each picture.
private final class BlankTally: Sendable {
    private struct State {
        var rest: [UInt8] = []
        var pictures = 0
        var visible = 0
        /// Of these five a picture has one each.
        var values = 0
        var isVisible = false
    }
    private let state = Mutex(State())
    /// Black is 16 in luma and 128 in both colours; an encoder is off by one or two.
    private static let bounds: [String: ClosedRange<Double>] = [
        "YMAX": 0...20, "UMIN": 124...132, "UMAX": 124...132, "VMIN": 124...132, "VMAX": 124...132,
    ]

    func take(_ bytes: UnsafeRawBufferPointer) {
        state.withLock { state in
            state.rest += bytes
            while let end = state.rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: state.rest[..<end], as: UTF8.self)
                state.rest.removeSubrange(...end)
                BlankTally.read(line, &state)
            }
        }
    }

    private static func read(_ line: String, _ state: inout State) {
        if line.hasPrefix("frame:") {
            state.pictures += 1
            state.isVisible = false
            return
        }
        let parts = line.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let name = parts[0].split(separator: ".").last,
            let bounds = BlankTally.bounds[String(name)]
        else {
            return
        }
        state.values += 1
        if let value = Double(parts[1]), bounds.contains(value) { return }
        if !state.isVisible { state.visible += 1 }
        state.isVisible = true
    }

    var found: (pictures: Int, visible: Int, values: Int) { state.withLock { ($0.pictures, $0.visible, $0.values) } }
}
