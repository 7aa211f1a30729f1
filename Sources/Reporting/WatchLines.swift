extension StatusReport.Mount {
    /// What should be known of how it is watched and its line in the table does not say; nothing where all is plain.
    func watchLines(columns: Int) -> [ScreenLine] {
        guard agent?.isAlive == true, let note = words.watchingNote else { return [] }
        let isDegraded = words.watching?.contains("degraded") == true
        return wrapped("Mount \(path) is watched by \(words.watching ?? "nothing"): \(note).", to: columns).map {
            ScreenLine($0, isDegraded ? .doubtful : .plain)
        }
    }
}
