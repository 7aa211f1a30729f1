/// What scrubs found on a volume lately.
package struct ScrubRecord: Hashable, Sendable {
    /// Copies that were read again.
    package var read: Int
    /// Copies that were bad, each once.
    package var bad: Int

    package init(read: Int, bad: Int) {
        self.read = read
        self.bad = bad
    }

    /// Single bad copies are a disk's daily business, of which each is seen to by itself; so many are the volume's: nothing
    /// new is placed there any more.
    package var makesSuspect: Bool {
        bad >= ScrubRecord.fewest
            && (bad >= ScrubRecord.most || Double(bad) >= ScrubRecord.share * Double(max(read, bad)))
    }

    private static let fewest = 5
    /// Of what was read: 1 in 100.
    private static let share = 0.01
    /// Whatever the share is.
    private static let most = 50
}
