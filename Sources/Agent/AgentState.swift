internal import FoundationEssentials
package import Vocabulary
package import Watching

/// What an agent tells of itself, for the ledger (JSON) and for systemd (a line).
package struct AgentState: Codable, Sendable {
    package let source: String
    package let mount: String
    package let isKeeper: Bool
    package let watching: String
    /// The file system's type; nil until the mount was proven.
    package let watchingOn: String?
    /// What that type does not say of how it is watched, and should be known.
    package let watchingNote: String?
    package let directoriesWatched: Int
    package let directoriesPolled: Int
    package let directoriesUnreadable: Int
    /// Bytes a second that copies read at the source, of the last seconds.
    package let readRate: Int64
    /// Files that are copied at once, by volume; of those where it was found by measuring.
    package let copiesAtOnce: [String: Int]

    /// The mode of an agent that collects nothing.
    package static let off = "off"

    /// - Parameter words: nil where nothing is watched.
    package init(
        source: SourceName, mount: MountState?, isKeeper: Bool, words: WatchWords?, readRate: Int64 = 0,
        copiesAtOnce: [VolumeName: Int] = [:]
    ) {
        self.copiesAtOnce = Dictionary(uniqueKeysWithValues: copiesAtOnce.map { ($0.key.rawValue, $0.value) })
        self.readRate = readRate
        self.source = source.rawValue
        self.mount =
            switch mount {
            case nil: "starting"
            case .proven: "proven"
            case .absent: "absent"
            case .wrong: "wrong"
            case .unresponsive: "unresponsive"
            case .unknown: "unknown"
            }
        self.isKeeper = isKeeper
        watching = words.map { $0.isDegraded ? "\($0.mode), degraded" : $0.mode } ?? AgentState.off
        watchingOn = words?.fileSystem
        watchingNote = words?.note
        directoriesWatched = words?.coverage.watched ?? 0
        directoriesPolled = words?.coverage.polled ?? 0
        directoriesUnreadable = words?.coverage.unreadable ?? 0
    }

    package var json: String {
        (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
    package var line: String {
        watching == AgentState.off
            ? "mount \(mount), collecting is switched off"
            : "mount \(mount), watching by \(watching)" + (isKeeper ? ", keeper of \(source)" : "")
    }

    package init?(json: String) {
        guard let state = try? JSONDecoder().decode(AgentState.self, from: Data(json.utf8)) else { return nil }
        self = state
    }
}
