package import Postgres
package import Vocabulary

/// What a person has to bring to the replay before recordings can go on: thousands can wait for one.
package enum Awaited: Hashable, Sendable {
    /// `enc_key_id` of media; not among the replay's managed keys.
    case key(String)
    /// Named by voice tags.
    case phrase(PhraseText)
}

/// How many recordings of a source wait for one thing.
package struct AwaitedCount: Hashable, Sendable {
    package var recordings: Int
    /// One of them.
    package var example: RecordingReference
    package init(recordings: Int, example: RecordingReference) {
        self.recordings = recordings
        self.example = example
    }
}

/// Recordings that wait for keys and phrases, as their sightings say.
extension Sightings {
    package static func awaited(source: SourceName, in session: Session) throws -> [Awaited: AwaitedCount] {
        let rows = try session.query(
            """
            select awaited, count(*) as number, min(source_id) as example
            from takeup.sighting, unnest(string_to_array(awaits, chr(31))) as awaited
            where source = $1 and awaits is not null group by awaited
            """, [Value(source)])
        var found: [Awaited: AwaitedCount] = [:]
        for row in rows {
            guard let awaited = Awaited(ledgerText: try row.text("awaited")) else { continue }
            found[awaited] = AwaitedCount(
                recordings: try row.count("number"),
                example: RecordingReference(source: source, id: try row.integer("example")))
        }
        return found
    }

    /// Some of those that wait, any of them: one that its recorder deleted shows in no page and in no hint.
    package static func awaiting(source: SourceName, limit: Int, in session: Session) throws -> Set<Int64> {
        let rows = try session.query(
            """
            select source_id from takeup.sighting where source = $1 and awaits is not null order by random() limit $2
            """, [Value(source), Value(limit)])
        return Set(try rows.map { try $0.integer("source_id") })
    }

    /// These are not at their source any more: they wait for nothing.
    package static func awaitNothing(source: SourceName, ids: some Sequence<Int64>, in session: Session) throws {
        try session.execute(
            """
            update takeup.sighting set awaits = null
            where source = $1 and source_id = any (array(
                select source_id from takeup.sighting
                where source = $1 and source_id = any($2::bigint[]) and awaits is not null
                order by source_id for no key update))
            """, [Value(source), .integers(Array(ids))])
    }

    /// The phrases of the replay changed: what waits for one is to be looked at again now.
    /// - Returns: how many there are.
    @discardableResult
    package static func reopenAwaitingPhrases(source: SourceName, in session: Session) throws -> Int {
        try session.execute(
            """
            with chosen as (
                select source, source_id from takeup.sighting
                where source = $1 and awaits is not null and state = 'converged' and mark is null
                order by source, source_id for no key update
            )
            update takeup.sighting set state = 'waiting', why = 'its plan has to be made anew',
                not_before = statement_timestamp(), changed_at = statement_timestamp(), converged_at = null
            from chosen where sighting.source = chosen.source and sighting.source_id = chosen.source_id
            """, [Value(source)])
    }
}

extension Awaited {
    /// Without the character that parts them.
    private static let separator = "\u{1f}"

    static func ledgerText(of all: Set<Awaited>) -> String? {
        if all.isEmpty { return nil }
        return all.map { one in
            let text =
                switch one {
                case .key(let id): "key " + id
                case .phrase(let phrase): "phrase " + phrase.text
                }
            return String(text.map { $0 == "\u{1f}" ? " " : $0 })
        }.sorted().joined(separator: separator)
    }

    fileprivate init?(ledgerText text: String) {
        guard let space = text.firstIndex(of: " ") else { return nil }
        let rest = String(text[text.index(after: space)...])
        switch text[..<space] {
        case "key": self = .key(rest)
        case "phrase": self = .phrase(PhraseText(rest))
        default: return nil
        }
    }
}
