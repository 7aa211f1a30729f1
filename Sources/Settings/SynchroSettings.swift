/// How recordings are looked for and what is done with their rows, at every source.
package struct SynchroSettings: Hashable, Sendable {
    /// Whether anything is collected at all. Off, agents watch their mounts and volumes, and nothing else.
    package let isEnabled: Bool
    /// The pause when nothing is left to do.
    package let sleepPeriod: Duration
    /// Recordings in one batch.
    package let callsPerPeriod: Int
    package let backlog: BacklogOrder
    /// How long a file may wait for its first try before that is told; zero: for ever.
    package let backlogLimit: Duration
    package let onlyFinished: Bool
    /// Captures that a recorder has not decoded stay there.
    package let onlyProcessed: Bool
    package let voiceTags: Bool
    /// Whether the replay's phrases and speech tags are brought to the recorders.
    package let speechDefinitions: Bool
    package let markErroneous: Bool
    /// Failed attempts after which a recording is marked erroneous, with ``markErroneous``.
    package let erroneousAfter: Int
    package let couplesWithoutStreams: Bool
    /// From the start of one slow round through what is marked to the start of the next.
    package let followPeriod: Duration
}

/// Which end of what waits is brought first.
package enum BacklogOrder: String, Hashable, Sendable, CaseIterable {
    case oldest, newest
}

extension SynchroSettings {
    static func read(from reader: inout SectionReader) -> SynchroSettings {
        let settings = SynchroSettings(
            isEnabled: reader.value(
                "enabled", .boolean, standard: true,
                "Whether anything is collected at all. If not, agents stay up, say so, and only watch their mounts and"
                    + " the volumes: no database of a recorder is asked, nothing is copied or marked. Mux workers go on"
                    + " with what the replay has."),
            sleepPeriod: reader.value(
                "sleep_period", .duration(.milliseconds(100)...(.seconds(3600))), standard: .seconds(10),
                "The pause when nothing is left to do. Events and notifications of the database cut it short."),
            callsPerPeriod: reader.value(
                "calls_per_period", .integer(1...10_000), standard: 200, "Recordings in one batch of one source."),
            backlog: reader.value(
                "backlog", .choice(BacklogOrder.oldest), standard: .oldest,
                "What is brought first where much waits: the oldest, which its recorder deletes first, or the newest."
                    + " Whichever it is, a quarter of the places is for the other end, so that what is recorded now does not"
                    + " wait, and what is old does not starve."),
            backlogLimit: reader.value(
                "backlog_limit", .duration(.zero...(.seconds(365 * 86_400))), standard: .seconds(4 * 3600),
                "How long a file may wait to be copied before that is told of, once a day, until it is over. 0s for never."
            ),
            onlyFinished: reader.value(
                "only_finished", also: ["onlyfinished"], .boolean, standard: true,
                "Whether only recordings are taken that the recorder has finished. Keep true."),
            onlyProcessed: reader.value(
                "only_processed", .boolean, standard: true,
                "Whether captures that the recorder has not decoded (MAG, PVMAG, PVSTREAM, and recordings that are neither"
                    + " DECODED nor FINISHED) are left there. Keep true, unless you are looking for a fault."),
            voiceTags: reader.value("voice_tags", .boolean, standard: true, "Whether voice tags are collected."),
            speechDefinitions: reader.value(
                "speech_definitions", .boolean, standard: true,
                "Whether the phrases and speech tags that are defined at the replay are brought to the recorders. What"
                    + " others defined there is left alone."),
            markErroneous: reader.value(
                "mark_erroneous", .boolean, standard: false,
                "Whether a recording that failed often is marked erroneous and left alone. Only against problems."),
            erroneousAfter: reader.value(
                "erroneous_after", .integer(3...1000), standard: 20,
                "Failed attempts before a recording is marked erroneous, with mark_erroneous."),
            couplesWithoutStreams: reader.value(
                "couples_without_streams", .boolean, standard: false,
                "Whether recordings are taken that never had a stream. Keep false."),
            followPeriod: reader.value(
                "follow_period", .duration(.milliseconds(100)...(.seconds(7 * 86_400))), standard: .seconds(900),
                "How often marked recordings of the interval are gone through for what changed after their mark. A round"
                    + " takes longer where it would cost the recorder more than a twentieth of its time."))
        settings.warn(reader)
        return settings
    }

    /// What the manual warns against.
    private func warn(_ reader: SectionReader) {
        func warn(_ key: String, _ what: String, _ hint: String) {
            let path = reader.path(of: key)
            reader.findings.warn(path, what, hint: hint, line: reader.findings.line(of: path))
        }
        if !isEnabled {
            warn("enabled", "nothing is collected from any source", "Set it to true to collect recordings")
        }
        if !onlyProcessed {
            warn(
                "only_processed", "captures that the recorder has not decoded are taken as they are",
                "Set it to true, unless you are looking for a fault")
        }
        if !onlyFinished {
            warn(
                "only_finished", "recordings are taken before the recorder has finished them",
                "Set it to true, unless you are looking for a fault")
        }
        if couplesWithoutStreams {
            warn("couples_without_streams", "recordings without streams are taken", "Set it to false")
        }
        if markErroneous {
            warn(
                "mark_erroneous", "recordings that fail \(erroneousAfter) times are marked and not tried again",
                "Set it to false when the trouble is over")
        }
    }
}
