internal import Vocabulary

/// What a file shows of its own length.
package enum LengthProof: Hashable, Sendable {
    /// It has all packets that it announces.
    case whole
    /// It has fewer.
    case fewer(found: Int, announced: Int64)
    /// It announces nothing.
    case silent

    /// Of a file that was measured. Reads it by pread(2), a little; blocks. Throws ``MediaError`` `io`.
    package static func of(
        _ descriptor: CInt, format: MediaFormat, facts: MediaFacts, quick: QuickProbe?, role: String
    ) throws(MediaError) -> LengthProof {
        switch format {
        case .mp4:
            if quick != nil { return .whole }
            guard let file = try FileWindow(descriptor, doing: "probe \(role)") else { return .silent }
            return try MP4Packets.isIndexed(file) ? .whole : .silent
        case .mp3:
            let found = facts.sound?.packetCount ?? 0
            if let announced = quick?.announced { return compare(found, announced) }
            guard quick == nil, let file = try FileWindow(descriptor, doing: "probe \(role)"),
                let announced = try MP3Packets.announced(file)
            else { return .silent }
            // Some writers count the first frame, too.
            return Int64(found) + 1 == announced ? .whole : compare(found, announced)
        case .wav, .matroska: return .silent
        }
    }

    /// More than announced: something was appended, and what it says is not of all.
    private static func compare(_ found: Int, _ announced: Int64) -> LengthProof {
        if Int64(found) == announced { return .whole }
        return Int64(found) < announced ? .fewer(found: found, announced: announced) : .silent
    }
}
