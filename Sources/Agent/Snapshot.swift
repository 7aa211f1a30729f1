internal import FoundationEssentials
package import Vocabulary

/// A recording as a look saw it, kept in its sighting: what a commit by another process works from.
package enum Snapshot {
    package static func encode(_ recording: SourceRecording) throws -> [UInt8] {
        Array(try JSONEncoder().encode(recording))
    }

    /// Throws where the bytes are of no snapshot that this version knows: then the recording is looked at again.
    package static func decode(_ bytes: [UInt8]) throws -> SourceRecording {
        try JSONDecoder().decode(SourceRecording.self, from: Data(bytes))
    }
}
