package import Planning
package import Postgres
internal import Vocabulary

/// The tables of phrases and speech tags of one database. Nothing newer than PostgreSQL 9.1.
///
/// What a server keeps for itself is neither read nor written: counters, the state of indexing, searches.
package struct SpeechTables: Sendable {
    private let columns: CatalogColumns
    private let hasTags: Bool

    /// Nil where there are none.
    package init?(_ columns: CatalogColumns) {
        guard columns.has("phraseid", in: "speech_phrases"), columns.has("phrase_text", in: "speech_phrases") else {
            return nil
        }
        self.columns = columns
        hasTags =
            columns.has("tagid", in: "speech_tags") && columns.has("tag_name", in: "speech_tags")
            && columns.has("tagid", in: "tag_to_phrases") && columns.has("phraseid", in: "tag_to_phrases")
    }

    /// Three statements, and one wait for them. Definitions without a name are none.
    package func read(on session: Session) throws -> SpeechDefinitions {
        var definitions = SpeechDefinitions()
        for fact in facts(of: "speech_phrases") { definitions.columns.insert("speech_phrases.\(fact)") }
        let asksPhrases = rows("speech_phrases", "phraseid", "phrase_text")
        guard hasTags else {
            let known: [SpeechDefinitions.Definition] = try session.ask(asksPhrases)
            for row in known { definitions.phrases[row.name] = row }
            return definitions
        }
        let (phraseRows, tagRows, linkRows) = try session.ask(
            asksPhrases, rows("speech_tags", "tagid", "tag_name"),
            Question("select tagid, phraseid from callrec.tag_to_phrases") { $0 })
        for row in phraseRows { definitions.phrases[row.name] = row }
        definitions.columns.insert("speech_tags.tag_name")
        for fact in facts(of: "speech_tags") { definitions.columns.insert("speech_tags.\(fact)") }
        for row in tagRows { definitions.tags[SpeechDefinitions.key(ofTag: row.name)] = row }
        let phrases = Dictionary(definitions.phrases.map { ($0.value.id, $0.key) }, uniquingKeysWith: { one, _ in one })
        let tags = Dictionary(definitions.tags.map { ($0.value.id, $0.key) }, uniquingKeysWith: { one, _ in one })
        for row in linkRows {
            guard let tag = try tags[row.integer("tagid")], let phrase = try phrases[row.integer("phraseid")] else {
                continue
            }
            definitions.links.insert(SpeechDefinitions.Link(tag: tag, phrase: phrase))
        }
        return definitions
    }

    /// Carries out changes in a transaction of the caller's.
    /// - Returns: what the ledger should know of them.
    package func apply(_ changes: [DefinitionChange], on session: Session) throws -> [KnownDefinition] {
        try changes.flatMap { try apply($0, on: session) }
    }

    private func apply(_ change: DefinitionChange, on session: Session) throws -> [KnownDefinition] {
        switch change {
        case .addPhrase(let phrase):
            let id = try add(phrase, to: "speech_phrases", "phraseid", "phrase_text", on: session)
            return id.map { [KnownDefinition(.phrase(phrase.name), sourceID: $0, isOurs: true)] } ?? []
        case .addTag(let tag):
            let id = try add(tag, to: "speech_tags", "tagid", "tag_name", on: session)
            let key = SpeechDefinitions.key(ofTag: tag.name)
            return id.map { [KnownDefinition(.tag(key), sourceID: $0, isOurs: true)] } ?? []
        case .addLink(let tag, let phrase):
            let count = try session.execute(
                """
                insert into callrec.tag_to_phrases (tagid, phraseid)
                select t.tagid, p.phraseid from callrec.speech_tags t, callrec.speech_phrases p
                where t.tag_name = $1::text and p.phrase_text = $2::text and not exists (
                    select 1 from callrec.tag_to_phrases l where l.tagid = t.tagid and l.phraseid = p.phraseid)
                """, [.text(tag.text), .text(phrase.text)])
            let link = SpeechDefinitions.Link(tag: SpeechDefinitions.key(ofTag: tag), phrase: phrase)
            return count > 0 ? [KnownDefinition(.link(link), isOurs: true)] : []
        case .changePhrase(let id, let facts):
            try update("speech_phrases", "phraseid", id, facts, on: session)
            return []
        case .changeTag(let id, let facts):
            try update("speech_tags", "tagid", id, facts, on: session)
            return []
        case .removeLink(let link, let tagID, let phraseID):
            try session.execute(
                "delete from callrec.tag_to_phrases where tagid = $1 and phraseid = $2",
                [.integer(tagID), .integer(phraseID)])
            return [KnownDefinition(.link(link), isOurs: false)]
        case .removeTag(let id, let key):
            try session.execute(
                """
                delete from callrec.speech_tags t where t.tagid = $1
                    and not exists (select 1 from callrec.tag_to_phrases l where l.tagid = t.tagid)
                """, [.integer(id)])
            return [KnownDefinition(.tag(key), isOurs: false)]
        case .removePhrase(let id, let text):
            return try remove(phrase: id, text, on: session)
        }
    }

    /// Voice tags that hang on a phrase would go with it, and may not be at the replay yet: it stays for them, disabled.
    private func remove(phrase id: Int64, _ text: PhraseText, on session: Session) throws -> [KnownDefinition] {
        var ties: [String] = []
        if columns.has("phraseid", in: "voice_tags") { ties.append("voice_tags") }
        if hasTags { ties.append("tag_to_phrases") }
        let isFree = ties.map { " and not exists (select 1 from callrec.\($0) x where x.phraseid = p.phraseid)" }
        let removed = try session.execute(
            """
            delete from callrec.speech_phrases p where p.phraseid = $1 and p.phrase_text = $2::text\(isFree.joined())
            """, [.integer(id), .text(text.text)])
        if removed > 0 { return [KnownDefinition(.phrase(text), isOurs: false)] }
        if columns.has("enabled", in: "speech_phrases") {
            try session.execute(
                "update callrec.speech_phrases set enabled = false where phraseid = $1 and enabled", [.integer(id)])
        }
        return []
    }

    private func facts(of table: String) -> [String] {
        (table == "speech_phrases" ? ["confidence", "enabled"] : ["icon"]).filter { columns.has($0, in: table) }
    }

    private func rows(
        _ table: String, _ id: String, _ name: String
    ) -> Question<[SpeechDefinitions.Definition]> {
        let facts = facts(of: table)
        let list = ([id, name] + facts).joined(separator: ", ")
        return Question("select \(list) from callrec.\(table) order by \(id)") { rows in
            try rows.compactMap { row in
                guard let text = try row.raw(name).map(CatalogText.repaired), !text.isEmpty else { return nil }
                var known: [String: String] = [:]
                for fact in facts { known[fact] = try row.raw(fact).map(CatalogText.repaired) }
                return SpeechDefinitions.Definition(id: try row.integer(id), name: PhraseText(text), facts: known)
            }
        }
    }

    /// - Returns: its id; nil where somebody else made it meanwhile.
    private func add(
        _ definition: SpeechDefinitions.Definition, to table: String, _ id: String, _ name: String, on session: Session
    ) throws -> Int64? {
        let identity = try IdentityMaker(for: table, column: id, reading: session)
        let facts = definition.facts.sorted { $0.key < $1.key }
        let names = identity.column.map { _ in id } + [name] + facts.map(\.key)
        let values =
            identity.value + ["$1::text"] + facts.indices.map { "$\($0 + 2)::\(type(of: facts[$0].key, in: table))" }
        let row = try session.first(
            """
            insert into callrec.\(table) (\(names.joined(separator: ", ")))
            select \(values.joined(separator: ", "))
            where not exists (select 1 from callrec.\(table) where \(name) = $1::text)
            returning \(id) as id
            """, [.text(definition.name.text)] + facts.map { .text($0.value) })
        return try row?.integer("id")
    }

    private func update(
        _ table: String, _ id: String, _ number: Int64, _ facts: [String: String?], on session: Session
    ) throws {
        let known = facts.sorted { $0.key < $1.key }
        let sets = known.indices.map { "\(known[$0].key) = $\($0 + 2)::\(type(of: known[$0].key, in: table))" }
        try session.execute(
            "update callrec.\(table) set \(sets.joined(separator: ", ")) where \(id) = $1",
            [.integer(number)] + known.map { Value($0.value) })
    }

    private func type(of column: String, in table: String) -> String { columns.tables[table]?[column] ?? "text" }
}
