import Glibc
import Planning
import Support
import Testing
import Vocabulary

@testable import Media

/// What a real browser makes of results: Chromium, without a screen.
@Suite(.serialized) struct BrowserTests {
    @Test(.timeLimit(.minutes(2))) func `results play in a browser, picture and sound at their moments`() async throws {
        let cases = [
            TimelineTests.Case(name: "copied, black around", screens: [(2345, 6000)], moment: 5385),
            TimelineTests.Case(name: "copied, reordered", screens: [(2345, 6000)], moment: 5385, preset: "medium"),
            TimelineTests.Case(
                name: "copied, still", screens: [(2345, 6000)], moment: 5385, rules: ArrangeRules(padding: .still)),
            TimelineTests.Case(
                name: "packets copied, black around", screens: [(2345, 6000)], moment: 5385,
                rules: ArrangeRules(keepsMP3: true), arePacketsCopied: true),
            TimelineTests.Case(
                name: "packets copied, reordered", screens: [(2345, 6000)], moment: 5385,
                rules: ArrangeRules(keepsMP3: true),
                preset: "medium", arePacketsCopied: true),
            TimelineTests.Case(
                name: "packets copied, still", screens: [(2345, 6000)], moment: 5385,
                rules: ArrangeRules(padding: .still, keepsMP3: true), arePacketsCopied: true),
            TimelineTests.Case(
                name: "encoded", screens: [(500, 4000), (5123, 5000)], moment: 7363, sizes: ["320x240", "640x360"]),
        ]
        let scratch = try Scratch()
        for (number, wanted) in cases.enumerated() {
            let made = try await TimelineTests().mux(wanted, in: scratch)
            #expect(made.arePicturesDecoded == wanted.arePacketsCopied, "\(wanted.name)")
            guard rename(scratch.file("result.mp4"), scratch.file("\(number).mp4")) == 0 else {
                throw SampleFailure("rename: errno \(errno)")
            }
        }
        let found = try play(cases, in: scratch)
        try #require(found.count == cases.count, "\(found)")
        for (wanted, seen) in zip(cases, found) {
            let name = Comment(rawValue: "\(wanted.name): \(seen)")
            #expect(seen["error"] == nil, name)
            #expect(seen.number("width") == (wanted.name == "encoded" ? 640 : 320), name)
            #expect(abs(seen.number("duration") - 12) < 0.1, name)
            #expect(seen.number("played") > 0.4 && seen.number("audioBytes") > 0 && seen.number("tracks") == 1, name)
            #expect(abs(seen.number("sound") - 12) < 0.1, name)
            #expect(abs(seen.number("tone") - Double(wanted.moment) / 1000) <= 0.040, name)
            // Seeks go to the moment that they were asked for, and show what is to be seen there.
            #expect(seen.number("worstSeek") < 0.001, name)
            #expect(seen.number("before") < 100 && seen.number("in") > 200 && seen.number("after") < 100, name)
            let lead = seen.number("lead")
            #expect(wanted.rules.padding == .still ? lead > 50 : lead < 16, name)
        }
    }

    /// What the page tells of each file, by name.
    private struct Seen: CustomStringConvertible {
        let fields: [Substring: Substring]
        subscript(name: Substring) -> Substring? { fields[name] }
        func number(_ name: Substring) -> Double { fields[name].flatMap { Double($0) } ?? .nan }
        var description: String { "\(fields)" }
    }

    private func play(_ cases: [TimelineTests.Case], in scratch: Scratch) throws -> [Seen] {
        let moments = cases.map { "\(Double($0.moment) / 1000)" }.joined(separator: ",")
        try writeSample(Array(Self.page.replacing("MOMENTS", with: moments).utf8), to: scratch.file("page.html"))
        let profile = scratch.file("profile")
        let log = scratch.file("chromium.log")
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", profile]) }
        let browser = try ChildProcess(
            [
                "/usr/bin/timeout", "--kill-after=5", "60", "/usr/bin/chromium", "--headless=new", "--no-sandbox",
                "--disable-gpu", "--disable-dev-shm-usage", "--allow-file-access-from-files",
                "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--enable-logging=stderr",
                "--user-data-dir=\(profile)", "file://\(scratch.file("page.html"))",
            ], outputPath: log)
        let code = browser.wait()
        let text = String(decoding: try readSample(log), as: UTF8.self)
        let lines = text.split(separator: "\n").filter { $0.contains("RESULT ") }
        if lines.isEmpty { throw SampleFailure("chromium ended with \(code): \(text.suffix(2000))") }
        return lines.map { line in
            let told = line.split(separator: "RESULT ").last?.split(separator: " END").first ?? ""
            return Seen(
                fields: Dictionary(
                    told.split(separator: "; ").map { part in
                        let pair = part.split(separator: "=", maxSplits: 1)
                        return (pair[0], pair.count > 1 ? pair[1] : "")
                    }, uniquingKeysWith: { one, _ in one }))
        }
    }

    private static let page = """
        <!doctype html><body><script>
        async function look(name, moment) {
          const video = document.createElement('video');
          video.volume = 0.1; video.preload = 'auto'; video.src = name;
          await new Promise((ok, no) => { video.oncanplay = ok; video.onerror = () => no(video.error.message); });
          const canvas = document.createElement('canvas'); canvas.width = 32; canvas.height = 24;
          const pen = canvas.getContext('2d', {willReadFrequently: true});
          let worst = 0;
          async function luma(time) {
            await new Promise(ok => { video.onseeked = ok; video.currentTime = time; });
            worst = Math.max(worst, Math.abs(video.currentTime - time));
            pen.drawImage(video, 0, 0, 32, 24);
            const data = pen.getImageData(12, 9, 8, 6).data;
            let sum = 0;
            for (let i = 0; i < data.length; i += 4) sum += (data[i] + data[i + 1] + data[i + 2]) / 3;
            return Math.round(sum / (data.length / 4));
          }
          const seen = {
            duration: video.duration, width: video.videoWidth, lead: await luma(0.3),
            before: await luma(moment - 0.045), in: await luma(moment + 0.1), after: await luma(moment + 0.3)};
          seen.worstSeek = worst;
          video.currentTime = 0;
          await video.play();
          await new Promise(ok => { video.ontimeupdate = () => { if (video.currentTime > 0.5) ok(); }; });
          seen.played = video.currentTime;
          seen.audioBytes = video.webkitAudioDecodedByteCount;
          seen.tracks = video.captureStream().getAudioTracks().length;
          video.pause();
          const bytes = await (await fetch(name)).arrayBuffer();
          const sound = await new OfflineAudioContext(1, 8000, 8000).decodeAudioData(bytes);
          const samples = sound.getChannelData(0);
          seen.tone = samples.findIndex(one => Math.abs(one) > 0.2) / sound.sampleRate;
          seen.sound = sound.duration;
          return seen;
        }
        (async () => {
          const moments = [MOMENTS];
          for (let i = 0; i < moments.length; i++) {
            let seen;
            try { seen = await look(i + '.mp4', moments[i]); } catch (error) { seen = {error: String(error)}; }
            console.log('RESULT ' + Object.entries(seen).map(([key, value]) => key + '=' + value).join('; ') + ' END');
          }
          setTimeout(() => window.close(), 200);
        })();
        </script></body>
        """
}
