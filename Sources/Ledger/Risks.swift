package import Postgres
package import Vocabulary

/// Recordings of a source that deletion at the recorder would lose, as the last round counted them.
package struct Risk: Hashable, Sendable {
    package enum What: String, CaseIterable, Sendable {
        /// Marked, and media of a kind are not held here.
        case markedNotHeld = "marked-not-held"
        /// Unmarked, and near the age at which the recorder deletes.
        case deletionNear = "deletion-near"
        /// Unmarked, and older than the interval that is looked for.
        case unmarkedOlder = "unmarked-older"
    }

    package var what: What
    /// Which kind is not held; only of ``What/markedNotHeld``.
    package var kind: MediaKind?
    package var recordings: Int

    package init(_ what: What, kind: MediaKind? = nil, recordings: Int) {
        self.what = what
        self.kind = kind
        self.recordings = recordings
    }
}

/// What the keepers' slow rounds found.
package enum Risks {
    /// Takes the place of what stood there of these; nothing is written where that says the same.
    package static func note(
        _ risks: [Risk], of whats: Set<Risk.What>, source: SourceName, in session: Session
    ) throws {
        let wanted = risks.filter { $0.recordings > 0 && whats.contains($0.what) }
        let standing = try find(source: source, in: session).filter { whats.contains($0.what) }
        if Set(standing) == Set(wanted) { return }
        try session.execute(
            "delete from takeup.risk where source = $1 and what = any($2::text[])",
            [Value(source), .texts(whats.map(\.rawValue))])
        try session.execute(
            """
            insert into takeup.risk (source, what, kind, recordings)
            select $1, what, kind, recordings from unnest($2::text[], $3::text[], $4::bigint[])
                as risk(what, kind, recordings)
            """,
            [
                Value(source), .texts(wanted.map(\.what.rawValue)), .texts(wanted.map { $0.kind?.rawValue ?? "" }),
                .integers(wanted.map { Int64($0.recordings) }),
            ])
    }

    package static func find(source: SourceName, in session: Session) throws -> [Risk] {
        try all(in: session)[source] ?? []
    }

    package static func all(in session: Session) throws -> [SourceName: [Risk]] {
        var risks: [SourceName: [Risk]] = [:]
        for row in try session.query(
            "select source, what, kind, recordings from takeup.risk order by source, what, kind")
        {
            let kind = try row.text("kind")
            risks[try row.name("source"), default: []].append(
                Risk(
                    try row.word("what"), kind: kind.isEmpty ? nil : try row.word("kind"),
                    recordings: try row.count("recordings")))
        }
        return risks
    }
}
