package import Vocabulary

/// How good a recording's status says it is, best first. A status that no table names ranks between the incomplete and
/// the unusable: something is wrong, but nobody said that nothing is there.
package enum StatusRank {
    /// Each rank with its reason; the lower the better.
    package static func rank(of problemStatus: String?) -> Int {
        switch problemStatus {
        // Nothing to complain of; a row without a status says nothing else.
        case nil, "", "NO_PROBLEM": 0
        // All there, but the recorder did not hear the end of the capture: the file can still be whole.
        case "NO_REPLY_FROM_RECORDER": 1
        // The decoder wrote what it had, with payload it did not expect.
        case "DECODER_DIFF_PAYLOAD": 2
        // One direction ends early: the other is whole.
        case "ONE_STREAM_INCOMPLETE": 3
        // The capture ends early: a part of both is missing.
        case "CAPTURE_FILE_INCOMPLETE": 4
        // Only one party can be heard.
        case "ONLY_ONE_STREAM": 5
        // The target grew past its limit and was cut.
        case "DECODER_OVERSIZE_TARGET": 6
        // Still being saved: what is there is not final.
        case "STILL_SAVING_STREAM": 7
        // The decoder failed to say, to write, or to know the format: the file may be anything.
        case "NO_REPLY_FROM_DECODER": 9
        case "DECODER_IO_ERROR": 10
        case "DECODER_NO_DEST_FORMAT": 11
        case "UNKNOWN_CODEC": 12
        // Recorded against the rules, or not at all.
        case "UNKNOWN_RULES": 13
        case "RECORDER_LICENSE_PROBLEM": 14
        case "CAPTURE_FILE_NOT_FOUND": 15
        case "STREAM_IS_NULL": 16
        case "NO_STREAMS": 17
        case "ALL_STREAM_DELETED": 18
        case .some: 8
        }
    }
}

/// What a media file is worth, by its own measure and by what the row of its recording claims.
package struct Grade: Hashable, Sendable {
    package var measure: MediaMeasure
    /// `StatusRank` of its recording.
    package var statusRank: Int
    package var isFinished: Bool
    /// What the row claims.
    package var claimedLength: Duration?
    /// Bytes that the row claims.
    package var claimedSize: Int64?

    package init(
        measure: MediaMeasure = .unknown, statusRank: Int, isFinished: Bool, claimedLength: Duration? = nil,
        claimedSize: Int64? = nil
    ) {
        self.measure = measure
        self.statusRank = statusRank
        self.isFinished = isFinished
        self.claimedLength = claimedLength
        self.claimedSize = claimedSize
    }

    /// The first line of the order that tells two candidates apart.
    package enum Advantage: String, CaseIterable, Hashable, Sendable {
        case notDamaged, betterStatus, finished, longer, moreBytes
    }

    /// Why this is better than the other; nil where it is not: it is worse, or they are equal, and what stands is kept.
    ///
    /// Not an order in the strict sense: lengths and sizes that hardly differ count as equal, so that two recorders that
    /// heard the same call do not replace each other's files for ever.
    package func advantage(over other: Grade) -> Advantage? {
        let isDamaged = measure.integrity == .damaged
        let isOtherDamaged = other.measure.integrity == .damaged
        if isDamaged != isOtherDamaged { return isDamaged ? nil : .notDamaged }
        if statusRank != other.statusRank { return statusRank < other.statusRank ? .betterStatus : nil }
        if isFinished != other.isFinished { return isFinished ? .finished : nil }
        if let length, let otherLength = other.length {
            // Rows carry whole seconds, and recorders begin and end at different packets.
            let difference = length - otherLength
            if difference >= .seconds(1) { return .longer }
            if difference <= .seconds(-1) { return nil }
        }
        guard let size, let otherSize = other.size else { return nil }
        return size - otherSize > otherSize / 10 ? .moreBytes : nil
    }

    private var length: Duration? { measure.length ?? claimedLength }
    private var size: Int64? { measure.size ?? claimedSize }
}
