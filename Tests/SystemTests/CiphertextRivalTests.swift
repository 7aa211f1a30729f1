internal import Glibc
internal import Postgres
internal import Support
internal import Testing
internal import Vocabulary

/// Of ciphertext nothing can be measured: it neither loses to what can be, nor wins, but by what the rows say.
@Suite(.serialized) struct CiphertextRivalTests {
    @Test(.timeLimit(.minutes(3)))
    func `a standing ciphertext stays where a clear file is as good or cut, and gives way to a longer one`()
        async throws
    {
        let one = try await PlainRecorder("one")
        let two = try await PlainRecorder("two")
        let samples = try #require(MediaSamples.ofThisRun)
        let speech = try samples.speech(seconds: 8)
        let clear = try readSample(speech)
        let long = try readSample(try samples.speech(seconds: 12))
        let sealed = samples.directory + "/rival.mp3"
        try CMSSamples(in: samples).encrypt(speech, to: sealed, for: [.rsa])
        let cipher = try readSample(sealed)
        let key = "5cd9b6f1-0000-4000-8000-000000000001"
        let stop = PlainRecorder.now

        let solution = try await ScratchSolution()
        try await solution.replay.perform { session in
            try session.execute(
                """
                insert into callrec.managed_keys (uuid, purpose, algorithm, strength, activationdate)
                values ($1, 'media', 'AES', 256, now())
                """, [.text(key)])
        }
        let sources = [one, two].map { ScratchSolution.Source($0) }
        try solution.configure(sources)
        let agents = try sources.map { try solution.start($0) }
        defer {
            for agent in agents { agent.send(SIGTERM) }
            for agent in agents { agent.wait() }
        }
        func encrypted(_ recorder: PlainRecorder, _ name: String) throws -> MediaSample {
            var media = try recorder.file(.audio, name, cipher)
            media.keyID = key
            return media
        }
        for name in ["as-good", "cut", "longer"] {
            try await one.builder.add(
                RecordingSample(name, stop: stop, seconds: 8).media(try encrypted(one, name + ".mp3")))
        }
        try await one.builder.add(
            RecordingSample("clear", stop: stop, seconds: 8).media(try one.file(.audio, "clear.mp3", clear)))
        let firsts = try await one.marks(upTo: .seconds(60))
        #expect(Set(firsts.values) == ["S"], "\(firsts)\n\(solution.log("one").suffix(3000))")

        let cut = Array(clear.prefix(clear.count / 2 - 7))
        for (name, seconds, bytes) in [("as-good", 8, clear), ("cut", 8, cut), ("longer", 12, long)] {
            try await two.builder.add(
                RecordingSample(name, stop: stop, seconds: seconds).media(try two.file(.audio, name + ".mp3", bytes)))
        }
        try await two.builder.add(
            RecordingSample("clear", stop: stop, seconds: 8).media(try encrypted(two, "clear.mp3")))
        let seconds = try await two.marks(upTo: .seconds(60))
        #expect(
            seconds == ["as-good": "N", "cut": "N", "longer": "S", "clear": "N"], "\(solution.log("two").suffix(3000))")
        let standing = try await solution.replay.perform { session in
            Dictionary(
                uniqueKeysWithValues: try session.query(
                    """
                    select c.sid, f.cfpath, f.enc_key_id from callrec.couples c
                    join callrec.cfiles f on f.cplid = c.id
                    """
                ).map { (try $0.text("sid"), (try $0.text("cfpath"), try $0.optionalText("enc_key_id"))) })
        }
        for (name, bytes, keyID) in [
            ("as-good", cipher, key), ("cut", cipher, key), ("longer", long, nil), ("clear", clear, nil),
        ] {
            let row = try #require(standing[name])
            #expect(row.1 == keyID, "\(name)")
            #expect(try readSample(row.0) == bytes, "\(name)")
        }
        // What was measured of the ciphertexts is nothing, also of the one that lost by what the rows say.
        let integrity = try await solution.replay.perform { session in
            try session.query(
                """
                select m.integrity from takeup.measurement m join callrec.cfiles f on f.id = m.media_id
                where m.place = '' and f.enc_key_id is not null
                """
            ).map { try $0.text("integrity") }
        }
        #expect(integrity == ["unknown", "unknown"])
    }
}
