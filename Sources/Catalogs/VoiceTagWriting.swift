package import Planning
package import Postgres
package import Vocabulary

/// How voice tags are written at the replay.
struct VoiceTagWriting: Hashable, Sendable {
    let identity: IdentityMaker
    /// Beside the keys.
    let carried: [Column]

    struct Column: Hashable, Sendable {
        let name: String
        let type: String
    }

    /// Nil where the replay has no tables of them, or the role can't write them: they stay at the sources then.
    init?(of columns: CatalogColumns, on session: Session) throws {
        guard columns.has("cfileid", in: "voice_tags"), columns.has("phraseid", in: "voice_tags"),
            columns.has("phraseid", in: "speech_phrases"), columns.has("phrase_text", in: "speech_phrases"),
            try CatalogRights.lackingForVoiceTags(on: session).isEmpty
        else { return nil }
        do {
            identity = try IdentityMaker(for: "voice_tags", column: "voice_tagid", reading: session)
        } catch is CatalogError {
            return nil
        }
        carried = VoiceTagColumns.carried.compactMap { name in
            columns.tables["voice_tags"]?[name].map { Column(name: name, type: $0) }
        }
    }

    var place: [Column] { carried.filter { VoiceTagColumns.place.contains($0.name) } }
}

extension ReplayCatalog {
    /// What the replay has of these voice tags: on these media rows of its own, and of these phrases.
    /// - Returns: nil where it can hold none.
    package func voiceTags(
        on media: some Sequence<Int64>, phrases: Set<PhraseText>, in session: Session
    ) throws -> VoiceTagHolding? {
        guard let voiceTags else { return nil }
        var holding = VoiceTagHolding()
        for row in try session.query(
            "select phrase_text from callrec.speech_phrases where phrase_text = any($1::text[])",
            [.texts(phrases.map(\.text))])
        { holding.phrases.insert(PhraseText(try row.text("phrase_text"))) }
        let media = Array(media)
        if media.isEmpty { return holding }
        let places = VoiceTagColumns.place.map { name in
            voiceTags.carried.contains { $0.name == name } ? "v.\(name)" : "null as \(name)"
        }
        for row in try session.query(
            """
            select v.cfileid, s.phrase_text, \(places.joined(separator: ", "))
            from callrec.voice_tags v join callrec.speech_phrases s on s.phraseid = v.phraseid
            where v.cfileid = any($1::bigint[])
            """, [.integers(media)])
        {
            holding.standing[try row.integer("cfileid"), default: []].insert(
                SpokenPhrase(
                    PhraseText(try row.text("phrase_text")), from: try row.optionalText("from_time"),
                    to: try row.optionalText("to_time"), channel: try row.optionalText("channel")))
        }
        return holding
    }

    /// Another text whenever other phrases are there. Nil where the replay can hold no voice tags.
    package func phraseSignature(on session: Session) throws -> String? {
        guard voiceTags != nil else { return nil }
        return try session.first(
            """
            select count(*) || '/' || coalesce(md5(string_agg(md5(phrase_text), '' order by phraseid)), '') as signature
            from callrec.speech_phrases
            """)?.text("signature")
    }

    /// Adds voice tags as a set, in one statement: what is there stays and is not doubled, and a tag whose phrase is not
    /// there is left out.
    /// - Returns: how many were added.
    @discardableResult
    package func attach(_ tags: [VoiceTagPlan.Attached], on session: Session) throws -> Int {
        guard let voiceTags, !tags.isEmpty else { return 0 }
        func wanted(_ column: VoiceTagWriting.Column) -> String { "wanted.\(column.name)::\(column.type)" }
        func list(_ parts: [String]) -> String { parts.joined(separator: ", ") }
        let keys = ["wanted.media", "s.phraseid"]
        let standing = voiceTags.place.map { " and v.\($0.name) is not distinct from \(wanted($0))" }.joined()
        let columns = voiceTags.identity.column.map { _ in "voice_tagid" } + ["cfileid", "phraseid"]
        // The id is made outside of `distinct`, or no two rows would be the same.
        return try session.execute(
            """
            insert into callrec.voice_tags (\(list(columns + voiceTags.carried.map(\.name))))
            select \(list(voiceTags.identity.value + ["lacking.*"])) from (
                select distinct on (\(list(keys + voiceTags.place.map(wanted))))
                    \(list(keys + voiceTags.carried.map(wanted)))
                from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
                    as wanted(media, phrase, from_time, to_time, channel, confidence)
                join callrec.speech_phrases s on s.phrase_text = wanted.phrase
                where not exists (
                    select 1 from callrec.voice_tags v
                    where v.cfileid = wanted.media and v.phraseid = s.phraseid\(standing))
            ) lacking
            """,
            [
                .integers(tags.map(\.replayMediaID)), .texts(tags.map(\.tag.spoken.phrase.text)),
                .texts(tags.map(\.tag.spoken.from)), .texts(tags.map(\.tag.spoken.to)),
                .texts(tags.map(\.tag.spoken.channel)), .texts(tags.map(\.tag.confidence)),
            ])
    }
}
