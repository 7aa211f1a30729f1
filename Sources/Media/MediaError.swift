internal import Vocabulary

/// Why media could not be decrypted, probed or muxed.
///
/// No text in it holds a key, a phone number or the name of a recorder's file: inputs are named by their role
/// ("sound", "screen 2"), and tools see descriptors, never paths.
package struct MediaError: Error, Hashable, Sendable, Retryable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        /// No recipient of the envelope has its certificate in the key ring.
        case noKey = "no key"
        /// A recipient's certificate is ours, but its private key does not open the envelope.
        case wrongKey = "wrong key"
        /// The input ends before its own structure does. It may still be growing.
        case truncated
        /// The input contradicts itself or its authentication; it will not get better by itself.
        case damaged
        /// The input is not of the structure that it should have.
        case malformed
        /// Well formed, but of a kind that is not handled.
        case unsupported
        /// The result is not what the plan says.
        case mismatch
        /// The tool could not be started.
        case toolMissing = "tool missing"
        /// The tool ended with an error that names nothing of the media.
        case toolFailed = "tool failed"
        /// The tool crashed, or was killed by one of its limits: the media may be why.
        case toolKilled = "tool killed"
        /// A converter of the site's ended with words of its own: of the file or of itself, nobody but it knows.
        case converterFailed = "converter failed"
        /// The host gave the tool no memory, no thread or no bytes of a file, or it was ended from outside: nothing is known of
        /// the media.
        case toolStarved = "tool starved"
        /// The tool was killed at its deadline.
        case timedOut = "timed out"
        /// The task was cancelled; whatever had been started is gone.
        case cancelled
        /// A call of the operating system failed.
        case io = "input or output failed"
    }

    package let code: Code
    /// What was being done, to what: "decrypt the sound".
    package let doing: String
    /// What was found, and what a person can do about it where that is known.
    package let reason: String

    package init(_ code: Code, doing: String, reason: String) {
        self.code = code
        self.doing = doing
        self.reason = reason
    }

    package var description: String { "\(doing): \(code.rawValue): \(reason)" }

    /// Whether the same attempt can succeed later without a person's help.
    package var isTransient: Bool {
        switch code {
        case .truncated, .timedOut, .cancelled, .io, .toolStarved: true
        case .noKey, .wrongKey, .damaged, .malformed, .unsupported, .mismatch, .toolMissing, .toolFailed, .toolKilled,
            .converterFailed:
            false
        }
    }
}
