package import Postgres
package import Vocabulary

/// The notification channel that tells of new work, heard when the transaction commits. A hint, never the truth.
package enum WorkChannel {
    package static let name = "takeup_work"
    /// The payload for mux jobs. No mount is called so: theirs are absolute paths.
    package static let muxPayload = "mux"

    static let lookPrefix = "look "

    /// Something may be new at a source: for its keeper, whichever process that is.
    package static func notify(look source: SourceName, in session: Session) throws {
        try notify(payloads: [lookPrefix + source.rawValue], in: session)
    }

    /// The source that a payload asks to look at; nil for other payloads.
    package static func look(in payload: String) -> SourceName? {
        payload.hasPrefix(lookPrefix) ? SourceName(String(payload.dropFirst(lookPrefix.count))) : nil
    }

    private static let pausePrefix = "pause "

    /// Sources were paused or resumed: for every agent of theirs.
    package static func notify(pauseOf sources: [SourceName], in session: Session) throws {
        if sources.isEmpty { return }
        try notify(payloads: sources.map { pausePrefix + $0.rawValue }, in: session)
    }

    /// The source that a payload says was paused or resumed; nil for other payloads.
    package static func pause(in payload: String) -> SourceName? {
        payload.hasPrefix(pausePrefix) ? SourceName(String(payload.dropFirst(pausePrefix.count))) : nil
    }

    private static let limitPrefix = "limit "

    /// How fast sources may be read was changed: for every agent of theirs.
    package static func notify(limitOf sources: [SourceName], in session: Session) throws {
        if sources.isEmpty { return }
        try notify(payloads: sources.map { limitPrefix + $0.rawValue }, in: session)
    }

    /// The source whose limit a payload says was changed; nil for other payloads.
    package static func limit(in payload: String) -> SourceName? {
        payload.hasPrefix(limitPrefix) ? SourceName(String(payload.dropFirst(limitPrefix.count))) : nil
    }

    /// Equal payloads of one transaction arrive once.
    package static func notify(mounts: some Sequence<MountPath>, in session: Session) throws {
        let payloads = Set(mounts.map(\.rawValue))
        if payloads.isEmpty { return }
        try notify(payloads: Array(payloads), in: session)
    }

    static func notify(payloads: [String], in session: Session) throws {
        // A payload is at most 7999 bytes (NOTIFY); a longer mount path has to do without the hint.
        try session.send(
            """
            select pg_notify('\(name)', payload) from unnest($1::text[]) as payload
            where octet_length(payload) < 8000
            """, [.texts(payloads)])
    }
}
