import Catalogs
import Planning
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct VoiceTagTests {
    static let spoken = sound.tag("good morning", from: 1, to: 2).tag("náhrada škody", from: 5, to: 9, channel: "R")

    @Test(arguments: CallrecSchema.allCases)
    func `voice tags are read with their recording, by the text of their phrase`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        try await fixture.builder.add(
            RecordingSample("s").media(VoiceTagTests.spoken, screen.tag("hello", channel: nil)))
        try await fixture.builder.add(RecordingSample("without").media(sound))
        let source = try await fixture.source()
        #expect(source.voiceTags == .on(isIndexed: true))
        let rows = try await fixture.database.perform { try source.recordings(.thatDay, limit: 10, on: $0).rows }
        let recording = try #require(rows.compactMap(\.recording).first { $0.sid == "s" })
        let audio = try #require(recording.media.first { $0.kind == .audio })
        let video = try #require(recording.media.first { $0.kind == .video })
        #expect(
            Set(recording.voiceTags) == [
                VoiceTag(
                    mediaID: audio.id,
                    spoken: SpokenPhrase(PhraseText("good morning"), from: "1", to: "2", channel: "L")),
                VoiceTag(
                    mediaID: audio.id,
                    spoken: SpokenPhrase(PhraseText("náhrada škody"), from: "5", to: "9", channel: "R")),
                VoiceTag(mediaID: video.id, spoken: SpokenPhrase(PhraseText("hello"), from: "0", to: "1")),
            ])
        #expect(recording.voiceTags.allSatisfy { $0.confidence == "90" })
        #expect(rows.compactMap(\.recording).first { $0.sid == "without" }?.voiceTags == [])
    }

    @Test(arguments: CallrecSchema.allCases)
    func `a new voice tag is a change, its confidence is none`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        let built = try await fixture.builder.add(RecordingSample("s").media(VoiceTagTests.spoken))
        func fingerprint() async throws -> Fingerprint {
            Fingerprint(of: try await ReplayCatalogTests.Sides.look(fixture, built.id))
        }
        let first = try await fingerprint()
        try await fixture.run("update callrec.voice_tags set confidence = 3")
        #expect(try await fingerprint() == first)
        let (builder, media) = (fixture.builder, built.mediaIDs[0])
        try await fixture.database.perform {
            try builder.add(SpokenPhrase(PhraseText("hello"), from: "3", to: "4"), to: media, on: $0)
        }
        #expect(try await fingerprint() != first)
    }

    @Test func `without tables, rights or the setting, all else is read`() async throws {
        let fixture = try await CatalogFixture(.new)
        let built = try await fixture.builder.add(RecordingSample("s").media(VoiceTagTests.spoken))
        let off = try await fixture.database.perform {
            try SourceCatalog(source: "north", timeZone: "UTC", collectsVoiceTags: false, reading: $0)
        }
        #expect(off.voiceTags == .off)
        let found = try await fixture.database.perform { try off.recordings(ids: [built.id], on: $0) }
        #expect(found.first?.recording?.voiceTags == [] && found.first?.recording?.media.count == 1)
        try await fixture.run("drop index callrec.voice_tags_file")
        #expect(try await fixture.source().voiceTags == .on(isIndexed: false))
        try await fixture.run("drop table callrec.voice_tags")
        #expect(try await fixture.source().voiceTags == .absent)
        #expect(try await ReplayCatalogTests.Sides.look(fixture, built.id).media.count == 1)
        let replay = try await fixture.replay()
        let holding = try await fixture.database.perform { try replay.voiceTags(on: [], phrases: [], in: $0) }
        #expect(holding == nil)
    }

    @Test(arguments: ReplayCatalogTests.pairs)
    func `voice tags are attached as a set, and only where the phrase is known`(
        _ from: CallrecSchema, _ to: CallrecSchema
    ) async throws {
        let sides = try await ReplayCatalogTests.Sides(from, to, RecordingSample("s").media(VoiceTagTests.spoken))
        // Its ids of phrases are others than the source's.
        try await sides.replay.run(
            "insert into callrec.speech_phrases (phrase_text) values ('x'), ('y'), ('náhrada škody'), ('good morning')")
        let row = MediaRow(copyOf: sides.recording.media[0], path: "/srv/a", size: 4711)
        let media = try await sides.commit(media: [row]).1[0]
        let (catalog, recording) = (sides.catalog, sides.recording)
        func attach(_ tags: [VoiceTag]) async throws -> Int {
            try await sides.replay.database.perform { session in
                try catalog.attach(tags.map { VoiceTagPlan.Attached(replayMediaID: media, tag: $0) }, on: session)
            }
        }
        var unknown = recording.voiceTags[0]
        unknown.spoken.phrase = PhraseText("never heard")
        #expect(try await attach(recording.voiceTags + recording.voiceTags + [unknown]) == 2)
        #expect(try await attach(recording.voiceTags + [unknown]) == 0)
        let holding = try await sides.replay.database.perform {
            try catalog.voiceTags(on: [media], phrases: ["good morning", "never heard"].phrases, in: $0)
        }
        #expect(holding?.standing == [media: Set(recording.voiceTags.map(\.spoken))])
        #expect(holding?.phrases == ["good morning"].phrases)
        let confidences = try await sides.replay.value(
            "select string_agg(confidence::text, ',') from callrec.voice_tags")
        #expect(confidences == "90,90")
        // Another file takes the row over: the tags stay.
        let better = MediaRow(copyOf: sides.recording.media[0], path: "/srv/b", size: 9000)
        try await sides.replay.database.perform { try catalog.replaceMedia(media, with: better, on: $0) }
        #expect(try await sides.replay.value("select count(*) from callrec.voice_tags where cfileid = \(media)") == "2")
    }
}

extension [String] {
    fileprivate var phrases: Set<PhraseText> { Set(map { PhraseText($0) }) }
}
