import CLinux
import Files
import Glibc
import Ledger
import Media
import Planning
import Support
import Testing
import Vocabulary

@testable import Muxer

/// Screens in RECD and a converter of the site's: any program, run as a guarded child.
@Suite struct ConverterTests {
    /// A pair whose screen is RECD, and a worker with a converter.
    private struct Scene {
        let fixture: MuxFixture
        let pair: MuxPair
        var work: MuxWork

        func make() async throws -> MuxWork.Made {
            let directory = try PrivateDirectory(below: FilePath(fixture.root), name: "1-\(pair.job.id.rawValue)")
            return try await work.make(pair, in: directory.path)
        }

        /// What the failure says, and whether it is tried again soon.
        func failure() async throws -> (text: String, isTransient: Bool?, error: any Error) {
            do {
                _ = try await make()
            } catch {
                let isTransient = (error as? MuxFailure)?.isTransient ?? (error as? any Retryable)?.isTransient
                return (String(describing: error), isTransient, error)
            }
            throw SampleFailure("a result was made")
        }
    }

    private static let header = Array("RECD 1.0 of nobody knows what\n".utf8)

    /// A RECD that holds an mp4 behind a header of its own, as a test can make one.
    private func scene(_ script: String?, within limit: Duration = .seconds(30)) async throws -> Scene {
        let fixture = try await MuxFixture()
        var screen = try fixture.screen(seconds: 4)
        (screen.kind, screen.name, screen.bytes) = (.recd, "screen.recd", Self.header + screen.bytes)
        let pair = try await fixture.pair(sound: fixture.speech(seconds: 4), screens: [screen])
        var work = fixture.work
        if let script {
            let path = fixture.root + "/convert"
            try writeSample(Array(("#!/bin/sh\n" + script + "\n").utf8), to: path)
            chmod(path, 0o755)
            work.converter = ScreenConverter(
                program: FilePath(path), arguments: ["--from={input}", "{output}"],
                limits: ToolLimits(processorTime: limit, deadline: limit))
        }
        return Scene(fixture: fixture, pair: pair, work: work)
    }

    private static let unwrap = "exec tail -c +\(header.count + 1) \"${1#--from=}\" > \"$2\""

    @Test func `a screen in RECD is converted, and muxed like any`() async throws {
        let scene = try await scene(Self.unwrap)
        #expect(scene.pair.job.isRECD && scene.pair.job.state == .notMuxable)
        let made = try await scene.make()
        let picture = try #require(made.result.facts.picture)
        #expect(picture.end > .milliseconds(3850) && picture.end < .milliseconds(4150))
        #expect(made.result.picture == .copy)
        // Nothing vouches for what another program made.
        #expect(made.authenticity == .unauthenticated)
    }

    @Test func `without a converter it is no failure`() async throws {
        let scene = try await scene(nil)
        #expect(try await scene.failure().error is NotMuxable)
    }

    @Test func `an encrypted one is decrypted first`() async throws {
        let scene = try await scene(Self.unwrap)
        var screen = try scene.fixture.screen(seconds: 4)
        (screen.kind, screen.name, screen.bytes) = (.recd, "sealed.recd", Self.header + screen.bytes)
        try scene.fixture.encrypt(&screen, isDetached: false)
        let other = try await MuxFixture()
        let pair = try await other.pair(sound: other.speech(seconds: 4), screens: [screen])
        var work = other.work
        work.converter = scene.work.converter
        _ = try await Scene(fixture: other, pair: pair, work: work).make()
    }

    @Test func `a converter that fails says why, and nothing is published`() async throws {
        let scene = try await scene("echo 'no licence for this format' >&2; exit 3")
        let failure = try await scene.failure()
        #expect(failure.text.contains("convert the screen"), "\(failure.text)")
        #expect(failure.text.contains("the converter convert: exit code 3: no licence for this format"))
        #expect(failure.isTransient == false)
    }

    @Test func `a converter that hangs is killed with what it started, and tried again`() async throws {
        let scene = try await scene("sleep 300 & sleep 300", within: .seconds(1))
        let began = ContinuousClock.now
        let failure = try await scene.failure()
        #expect(ContinuousClock.now - began < .seconds(20))
        #expect(failure.text.contains("convert was killed after 1"), "\(failure.text)")
        #expect(failure.isTransient == true)
    }

    static let rubbish: [(script: String, words: String)] = [
        ("head -c 100000 /dev/urandom > \"$2\"", "the screen"),
        ("echo '#EXTM3U' > \"$2\"", "the screen"),
        ("exit 0", "wrote nothing"),
        // Cut in the middle: its index is missing.
        ("tail -c +31 \"${1#--from=}\" | head -c 9000 > \"$2\"", "the screen"),
    ]

    @Test(arguments: rubbish.indices)
    func `what a converter wrote is believed no more than any screen`(index: Int) async throws {
        let (script, words) = Self.rubbish[index]
        let failure = try await scene(script).failure()
        #expect(failure.text.contains(words), "\(failure.text)")
        #expect(!failure.text.contains(MuxFixture.sid.rawValue))
        #expect(failure.isTransient == false, "\(failure.text)")
    }

    @Test func `damage within what was converted is found, as all of it is decoded`() async throws {
        let broken = try await self.scene(
            "tail -c +\(Self.header.count + 1) \"${1#--from=}\" > \"$2\" && head -c 3000 /dev/zero "
                + "| dd of=\"$2\" bs=1 seek=30000 conv=notrunc 2>/dev/null")
        let failure = try await broken.failure()
        #expect(failure.text.contains("the screen is damaged"), "\(failure.text)")
        #expect(failure.isTransient == false)
    }

    @Test func `a converter opens nothing but its two files`() async throws {
        // Where the kernel cannot confine it, nothing can be shown.
        guard takeup_landlock_version() >= 1 else { return }
        let scene = try await scene(
            "echo x > /tmp/takeup-converter-was-here; cat /etc/passwd > \"$2\"; if [ -s \"$2\" ]; then exit 9; fi; "
                + Self.unwrap)
        _ = try await scene.make()
        #expect(access("/tmp/takeup-converter-was-here", F_OK) != 0)
    }
}
