internal import FoundationEssentials
internal import Vocabulary

/// What really is at the recorder: written by the recorder itself, so that what arrives can be checked without asking
/// the program under test. One JSON object on a line.
package struct RecorderModelTruth: Codable, Hashable, Sendable {
    package struct Media: Codable, Hashable, Sendable {
        /// `cfiles.id` at the recorder; nil for a file without a row.
        package var id: Int64?
        /// As in `cfiles.cftype`.
        package var kind: String
        /// The recorder's own absolute path, as text and as hexadecimal bytes (names need not be UTF-8).
        package var path: String
        package var pathHex: String
        /// Of the bytes as they lie there in the end.
        package var sha256: String
        package var size: Int64
        package var encryption: RecorderModelPlan.Encryption
        /// SHA-256 before encryption; equal to `sha256` where there is none.
        package var clearSHA256: String
        /// When its last byte was written, in microseconds since 1970 UTC; nil when it never was.
        package var complete: Int64?
    }

    /// Counts from 1, in the plan's order.
    package var number: Int
    /// `couples.id` at the recorder; nil for a file without a row.
    package var id: Int64?
    /// `calls.id` at the recorder.
    package var call: Int64?
    package var sid: String?
    /// Nil: healthy.
    package var fault: RecorderModelFault?
    /// Whether every file of it should have a faithful copy in the end.
    package var arrives: Bool
    /// Whether sound and an mp4 screen make a pair to mux.
    package var isPair: Bool
    /// Length of the sound, and how much later the screen starts.
    package var seconds: Int
    package var screenDelaySeconds: Int
    /// When everything was complete: files closed and the row FINISHED. Microseconds since 1970 UTC.
    package var complete: Int64?
    package var media: [Media]
    /// Key and value, in order of insertion.
    package var external: [[String]]

    /// One line of JSON, with its line break.
    package func line() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }

    /// What a truth file holds.
    package static func read(_ lines: [UInt8]) throws -> [RecorderModelTruth] {
        try lines.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(RecorderModelTruth.self, from: Data($0))
        }
    }
}
