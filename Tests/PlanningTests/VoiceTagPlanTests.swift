import Planning
import Testing
import Vocabulary

private let source = SourceName("rec_a")
private let sound = SourceMedia(id: 1, kind: .audio, path: FilePath("/a.mp3"))
private let screen = SourceMedia(id: 2, kind: .video, path: FilePath("/a.mp4"))

private func spoken(_ phrase: String, from: String? = "1") -> SpokenPhrase {
    SpokenPhrase(PhraseText(phrase), from: from, to: "2", channel: "L")
}

private func recording(_ tags: [(Int64, SpokenPhrase)], media: [SourceMedia] = [sound, screen]) -> SourceRecording {
    SourceRecording(
        source: source, id: 17, sid: Sid("s"), call: SourceCall(id: 3), media: media,
        voiceTags: tags.map { VoiceTag(mediaID: $0.0, spoken: $0.1) })
}

private func holding(
    _ rows: [(Int64, MediaKind)], own: [Int64: Int64] = [:], results: Set<Int64> = [],
    _ tags: VoiceTagHolding? = VoiceTagHolding(phrases: [PhraseText("hello")])
) -> ReplayHolding {
    var holding = ReplayHolding(
        recording: ReplayRecording(
            id: 9, callID: 9, sid: Sid("s"),
            media: rows.map { ReplayMedia(id: $0.0, kind: $0.1, path: FilePath("/r")) }),
        origins: Dictionary(
            uniqueKeysWithValues: own.map { (MediaOrigin(source: source, mediaID: $0.key), $0.value) }),
        results: results)
    holding.voiceTags = tags
    return holding
}

@Suite struct VoiceTagPlanTests {
    @Test func `a tag hangs on the copy of its own file, and on the phrase of the same text`() {
        let tag = VoiceTag(mediaID: 1, spoken: spoken("hello"))
        let plan = voiceTagPlan(
            of: recording([(1, tag.spoken)]), with: holding([(70, .audio), (71, .audio)], own: [1: 71]))
        #expect(plan == VoiceTagPlan(attach: [VoiceTagPlan.Attached(replayMediaID: 71, tag: tag)]))
    }

    @Test func `where the replay kept the file of another source, the tag hangs on that, never on a muxed file`() {
        let plan = voiceTagPlan(
            of: recording([(1, spoken("hello")), (2, spoken("hello"))]),
            with: holding([(60, .video), (70, .audio)], results: [60]))
        #expect(plan.attach.map(\.replayMediaID) == [70])
        #expect(plan.awaited.isEmpty)
    }

    @Test func `what is there is not attached again, and nothing twice`() {
        let known = VoiceTagHolding(standing: [70: [spoken("hello")]], phrases: [PhraseText("hello")])
        let tags = [(Int64(1), spoken("hello")), (1, spoken("hello", from: "5")), (1, spoken("hello", from: "5"))]
        let plan = voiceTagPlan(of: recording(tags), with: holding([(70, .audio)], own: [1: 70], known))
        #expect(plan.attach.map(\.tag.spoken) == [spoken("hello", from: "5")])
    }

    @Test func `a phrase that the replay does not have is waited for, one that it removed is not`() {
        let known = VoiceTagHolding(phrases: [PhraseText("hello")], removed: [PhraseText("removed")])
        let tags = [(Int64(1), spoken("hello")), (1, spoken("unknown")), (1, spoken("removed"))]
        let plan = voiceTagPlan(of: recording(tags), with: holding([(70, .audio)], known))
        #expect(plan.attach.map(\.tag.spoken.phrase.text) == ["hello"])
        #expect(plan.awaited == [PhraseText("unknown")])
    }

    @Test func `tags of media that come wait with them; tags of a kind that is off wait for nothing`() {
        let tags = [(Int64(1), spoken("hello")), (2, spoken("unknown"))]
        let empty = ReplayHolding()
        #expect(voiceTagPlan(of: recording(tags), with: empty) == VoiceTagPlan())
        var none = ReplayHolding()
        none.voiceTags = VoiceTagHolding(phrases: [PhraseText("hello")])
        #expect(voiceTagPlan(of: recording(tags), with: none).awaited == [PhraseText("unknown")])
        #expect(voiceTagPlan(of: recording(tags), with: none).attach.isEmpty)
        #expect(voiceTagPlan(of: recording(tags), with: none, kinds: [.audio]) == VoiceTagPlan())
    }

    @Test func `phrases are the same by bytes only`() {
        let composed = PhraseText("caf\u{e9}")
        let decomposed = PhraseText("cafe\u{301}")
        #expect(composed != decomposed && composed.text == decomposed.text)
        let known = VoiceTagHolding(phrases: [composed])
        let plan = voiceTagPlan(
            of: recording([(1, SpokenPhrase(decomposed))]), with: holding([(70, .audio)], known))
        #expect(plan.attach.isEmpty && plan.awaited == [decomposed])
    }

    @Test func `attached tags count as used, awaited ones hold the mark back`() {
        let plan = ReconcilePlan(steps: [], attach: [], mark: .notUsed)
        let tag = VoiceTagPlan.Attached(replayMediaID: 1, tag: VoiceTag(mediaID: 1, spoken: spoken("hello")))
        #expect(plan.carrying(VoiceTagPlan()).mark == .notUsed)
        #expect(plan.carrying(VoiceTagPlan(attach: [tag])).mark == .synchronized)
        #expect(plan.carrying(VoiceTagPlan(attach: [tag], awaited: [PhraseText("x")])).mark == nil)
    }
}
