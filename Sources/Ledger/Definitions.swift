package import Planning
package import Postgres
package import Vocabulary

/// What Takeup knows of the definitions of phrases and speech tags at each source.
package enum Definitions {
    package static func known(at source: SourceName, in session: Session) throws -> Set<KnownDefinition> {
        let rows = try session.query(
            "select kind, tag, phrase, source_definition_id, is_ours from takeup.definition where source = $1",
            [Value(source)])
        return Set(
            try rows.map { row in
                let name: KnownDefinition.Name =
                    switch try row.word("kind", as: Kind.self) {
                    case .phrase: .phrase(PhraseText(try row.text("phrase")))
                    case .tag: .tag(PhraseText(try row.text("tag")))
                    case .link:
                        .link(
                            SpeechDefinitions.Link(
                                tag: PhraseText(try row.text("tag")), phrase: PhraseText(try row.text("phrase"))))
                    }
                return KnownDefinition(
                    name, sourceID: try row.optionalInteger("source_definition_id"),
                    isOurs: try row.boolean("is_ours"))
            })
    }

    /// Writes down what stands at a source now. A definition that is not ours any more stays on record: the replay had
    /// it once.
    package static func note(_ known: [KnownDefinition], at source: SourceName, in session: Session) throws {
        if known.isEmpty { return }
        let latest = Dictionary(known.map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
        let rows = latest.values.map { ($0, parts(of: $0.name)) }
        try session.execute(
            """
            insert into takeup.definition as standing (source, kind, tag, phrase, source_definition_id, is_ours)
            select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::boolean[])
                as given(kind, tag, phrase, number, ours)
            order by kind, md5(tag), md5(phrase)
            on conflict (source, kind, md5(tag), md5(phrase)) do update set
                source_definition_id = excluded.source_definition_id, is_ours = excluded.is_ours,
                changed_at = statement_timestamp()
            """,
            [
                Value(source), .texts(rows.map(\.1.kind.rawValue)), .texts(rows.map(\.1.tag)),
                .texts(rows.map(\.1.phrase)), .integers(rows.map(\.0.sourceID)), .booleans(rows.map(\.0.isOurs)),
            ])
    }

    /// Which of these phrases the replay has had, whether it still has them or not.
    package static func everDefined(_ phrases: Set<PhraseText>, in session: Session) throws -> Set<PhraseText> {
        if phrases.isEmpty { return [] }
        let rows = try session.query(
            """
            select distinct phrase from takeup.definition
            where kind = 'phrase' and md5(phrase) in (select md5(wanted) from unnest($1::text[]) as wanted)
            """, [.texts(phrases.map(\.text))])
        return Set(try rows.map { PhraseText(try $0.text("phrase")) }).intersection(phrases)
    }

    private enum Kind: String {
        case phrase, tag, link
    }

    private static func parts(of name: KnownDefinition.Name) -> (kind: Kind, tag: String, phrase: String) {
        switch name {
        case .phrase(let phrase): (.phrase, "", phrase.text)
        case .tag(let tag): (.tag, tag.text, "")
        case .link(let link): (.link, link.tag.text, link.phrase.text)
        }
    }
}
