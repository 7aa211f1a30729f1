internal import Planning
internal import Vocabulary

extension MediaTools {
    /// Proves that a muxed file is what its plan says, before anyone else may see it. Returns what was measured.
    ///
    /// Every packet is read (streams, order of times, lengths), all sound is decoded, and the pictures around the start,
    /// every join and the end; that a picture is shown when each piece begins, to ``MomentTimes/tolerance``, and that none is missing,
    /// as far as `pictures` tell. What is packet by packet the same as in `origin` is not decoded again: who probed its files
    /// packet by packet decodes those. Throws ``MediaError`` `mismatch` for the first thing that is not so.
    ///
    /// - Parameters:
    ///   - extent: so many of the pictures are decoded, whatever they are; nil: what `origin` does not tell.
    ///   - isExact: with `extent`: all packets have to be the origin's, and they are decoded here in the inputs' stead: what
    ///     does not decode is `damaged`.
    func verify(
        _ file: CInt, of plan: MuxPlan, tolerance: Duration, origin: CopyOrigin = CopyOrigin(),
        pictures expected: ExpectedPictures = ExpectedPictures(), decoding extent: DecodeStretch.Extent? = nil,
        isExact: Bool = true
    ) async throws(MediaError) -> MediaFacts {
        let role = "the muxed file"
        func mismatch(_ reason: String) -> MediaError { MediaError(.mismatch, doing: "verify \(role)", reason: reason) }
        let moments = expected.moments
        let quick = try await onOwnThread("verify") { isCancelled throws(MediaError) in
            try QuickProbe.read(file, format: .mp4, role: role, moments: moments, isOurs: true) {
                () throws(MediaError) in
                if isCancelled() {
                    throw MediaError(.cancelled, doing: "verify \(role)", reason: "the task was cancelled")
                }
            }
        }
        let facts: MediaFacts
        if let quick {
            facts = quick.facts
        } else {
            facts = try await probe(file, format: .mp4, role: role, moments: moments)
        }
        guard facts.streams.count == 2, let sound = facts.sound, let picture = facts.picture else {
            throw mismatch("it holds \(facts.streams.count) streams rather than one sound and one picture")
        }
        guard picture.codec == "h264" else { throw mismatch("its pictures are \(picture.codec)") }
        guard sound.isOrdered && picture.isOrdered else { throw mismatch("its times run backwards") }
        guard near(sound.start, .zero, MomentTimes.tolerance) else {
            throw mismatch("its sound begins at \(sound.start.inSeconds) s")
        }
        guard near(sound.end, plan.duration, tolerance) else {
            throw mismatch("its sound lasts \(sound.duration.inSeconds) s rather than \(plan.duration.inSeconds) s")
        }
        // A picture lasts until the next, so what is shown may end one picture off; where they are reordered the last that is
        // decoded is not the last that is shown.
        let onePicture = Duration.milliseconds(Int64(1000 / max(1, fraction(picture.frameRate) ?? 1)))
        let ahead = Double(picture.reorderTicks) * (fraction(picture.timeBase) ?? 0)
        let endTolerance = max(tolerance, onePicture) + .milliseconds(Int64(ahead * 1000))
        let end = max(picture.end, picture.declaredEnd)
        guard near(picture.start, .zero, MomentTimes.tolerance), near(end, plan.duration, endTolerance) else {
            throw mismatch(
                "its pictures last from \(picture.start.inSeconds) s to \(end.inSeconds) s rather than to "
                    + "\(plan.duration.inSeconds) s")
        }
        // The last picture stands until the end, and must not stand in for others that are missing.
        guard picture.end >= plan.lastPicture(sliceLength: sliceLength) - endTolerance else {
            throw mismatch("its pictures end at \(picture.end.inSeconds) s")
        }
        if let difference = expected.mismatch(picture) { throw mismatch(difference) }
        if sound.codec == "aac", plan.sound != .copy {
            // What is missing in the middle leaves the times as they are.
            let count = plan.duration.inSeconds * Double(sound.sampleRate) / 1024
            guard Double(sound.packetCount) > count - 3 else {
                throw mismatch("its sound has \(sound.packetCount) packets rather than \(Int(count))")
            }
        }
        if !plan.blanked.isEmpty { try await verifyBlank(file, of: plan) }
        var stretches: [DecodeStretch] = []
        let decodesSound = !origin.isSound(of: quick)
        if decodesSound { stretches.append(DecodeStretch(.sound, of: file, format: .mp4)) }
        let standsForInputs = extent != nil && isExact
        if let extent, standsForInputs {
            guard !decodesSound, quick?.sound.count == origin.sound.count, origin.isJoined(of: quick, isExact: true)
            else {
                throw mismatch("its packets are not all those of its sound and screens")
            }
            stretches = [DecodeStretch(.picture, of: file, format: .mp4, extent: extent)]
        } else if origin.isJoined(of: quick) {
            // Each piece begins with a key picture, and behind it is what the inputs' own check has seen.
            stretches.append(DecodeStretch(.picture, of: file, format: .mp4, extent: .keyPictures))
        } else if !origin.isPicture(of: quick) {
            stretches += plan.moments().map {
                DecodeStretch(.picture, of: file, format: .mp4, extent: .part(from: $0, length: .seconds(2)))
            }
        }
        if let extent, !standsForInputs {
            let whole = DecodeStretch(.picture, of: file, format: .mp4, extent: extent)
            if extent == .all { stretches.removeAll { $0.kind == .picture } }
            if !stretches.contains(whole) { stretches.append(whole) }
        }
        guard !stretches.isEmpty else { return facts }
        let played = try await decode(stretches, doing: "decode \(role)")
        guard played.isClean else {
            let reason = "it does not decode: \(played.firstComplaint ?? "")"
            throw standsForInputs ? MediaError(.damaged, doing: "verify \(role)", reason: reason) : mismatch(reason)
        }
        // AAC decodes to whole frames of 1024 samples, also where the last is to be played in part.
        let oneFrame = Duration.milliseconds(1_024_000 / Int64(max(8000, sound.sampleRate)))
        guard !decodesSound || near(played.duration, plan.duration, tolerance + oneFrame) else {
            throw mismatch("its sound decodes to \(played.duration.inSeconds) s")
        }
        return facts
    }

    private func near(_ one: Duration, _ other: Duration, _ tolerance: Duration) -> Bool {
        max(one, other) - min(one, other) <= tolerance
    }
}

/// The packets that a result was copied from, where they are known one by one.
package struct CopyOrigin: Hashable, Sendable {
    package var sound: [UInt64] = []
    package var picture: QuickProbe?
    /// Of several pieces one behind the other, where each of them is known.
    var joined: [Piece] = []
    package init() {}

    /// What a join is made of.
    enum Piece: Hashable, Sendable {
        /// So many pictures of black, each with this checksum; nil: it is not known.
        case black(Int, packet: UInt64?)
        case copied(QuickProbe, isCut: Bool)
    }

    /// Whether the result's pictures are those of the pieces, packet by packet, with so many black ones between them.
    ///
    /// - Parameter isExact: nothing is cut, and the first one of each piece is the same, too, as is all that is black.
    func isJoined(of result: QuickProbe?, isExact: Bool = false) -> Bool {
        guard let result, !joined.isEmpty else { return false }
        var rest = result.picture[...]
        for piece in joined {
            switch piece {
            case .black(let count, let packet):
                guard rest.count >= count, !isExact || packet != nil,
                    packet == nil || rest.prefix(count).allSatisfy({ $0 == packet })
                else { return false }
                rest = rest.dropFirst(count)
            case .copied(let source, let isCut):
                // ffmpeg's concat writes the parameters into the first one again; as a key picture it is decoded.
                guard !rest.isEmpty, !source.picture.isEmpty else { return false }
                let other = isExact ? 0 : 1
                var same = other
                for (one, two) in zip(rest.dropFirst(other), source.picture.dropFirst(other)) {
                    guard one == two else { break }
                    same += 1
                }
                guard isCut && !isExact || same == source.picture.count,
                    source.facts.picture?.parameters == result.facts.picture?.parameters
                else { return false }
                rest = rest.dropFirst(same)
            }
        }
        return rest.isEmpty
    }

    /// Whether the result's sound is that of the source from its first packet on. Its length is verified apart.
    func isSound(of result: QuickProbe?) -> Bool {
        guard let result, !result.sound.isEmpty else { return false }
        return result.sound.count <= sound.count && result.sound[...] == sound.prefix(result.sound.count)
    }

    func isPicture(of result: QuickProbe?) -> Bool {
        guard let result, let picture, !result.picture.isEmpty else { return false }
        return result.picture.count <= picture.picture.count
            && result.picture[...] == picture.picture.prefix(result.picture.count)
            && result.facts.picture?.parameters == picture.facts.picture?.parameters
    }
}

extension MuxPlan {
    /// Until when there have to be pictures of their own: the end of the last screen, or the last slice of black.
    func lastPicture(sliceLength: Duration) -> Duration {
        guard let last = pieces.last else { return .zero }
        if last.isPadding, padding == .black {
            return MuxCommand.sliceStarts(from: last.start, to: last.end, length: sliceLength).last ?? last.start
        }
        return min(duration, pieces.last { !$0.isPadding }?.end ?? .zero)
    }

    /// From where pictures are decoded for two seconds each, so that the start, the joins and the end are seen.
    func moments() -> [Duration] {
        let span = (start: Duration.zero, end: duration)
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
