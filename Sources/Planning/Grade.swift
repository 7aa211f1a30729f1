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

/// What a copy of one media file is worth, comparable: the greater is the better.
package struct Grade: Comparable, Sendable {
    /// `StatusRank` of its recording.
    package var statusRank: Int
    package var isFinished: Bool
    /// Measured from the file where it was; else what the row claims.
    package var length: Duration?
    /// Bytes.
    package var size: Int64?

    package init(statusRank: Int, isFinished: Bool, length: Duration? = nil, size: Int64? = nil) {
        self.statusRank = statusRank
        self.isFinished = isFinished
        self.length = length
        self.size = size
    }

    /// Status, then state, then length, then bytes. Lengths that differ by less than a second are the same: rows carry
    /// whole seconds.
    package static func < (one: Grade, other: Grade) -> Bool {
        if one.statusRank != other.statusRank { return one.statusRank > other.statusRank }
        if one.isFinished != other.isFinished { return !one.isFinished }
        if let oneLength = one.length, let otherLength = other.length {
            let difference = oneLength - otherLength
            if difference <= .seconds(-1) { return true }
            if difference >= .seconds(1) { return false }
        }
        return (one.size ?? 0) < (other.size ?? 0)
    }
}
