internal import FoundationEssentials

/// What an agent tells of itself in its ledger row, as far as it is understood: another version may tell otherwise.
struct AgentWords: Decodable, Hashable, Sendable {
    /// `starting`, `proven`, `absent`, `wrong`, `unresponsive`.
    var mount: String?
    /// `event`, `mixed`, `polling`; more where it is degraded.
    var watching: String?
    /// The type of the mount's file system.
    var watchingOn: String?
    /// What should be known of how it is watched.
    var watchingNote: String?
    var directoriesWatched: Int?
    var directoriesPolled: Int?
    var directoriesUnreadable: Int?
    var isKeeper: Bool?
    /// Bytes a second that copies read.
    var readRate: Int64?
    /// Files that are copied at once, by volume, as it was found.
    var copiesAtOnce: [String: Int]?

    init(mount: String? = nil, watching: String? = nil, isKeeper: Bool? = nil) {
        self.mount = mount
        self.watching = watching
        self.isKeeper = isKeeper
    }

    init(json: String) {
        self = (try? JSONDecoder().decode(AgentWords.self, from: Data(json.utf8))) ?? AgentWords()
    }
}
