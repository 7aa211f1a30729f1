import Files
import Glibc
import Ledger
import Media
import Planning
import Postgres
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Muxer

/// Muxing of real samples that lie on a volume as replicas, as the ledger knows them.
@Suite struct MuxWorkTests {
    @Test func `sound and screen of a clear pair become one file`() async throws {
        let fixture = try await MuxFixture()
        let made = try await fixture.make(
            try await fixture.pair(sound: fixture.speech(seconds: 6), screens: [fixture.screen(seconds: 6)]))
        try expectPlays(made, seconds: 6)
        #expect(made.authenticity == .unauthenticated)
    }

    @Test(arguments: [false, true])
    func `an encrypted pair becomes a clear file`(isDetached: Bool) async throws {
        let fixture = try await MuxFixture()
        var sound = try fixture.speech(seconds: 4)
        var screen = try fixture.screen(seconds: 4)
        try fixture.encrypt(&sound, isDetached: isDetached)
        try fixture.encrypt(&screen, isDetached: isDetached)
        let made = try await fixture.make(try await fixture.pair(sound: sound, screens: [screen]))
        try expectPlays(made, seconds: 4)
        // CBC vouches for nothing.
        #expect(made.authenticity == .unauthenticated)
    }

    @Test(arguments: Encryptor.Cipher.allCases)
    func `where the site encrypts, what was made of encrypted media is encrypted again`(
        _ cipher: Encryptor.Cipher
    ) async throws {
        let fixture = try await MuxFixture(encrypting: cipher)
        var sound = try fixture.speech(seconds: 4)
        try fixture.encrypt(&sound, isDetached: false)
        let pair = try await fixture.pair(sound: sound, screens: [fixture.screen(seconds: 4)])
        let directory = try PrivateDirectory(below: FilePath(fixture.root), name: "1-\(pair.job.id.rawValue)")
        let made = try await fixture.work.make(pair, in: directory.path)
        #expect(made.keyID == MuxFixture.resultKeyID)
        let sealed = try readSample(made.path.displayText)
        #expect(Int64(sealed.count) == made.byteCount)
        #expect(sealed.firstRange(of: Array("ftyp".utf8)) == nil)
        // Another's program opens it, and finds the very result.
        let recipients = CMSSamples(in: fixture.samples)
        let opened = fixture.root + "/opened"
        try ChildProcess.run([
            "/usr/bin/openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-in", made.path.displayText, "-out",
            opened,
            "-inkey", try recipients.key(of: .rsa), "-recip", try recipients.certificate(of: .rsa),
        ])
        #expect(try readSample(opened) == readSample(made.result.path.displayText))
    }

    @Test func `what was made of clear media stays clear`() async throws {
        let fixture = try await MuxFixture(encrypting: .aes256CBC)
        let made = try await fixture.make(
            try await fixture.pair(sound: fixture.speech(seconds: 4), screens: [fixture.screen(seconds: 4)]))
        #expect(made.keyID == nil)
        #expect(made.path == made.result.path)
    }

    @Test func `a screen that began two seconds later is put two seconds later`() async throws {
        let fixture = try await MuxFixture()
        var screen = try fixture.screen(seconds: 4)
        screen.delay = .seconds(2)
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 6), screens: [screen])
        #expect(
            pair.offset(of: pair.screens[0], lasting: .seconds(4), soundLength: .seconds(6)).estimate == .seconds(2))
        try expectPlays(try await fixture.make(pair), seconds: 6)
    }

    @Test func `where all is copied, pictures are decoded in the result, and a screen not shown by itself`()
        async throws
    {
        let fixture = try await MuxFixture(keepsMP3: true)
        let sound = try fixture.speech(seconds: 12, sampleRate: 16_000)
        var (shown, late) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 5))
        (shown.delay, late.delay, late.name) = (.milliseconds(1500), .seconds(20), "late.mp4")
        let made = try await fixture.make(try await fixture.pair(sound: sound, screens: [shown, late]))
        try expectPlays(made, seconds: 12)
        #expect(made.result.arePicturesDecoded)
        #expect(made.notes.contains { $0.contains("it began after the sound ended") })
        let other = try await MuxFixture(keepsMP3: true)
        try other.damage(&late)
        try expectLeftOut(try await other.make(try await other.pair(sound: sound, screens: [shown, late])))
    }

    /// The second screen, as a damaged one.
    private func expectLeftOut(_ made: MuxWork.Made) throws {
        #expect(made.leftOut.count == 1)
        #expect(
            made.notes.contains { $0.hasPrefix("screen 2 ") && $0.contains("left out") && $0.contains("is damaged") },
            "\(made.notes)")
    }

    @Test func `damage that shows in the result is told of the screen that has it`() async throws {
        let fixture = try await MuxFixture(keepsMP3: true)
        let sound = try fixture.speech(seconds: 12, sampleRate: 16_000)
        var (first, second) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 3))
        (first.delay, second.delay, second.name) = (.milliseconds(1500), .milliseconds(7250), "second.mp4")
        try fixture.damage(&second)
        try expectLeftOut(try await fixture.make(try await fixture.pair(sound: sound, screens: [first, second])))
    }

    @Test func `several screens follow each other, with padding between, before and behind`() async throws {
        let fixture = try await MuxFixture()
        var (first, second) = (try fixture.screen(seconds: 4), try fixture.screen(seconds: 3))
        (first.delay, second.delay, second.name) = (.milliseconds(1500), .milliseconds(7250), "second.mp4")
        // In whatever order they came.
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 12), screens: [second, first])
        let made = try await fixture.make(pair)
        try expectPlays(made, seconds: 12)
        #expect(made.result.picture == .copy)
        #expect(made.result.encodedText.hasPrefix("pictures copied; sound encoded, as not every player"))
    }

    @Test func `a recording with sixty screens and gaps between them becomes one file`() async throws {
        let fixture = try await MuxFixture()
        let screens = try (0..<60).map { number in
            var screen = try fixture.screen(seconds: 1)
            (screen.delay, screen.name) = (.milliseconds(500 + 2000 * number), "screen-\(number).mp4")
            return screen
        }
        let made = try await fixture.make(try await fixture.pair(sound: fixture.speech(seconds: 120), screens: screens))
        try expectPlays(made, seconds: 120)
        #expect(made.result.picture == .copy)
    }

    @Test func `of many items so many are worked on at once, and what is made keeps their order`() async throws {
        let running = Mutex((now: 0, most: 0))
        let made = try await atMost(3, of: 0..<20) { number in
            running.withLock { ($0.now, $0.most) = ($0.now + 1, max($0.most, $0.now + 1)) }
            try await Task.sleep(for: .milliseconds((number * 7) % 10))
            running.withLock { $0.now -= 1 }
            return number * 2
        }
        #expect(made == (0..<20).map { $0 * 2 })
        #expect(running.withLock { $0.most } == 3)
        await #expect(throws: MuxFailure.self) {
            _ = try await atMost(3, of: 0..<20) { number in
                if number == 5 { throw MuxFailure(what: "told", isTransient: true) }
            }
        }
    }

    @Test(arguments: [3, 4])
    func `of screens that overlap too much the shorter is left out, and the note names both and by how much`(
        _ seconds: Int
    ) async throws {
        let fixture = try await MuxFixture()
        var (first, second) = (try fixture.screen(seconds: seconds), try fixture.screen(seconds: 4))
        (first.name, second.name, second.delay) = ("first.mp4", "second.mp4", .milliseconds(1250))
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 6), screens: [first, second])
        let directory = try PrivateDirectory(below: FilePath(fixture.root), name: "1-\(pair.job.id.rawValue)")
        defer { withExtendedLifetime(directory) {} }
        let made = try await fixture.work.make(pair, in: directory.path)
        try expectPlays(made, seconds: 6)
        // Of two alike the later.
        let (screen, overlap) = seconds == 3 ? (0, "1.75") : (1, "2.75")
        #expect(made.leftOut == [pair.screens[screen].replica.id])
        #expect(
            made.notes == [
                "\(pair.screens[screen].role) is left out: screen 1 (media 2) and screen 2 (media 3) overlap by \(overlap) s, "
                    + "more than max_overlap_allowed"
            ], "\(made.notes)")
    }

    @Test func `a replica that is not what was copied is refused, and may come back`() async throws {
        let fixture = try await MuxFixture()
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 4), screens: [fixture.screen(seconds: 4)])
        let path = fixture.path(pair.screens[0].replica)
        var bytes = try readSample(path)
        bytes[bytes.count / 2] ^= 1
        try writeSample(bytes, to: path)
        let failure = try await fixture.failure(of: pair)
        #expect(failure.text.contains("is not what was copied"))
        #expect(failure.isTransient == true)
    }

    @Test func `sound that a decoder stumbles over makes no result`() async throws {
        let fixture = try await MuxFixture()
        var sound = try fixture.speech(seconds: 4)
        for place in sound.bytes.count / 2..<sound.bytes.count / 2 + 2000 { sound.bytes[place] = 0x55 }
        try await expectLastingRefusal(fixture, sound, try fixture.screen(seconds: 4), "the sound is damaged")
    }

    @Test func `a screen that a decoder stumbles over makes no result`() async throws {
        let fixture = try await MuxFixture()
        var screen = try fixture.screen(seconds: 4)
        for place in screen.bytes.count / 2..<screen.bytes.count / 2 + 3000 { screen.bytes[place] ^= 0x5a }
        try await expectLastingRefusal(fixture, try fixture.speech(seconds: 4), screen, "the screen is damaged")
    }

    @Test func `damage far from any key picture shows, too, where nothing vouches for the screen`() async throws {
        let fixture = try await MuxFixture()
        // Longer than what is decoded whole anyway, with one key picture at its beginning.
        var screen = try fixture.screen(seconds: 20)
        for place in screen.bytes.count / 2..<screen.bytes.count / 2 + 3000 { screen.bytes[place] ^= 0x5a }
        try await expectLastingRefusal(fixture, try fixture.speech(seconds: 20), screen, "the screen is damaged")
    }

    @Test func `sound whose end is missing makes no result, though it decodes`() async throws {
        let fixture = try await MuxFixture()
        var sound = try fixture.speech(seconds: 8)
        sound.bytes = Array(sound.bytes.prefix(sound.bytes.count / 2))
        try await expectLastingRefusal(fixture, sound, try fixture.screen(seconds: 4), "the sound is damaged")
    }

    @Test func `sound comes as wav or m4a, too, and cut short it makes no result`() async throws {
        for (name, words) in [("sound.wav", ["-f", "wav"]), ("sound.m4a", ["-c:a", "aac", "-f", "mp4"])] {
            let fixture = try await MuxFixture()
            let sound = try fixture.speech(seconds: 8, as: name, words)
            let made = try await fixture.make(
                try await fixture.pair(sound: sound, screens: [fixture.screen(seconds: 8)]))
            try expectPlays(made, seconds: 8)
            #expect(made.result.sound == .copy || name == "sound.wav")
            var cut = sound
            cut.bytes.removeLast(cut.bytes.count / 3)
            try await expectLastingRefusal(
                try await MuxFixture(), cut, try fixture.screen(seconds: 8), "the sound is damaged")
        }
    }

    @Test func `a screen without its index makes no result`() async throws {
        let fixture = try await MuxFixture()
        var screen = try fixture.screen(seconds: 4)
        screen.bytes = Array(screen.bytes.prefix(screen.bytes.count / 2))
        try await expectLastingRefusal(fixture, try fixture.speech(seconds: 4), screen, "screen")
    }

    @Test func `without the key there is no result, and the text says so`() async throws {
        let fixture = try await MuxFixture()
        var sound = try fixture.speech(seconds: 4)
        try fixture.encrypt(&sound, isDetached: false, for: .stranger)
        let pair = try await fixture.pair(sound: sound, screens: [fixture.screen(seconds: 4)])
        let failure = try await fixture.failure(of: pair)
        #expect((failure.error as? MediaError)?.code == .noKey)
        #expect(failure.isTransient == false)
        #expect(!failure.text.contains(MuxFixture.sid.rawValue))
    }

    private func expectLastingRefusal(
        _ fixture: MuxFixture, _ sound: MuxFixture.Half, _ screen: MuxFixture.Half, _ words: String
    ) async throws {
        let failure = try await fixture.failure(of: try await fixture.pair(sound: sound, screens: [screen]))
        #expect(failure.text.contains(words), "\(failure.text)")
        #expect(failure.isTransient == false)
        #expect(!failure.text.contains(MuxFixture.sid.rawValue))
    }

    private func expectPlays(_ made: MuxWork.Made, seconds: Int64) throws {
        let sound = try #require(made.result.facts.sound)
        let picture = try #require(made.result.facts.picture)
        for stream in [sound, picture] {
            #expect(stream.start < .milliseconds(150))
            #expect(
                stream.end > .milliseconds(seconds * 1000 - 150) && stream.end < .milliseconds(seconds * 1000 + 150))
        }
    }
}

/// A volume and a ledger with the replicas of one recording.
final class MuxFixture {
    struct Half {
        var bytes: [UInt8]
        var name: String
        var kind: MediaKind
        var keyID: String?
        var properties: String?
        var delay = Duration.zero
        /// As its row says; nil: it does not say.
        var claimed: Duration?
    }

    struct Failure {
        let error: any Error
        var text: String { String(describing: error) }
        var isTransient: Bool? { (error as? MuxFailure)?.isTransient ?? (error as? any Retryable)?.isTransient }
    }

    static let sid = Sid("1763700000_+447700900123_4001")
    static let start = WallTime(microseconds: 1_795_176_000_000_000)
    private static let volume = VolumeID("volume-a")
    private let ledger: ScratchDatabase
    private let database: Database
    let samples: MediaSamples
    let root: String
    var work: MuxWork
    static let resultKeyID = "0a1b2c3d-0000-4000-8000-000000000001"

    /// - Parameter encrypting: whether results of encrypted halves are encrypted again.
    /// - Parameter keepsMP3: so that sound of 16 kHz is copied.
    init(encrypting: Encryptor.Cipher? = nil, keepsMP3: Bool = false) async throws {
        guard let samples = MediaSamples.ofThisRun else { throw SampleFailure("no directory for samples") }
        self.samples = samples
        ledger = try await ScratchDatabase()
        database = ledger.connect()
        var pattern = Array("/tmp/takeup-muxer-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw SampleFailure("no directory") }
        root = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let recipients = CMSSamples(in: samples)
        let files = KeyRing.KeyFiles(
            privateKey: FilePath(try recipients.key(of: .rsa)),
            certificates: FilePath(try recipients.certificate(of: .rsa)))
        let keys = try KeyRing(loading: [files])
        let resultKey = try encrypting.map {
            MuxWork.ResultKey(encryptor: try Encryptor(loading: files, cipher: $0), id: MuxFixture.resultKeyID)
        }
        work = MuxWork(
            tools: MediaTools(ffmpeg: FilePath("/usr/bin/ffmpeg"), ffprobe: FilePath("/usr/bin/ffprobe")),
            decryptor: Decryptor(keys: keys), rules: ArrangeRules(keepsMP3: keepsMP3), tolerance: .milliseconds(100),
            madeBy: "Takeup test", threads: FileThreads(name: "mux-test", count: 1), patience: .seconds(60),
            resultKey: resultKey)
        let path = FilePath(root)
        try await database.transaction { session in
            try Migrations.apply(program: "test", in: session)
            try Volumes.register(
                [(MuxFixture.volume, VolumeName("a"), path, AccountID("volume-a"))], in: session)
        }
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", root]) }

    func speech(seconds: Int, sampleRate: Int = 8000) throws -> Half {
        let path = try samples.speech(seconds: seconds, sampleRate: sampleRate)
        return Half(bytes: try readSample(path), name: "sound.mp3", kind: .audio)
    }
    /// The same, in another form.
    func speech(seconds: Int, as name: String, _ words: [String]) throws -> Half {
        let path = try samples.made("\(seconds)-\(name)") { path in
            try ChildProcess.run(
                ["/usr/bin/ffmpeg", "-nostdin", "-v", "error", "-y", "-i", try samples.speech(seconds: seconds)] + words
                    + [path])
        }
        return Half(bytes: try readSample(path), name: name, kind: .audio)
    }
    /// Zeros in the middle of its pictures.
    func damage(_ screen: inout Half) throws {
        let data = try #require(screen.bytes.firstRange(of: Array("mdat".utf8)))
        let place = data.upperBound + (screen.bytes.count - data.upperBound) / 2
        for place in place..<place + 2000 { screen.bytes[place] = 0 }
    }
    func screen(seconds: Int) throws -> Half {
        Half(bytes: try readSample(try samples.screen(seconds: seconds)), name: "screen.mp4", kind: .video)
    }

    /// A small file of pictures that are as large as H.264 allows: decoding them is the work.
    func hugeScreen() throws -> [UInt8] {
        try readSample(samples.hugeScreen())
    }

    func encrypt(
        _ half: inout Half, isDetached: Bool, for recipient: CMSSamples.Recipient = .rsa, cipher: String = "aes-256-cbc"
    ) throws {
        let recipients = CMSSamples(in: samples)
        let clear = "\(root)/to-encrypt"
        let sealed = clear + ".sealed"
        try writeSample(half.bytes, to: clear)
        half.keyID = "5f0c2b1e-6a3d-4c7e-9b58-1d2f3a4b5c6d"
        if isDetached {
            let envelope = try recipients.encryptDetached(clear, to: sealed, for: [recipient], cipher: cipher)
            half.properties = "{\"pkcs7\": \"\(envelope.split(separator: "\n").joined(separator: "\\n"))\\n\"}"
        } else {
            try recipients.encrypt(clear, to: sealed, for: [recipient], cipher: cipher)
        }
        half.bytes = try readSample(sealed)
    }

    func path(_ replica: Replica) -> String { "\(root)/\(replica.content.path.displayText)" }

    /// Puts both on the volume and into the ledger.
    ///
    /// - Parameter others: more media rows of the recording.
    func pair(sound: Half, screens: [Half], others: [ReplayMedia] = []) async throws -> MuxPair {
        var media: [ReplayMedia] = []
        var replicas: [NewReplica] = []
        for (number, half) in ([sound] + screens).enumerated() {
            try writeSample(half.bytes, to: "\(root)/\(half.name)")
            let begin = WallTime(
                microseconds: MuxFixture.start.microseconds + 1000 + half.delay.wholeMicroseconds)
            media.append(
                ReplayMedia(
                    id: Int64(number + 1), kind: half.kind, path: FilePath("\(root)/\(half.name)"),
                    size: Int64(half.bytes.count), keyID: half.keyID,
                    start: begin,
                    stop: half.claimed.map { WallTime(microseconds: begin.microseconds + $0.wholeMicroseconds) },
                    properties: half.properties))
            let digest = try #require(Digest(hex: sha256(of: half.bytes)))
            replicas.append(
                NewReplica(
                    sid: MuxFixture.sid, kind: half.kind, volume: MuxFixture.volume, path: FilePath(half.name),
                    size: Int64(half.bytes.count), digest: digest, checksum: Checksum128(high: 1, low: 2),
                    level: .readBack, authenticity: .unauthenticated, source: SourceName("rec_a"),
                    sourceMediaID: Int64(number + 1), replayMediaID: Int64(number + 1), isMuxable: true))
        }
        let contents = replicas
        let (job, held) = try await database.transaction { session in
            try Recordings.lock([MuxFixture.sid], in: session)
            let held = try Replicas.insert(contents, in: session)
            return (try #require(try MuxJobs.ensure([MuxFixture.sid], in: session).first), held)
        }
        func half(_ number: Int, _ role: String) -> MuxPair.Half {
            MuxPair.Half(replica: held[number], media: media[number], root: FilePath(root), role: role)
        }
        return MuxPair(
            job: job,
            recording: ReplayRecording(
                id: 17, callID: 1, sid: MuxFixture.sid, start: MuxFixture.start, media: media + others),
            sound: half(0, "the sound"),
            screens: screens.indices.map { number in
                half(number + 1, MuxPair.role(ofScreen: number, of: screens.count, media: Int64(number + 2)))
            },
            reference: RecordingReference(source: SourceName("north"), id: 17))
    }

    func make(_ pair: MuxPair) async throws -> MuxWork.Made {
        let directory = try PrivateDirectory(below: FilePath(root), name: "1-\(pair.job.id.rawValue)")
        return try await work.make(pair, in: directory.path)
    }

    func failure(of pair: MuxPair) async throws -> Failure {
        do {
            _ = try await make(pair)
        } catch {
            return Failure(error: error)
        }
        throw SampleFailure("a result was made")
    }
}
