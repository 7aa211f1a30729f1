internal import Planning
internal import Vocabulary

/// Counts which new names events announced and which only a poll found. An event can come a little after the poll that
/// found its file, so a find waits for a while before it counts as unannounced.
struct BlindWatch: Sendable {
    private(set) var count = BlindCount()
    private var open: [FilePath: Duration] = [:]
    private let patience: Duration
    private let room: Int

    init(patience: Duration = .seconds(1), room: Int = 4096) {
        self.patience = patience
        self.room = room
    }

    /// An event named a file that was not known.
    mutating func announce(_ path: FilePath) {
        open[path] = nil
        count.note(announced: 1, unannounced: 0)
    }

    /// An event named a file that was known: perhaps one that a poll found first.
    mutating func confirm(_ path: FilePath) {
        if !open.isEmpty && open.removeValue(forKey: path) != nil { count.note(announced: 1, unannounced: 0) }
    }

    /// A poll found a new name in a watched directory.
    mutating func find(_ path: FilePath, at now: Duration) {
        if open.count < room { open[path] = now }
    }

    /// Counts the finds that no event has confirmed in time.
    mutating func settle(at now: Duration) {
        let before = open.count
        open = open.filter { now - $0.value < patience }
        if open.count < before { count.note(announced: 0, unannounced: before - open.count) }
    }
}
