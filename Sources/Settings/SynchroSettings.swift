/// How recordings are looked for and what is done with their rows, at every source.
package struct SynchroSettings: Hashable, Sendable {
    /// The pause when nothing is left to do.
    package let sleepPeriod: Duration
    /// Recordings in one batch.
    package let callsPerPeriod: Int
    package let onlyFinished: Bool
    package let voiceTags: Bool
    package let markErroneous: Bool
    /// Failed attempts after which a recording is marked erroneous, with ``markErroneous``.
    package let erroneousAfter: Int
    package let couplesWithoutStreams: Bool
}
