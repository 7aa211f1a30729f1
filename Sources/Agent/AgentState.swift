internal import FoundationEssentials
package import Vocabulary
package import Watching

/// What an agent tells of itself, for the ledger (JSON) and for systemd (a line).
package struct AgentState: Codable, Sendable {
    package let source: String
    package let mount: String
    package let isKeeper: Bool
    package let watching: String
    package let directoriesWatched: Int
    package let directoriesPolled: Int

    /// The mode of an agent that collects nothing.
    package static let off = "off"

    package init(source: SourceName, mount: MountState?, isKeeper: Bool, mode: String, coverage: WatchCoverage) {
        self.source = source.rawValue
        self.mount =
            switch mount {
            case nil: "starting"
            case .proven: "proven"
            case .absent: "absent"
            case .wrong: "wrong"
            case .unresponsive: "unresponsive"
            }
        self.isKeeper = isKeeper
        watching = coverage.polled + coverage.unreadable > 0 ? "\(mode), degraded" : mode
        directoriesWatched = coverage.watched
        directoriesPolled = coverage.polled
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
