package import Planning
internal import Vocabulary

extension MediaTools {
    /// Proves that a muxed file is what its plan says, before anyone else may see it. Returns what was measured.
    ///
    /// Every packet is read (streams, order of times, lengths), all sound is decoded, and the pictures around the start,
    /// every join and the end. Throws ``MediaError`` `mismatch` for the first thing that is not so.
    package func verify(
        _ file: CInt, of plan: MuxPlan, isCopy: Bool, tolerance: Duration
    ) async throws(MediaError) -> MediaFacts {
        let role = "the muxed file"
        func mismatch(_ reason: String) -> MediaError { MediaError(.mismatch, doing: "verify \(role)", reason: reason) }
        let facts = try await probe(file, format: .mp4, role: role)
        guard facts.streams.count == 2, let sound = facts.sound, let picture = facts.picture else {
            throw mismatch("it holds \(facts.streams.count) streams rather than one sound and one picture")
        }
        guard picture.codec == "h264" else { throw mismatch("its pictures are \(picture.codec)") }
        guard sound.isOrdered && picture.isOrdered else { throw mismatch("its times run backwards") }
        guard near(sound.start, .zero, tolerance), near(sound.end, plan.duration, tolerance) else {
            throw mismatch("its sound lasts \(sound.duration.inSeconds) s rather than \(plan.duration.inSeconds) s")
        }
        let span = plan.shownSpan(isCopy: isCopy)
        // A picture lasts until the next, so what is shown may end one picture off.
        let onePicture = Duration.milliseconds(Int64(1000 / max(1, fraction(picture.frameRate) ?? 1)))
        guard near(picture.start, span.start, tolerance), near(picture.end, span.end, max(tolerance, onePicture)) else {
            throw mismatch(
                "its pictures last from \(picture.start.inSeconds) s to \(picture.end.inSeconds) s rather than from "
                    + "\(span.start.inSeconds) s to \(span.end.inSeconds) s")
        }
        let heard = try await decode(.sound, of: file, format: .mp4, role: role)
        // AAC decodes to whole frames of 1024 samples, also where the last is to be played in part.
        let oneFrame = Duration.milliseconds(1_024_000 / Int64(max(8000, sound.sampleRate)))
        guard heard.isClean, near(heard.duration, plan.duration, tolerance + oneFrame) else {
            throw mismatch(
                "its sound decodes to \(heard.duration.inSeconds) s: \(heard.firstComplaint ?? "no complaint")")
        }
        for moment in plan.moments(isCopy: isCopy) {
            let seen = try await decode(
                .picture, of: file, format: .mp4, from: moment, length: .seconds(2), role: role)
            guard seen.isClean else {
                throw mismatch("its pictures at \(moment.inSeconds) s: \(seen.firstComplaint ?? "")")
            }
        }
        return facts
    }

    private func near(_ one: Duration, _ other: Duration, _ tolerance: Duration) -> Bool {
        max(one, other) - min(one, other) <= tolerance
    }
}

extension MuxPlan {
    /// From the first to behind the last picture of the result.
    func shownSpan(isCopy: Bool) -> (start: Duration, end: Duration) {
        guard isCopy else { return (.zero, duration) }
        let shown = padding == .nothing ? pieces.filter { !$0.isPadding } : pieces
        return (shown.first?.start ?? .zero, shown.last?.end ?? duration)
    }

    /// From where pictures are decoded for two seconds each, so that the start, the joins and the end are seen.
    func moments(isCopy: Bool) -> [Duration] {
        let span = shownSpan(isCopy: isCopy)
        let around = pieces.flatMap { [$0.start, $0.end] }.filter { span.start < $0 && $0 < span.end }
        var moments: [Duration] = []
        for moment in [span.start] + around.sorted() + [span.end] {
            let from = max(span.start, moment - .seconds(1))
            if let last = moments.last, from - last < .seconds(1) { continue }
            moments.append(from)
        }
        return moments
    }
}
