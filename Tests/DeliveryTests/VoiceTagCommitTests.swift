import Ledger
import Postgres
import Support
import Testing
import Vocabulary

@testable import Delivery

@Suite(.serialized) struct VoiceTagCommitTests {
    private static func tags(_ recording: SourceRecording) -> [VoiceTag] {
        recording.media.flatMap { media in
            ["hello", "good bye"].map {
                VoiceTag(mediaID: media.id, spoken: SpokenPhrase(PhraseText($0), from: "1", to: "2", channel: "L"))
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `tags come with the copy of their media, each once, whoever commits first`() async throws {
        try await DeliverySite.with { site in
            try await site.run(
                "insert into callrec.speech_phrases (phrase_text) values ('other'), ('hello'), ('good bye')")
            var recording = try await site.record(1, [.calls, .screens])
            recording.voiceTags = VoiceTagCommitTests.tags(recording)
            try await site.plan(recording)
            let (one, other) = (try await site.worker("one"), try await site.worker("other"))
            let sound = try await one.claim(recording, on: .calls)
            let screen = try await other.claim(recording, on: .screens)
            async let first = one.deliver(sound)
            async let second = other.deliver(screen)
            #expect(await [first, second].allSatisfy { $0?.replica != nil })
            let placed = """
                callrec.voice_tags v join callrec.cfiles f on f.id = v.cfileid
                join callrec.speech_phrases s on s.phraseid = v.phraseid
                """
            #expect(try await site.count("\(placed) where f.cftype = 'AUDIO'") == 2)
            #expect(try await site.count("\(placed) where f.cftype = 'VIDEO'") == 2)
            #expect(try await site.count("\(placed) where s.phrase_text = 'other'") == 0)
            // Rows without copies bring what came since, and double nothing.
            try await site.bringRows(of: recording, by: one)
            recording.voiceTags.append(
                VoiceTag(mediaID: recording.media[0].id, spoken: SpokenPhrase(PhraseText("hello"), from: "7")))
            try await site.bringRows(of: recording, by: one)
            #expect(try await site.count("callrec.voice_tags") == 5)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `tags survive a better file in their place, and those of the better are added`() async throws {
        try await DeliverySite.with { site in
            try await site.run("insert into callrec.speech_phrases (phrase_text) values ('hello'), ('good bye')")
            var recording = try await site.record(1)
            recording.problemStatus = "ONLY_ONE_STREAM"
            recording.voiceTags = VoiceTagCommitTests.tags(recording)
            try await site.plan(recording)
            let worker = try await site.worker("one")
            #expect(await worker.deliver(try await worker.claim(recording))?.replica != nil)
            let row = try await site.database.perform { session in
                try session.first("select id from callrec.cfiles")?.integer("id")
            }
            var better = recording
            better.source = SourceName("rec_b")
            better.problemStatus = "NO_PROBLEM"
            better.media[0].id = 77
            // What is encrypted is not measured: the rows decide.
            better.media[0].keyID = "key"
            better.media[0].path = FilePath("/calls/better.mp3")
            better.voiceTags = VoiceTagCommitTests.tags(better)
            better.voiceTags[0].spoken.from = "9"
            try site.scratch.write(DeliverySite.content, to: "mount/calls/better.mp3")
            try await site.plan(better)
            let outcome = await worker.deliver(try await worker.claim(better, replaces: row))
            #expect(outcome?.replica?.content.replayMediaID == row, "\(String(describing: outcome))")
            #expect(try await site.count("callrec.cfiles where cfpath like '%better.mp3'") == 1)
            // Two of the first, one of which the better has, too, and one of its own.
            #expect(try await site.count("callrec.voice_tags where cfileid = \(row ?? 0)") == 3)
            #expect(try await site.count("callrec.voice_tags") == 3)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `tags come to rows that point at the source's own files`() async throws {
        try await DeliverySite.with { site in
            try await site.run("insert into callrec.speech_phrases (phrase_text) values ('hello'), ('good bye')")
            var recording = try await site.record(1, [.calls, .screens])
            recording.voiceTags = VoiceTagCommitTests.tags(recording)
            let plan = RowsPlan(
                recording: recording,
                pointers: recording.media.map { PointerPlan(media: $0, path: FilePath("/mnt\($0.path.displayText)")) },
                outcome: .keep(mark: .synchronized, fingerprint: [1]))
            let commit = RowsCommit(replay: try await site.worker("one").replay) { _, _ in plan }
            #expect(try await commit.run([plan]).stale.isEmpty)
            #expect(try await site.count("callrec.voice_tags v join callrec.cfiles f on f.id = v.cfileid") == 4)
        }
    }
}
