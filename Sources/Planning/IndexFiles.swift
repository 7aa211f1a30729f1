package import Vocabulary

/// An index file that belongs to a sound: whether it is there, only a look at its place can tell.
package struct IndexFile: Hashable, Sendable {
    /// The sound's row, with the kind and path of the index file: what its fingerprint is made of. Another sound in the row
    /// has another index file.
    package let media: SourceMedia
    package init(of sound: SourceMedia, at path: FilePath) {
        var media = sound
        media.kind = .index
        media.path = path
        self.media = media
    }
}

/// The index files to look for: of each sound that is taken, or was taken, from this source. Those of sounds that the replay
/// has better from another source stay with theirs.
package func indexFiles(
    of recording: SourceRecording, by plan: ReconcilePlan, patterns: [IndexPattern]
) -> [IndexFile] {
    if patterns.isEmpty { return [] }
    let day = (recording.start ?? recording.stop)?.dayFolder ?? "undated"
    let named = Set(recording.media.map(\.path))
    return plan.steps.compactMap(\.takenSound).flatMap { sound in
        var paths: [FilePath] = []
        for path in patterns.compactMap({ $0.path(of: sound.path, day: day) }) {
            // A file that has a row of its own is copied by it.
            if !paths.contains(path) && !named.contains(path) { paths.append(path) }
        }
        return paths.map { IndexFile(of: sound, at: $0) }
    }
}

extension MediaStep {
    fileprivate var takenSound: SourceMedia? {
        switch self {
        case .copy(let media), .replace(let media, _), .keep(let media, isOwnCopy: true):
            media.kind == .audio ? media : nil
        case .measure, .keep, .point, .repoint, .keepPointer, .leave: nil
        }
    }
}

extension ReconcilePlan {
    /// Whether the index file of this sound is still to be held.
    package func takesIndex(ofSound id: Int64) -> Bool { steps.contains { $0.takenSound?.id == id } }
}
