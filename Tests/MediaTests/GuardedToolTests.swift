import CLinux
import Glibc
import Support
import Synchronization
import Testing
import Vocabulary

@testable import Media

/// A shell stands in for a tool: it can do anything that a tool gone wild could.
@Suite struct GuardedToolTests {
    private let shell = GuardedTool(program: FilePath("/bin/sh"), name: "sh")

    private func run(
        _ script: String, descriptors: [CInt] = [], limits: ToolLimits = ToolLimits()
    ) async throws -> (end: GuardedTool.End, output: String) {
        let box = OutputBox()
        let end = try await shell.run(
            ["-c", script], descriptors: descriptors, limits: limits, doing: "test", output: { box.take($0) })
        return (end, String(decoding: box.bytes, as: UTF8.self))
    }

    @Test func `a tool's output, complaint and exit code come back`() async throws {
        let (end, output) = try await run("echo out; echo no >&2; echo again >&2; exit 3")
        #expect(output == "out\n")
        #expect(end.exitCode == 3)
        #expect(end.complaint == "no\nagain\n")
        #expect(end.text == "exit code 3: again")
    }

    @Test func `a flood of output arrives whole, and of complaints the end`() async throws {
        let (end, output) = try await run(
            "head -c 3000000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero | tr '\\0' y >&2; echo end >&2")
        #expect(output.utf8.count == 3_000_000)
        #expect(end.complaint.utf8.count == GuardedTool.complaintBytes)
        #expect(end.complaint.hasSuffix("yend\n"))
    }

    @Test func `a tool sees its own descriptors, environment and nothing else`() async throws {
        let scratch = try Scratch()
        let file = try scratch.open(Array("lent".utf8))
        setenv("TAKEUP_TEST_SECRET", "hidden", 1)
        let (_, output) = try await run(
            """
            cat /dev/fd/3; echo; for one in /proc/self/fd/*; do printf '%s ' ${one##*/}; done
            env | grep -c SECRET; umask >/dev/null; pwd
            """,
            descriptors: [file.descriptor])
        let lines = output.split(separator: "\n")
        #expect(lines[0] == "lent")
        // The listing's own descriptor comes behind those that were given.
        #expect(lines[1] == "0 1 2 3 4 0")
        #expect(lines[2] == "/")
    }

    @Test func `a tool has no network`() async throws {
        let (_, output) = try await run(
            "cat /proc/self/net/dev | grep -c ':'; ls /proc/self/ns >/dev/null; readlink /proc/self/ns/net")
        let own = try #require(readLink("/proc/self/ns/net"))
        #expect(!output.contains(own))
    }

    /// What root may, too: the tests run as root, where a mode of 0600 keeps nobody out.
    @Test(.enabled(if: hasLandlock))
    func `a tool opens what it was given, no further than it was opened, and nothing else`() async throws {
        let scratch = try Scratch()
        try writeSample(Array("secret".utf8), to: scratch.file("secret"))
        try writeSample(Array("lent".utf8), to: scratch.file("lent"))
        let lent = Glibc.open(scratch.file("lent"), O_RDONLY | O_CLOEXEC)
        defer { close(lent) }
        let result = try OpenSample(scratch.file("result"), create: true)
        let (end, output) = try await run(
            """
            cat /dev/fd/3; echo made > /dev/fd/4; cat /dev/fd/4
            for act in "cat \(scratch.file("secret"))" "cp /dev/null \(scratch.file("new"))" \
                "dd if=/dev/zero of=/dev/fd/3 count=1" "rm \(scratch.file("secret"))" "kill -0 \(getpid())"
            do $act 2>/dev/null && echo "did $act"; done; true
            """, descriptors: [lent, result.descriptor])
        #expect(end.isSuccess)
        #expect(output == "lentmade\n")
        #expect(try readSample(scratch.file("secret")) == Array("secret".utf8))
        #expect(try readSample(scratch.file("lent")) == Array("lent".utf8))
    }

    @Test func `a tool gets no socket`() async throws {
        let bash = GuardedTool(program: FilePath("/bin/bash"), name: "bash")
        let end = try await bash.run(
            ["-c", "exec 9<>/dev/tcp/127.0.0.1/9"], descriptors: [], limits: ToolLimits(), doing: "test",
            output: { _ in })
        #expect(!end.isSuccess)
        #expect(end.complaint.contains("Operation not permitted"), "\(end.complaint)")
    }

    @Test func `a tool leaves its group by no call, and signals and limits nobody but itself`() async throws {
        let (end, output) = try await run(
            """
            sleep 300 &
            for act in "setsid true" "kill -0 \(getpid())" "kill -TERM $!" "kill -TERM 0" \
                "prlimit --pid=\(getpid()) --core"
            do $act 2>/dev/null && echo "did $act"; done
            ulimit -n 100 && ulimit -n
            """)
        #expect(end.isSuccess)
        #expect(output == "100\n")
        // What it does to itself when it fails goes on.
        let perl = GuardedTool(program: FilePath("/usr/bin/perl"), name: "perl")
        let aborted = try await perl.run(
            ["-MPOSIX", "-e", "POSIX::abort()"], descriptors: [], limits: ToolLimits(), doing: "test", output: { _ in })
        #expect(aborted.signal == Int(SIGABRT), "\(aborted)")
    }

    @Test func `what cannot be confined is told in words`() {
        #expect(Confinement.tried() == Confinement(hasFiles: takeup_landlock_version() >= 1, hasCalls: true))
        #expect(Confinement(hasFiles: true, hasCalls: true).gap == nil)
        #expect(Confinement(hasFiles: false, hasCalls: true).gap?.contains("Landlock") == true)
        #expect(Confinement(hasFiles: true, hasCalls: false).gap?.contains("seccomp") == true)
        #expect(Confinement(hasFiles: false, hasCalls: false).gap?.contains("neither") == true)
    }

    @Test func `a program that is not there is named`() async throws {
        let tool = GuardedTool(program: FilePath("/nowhere/ffmpeg"), name: "ffmpeg")
        let error = await #expect(throws: MediaError.self) {
            try await tool.run([], descriptors: [], limits: ToolLimits(), doing: "probe the sound", output: { _ in })
        }
        #expect(error?.code == .toolMissing)
        #expect(error?.description.contains("/nowhere/ffmpeg") == true)
    }

    @Test func `past its deadline a tool is killed with everything that it started`() async throws {
        let scratch = try Scratch()
        let file = try OpenSample(scratch.file("pid"), create: true)
        let clock = ContinuousClock()
        let begin = clock.now
        let error = await #expect(throws: MediaError.self) {
            try await run(
                "sleep 300 & echo $! > /dev/fd/3; sleep 300", descriptors: [file.descriptor],
                limits: ToolLimits(deadline: .seconds(1)))
        }
        #expect(error?.code == .timedOut)
        #expect(clock.now - begin < .seconds(60))
        try await expectGone(scratch.file("pid"))
    }

    @Test func `a tool that does nothing is killed long before its deadline, one that works is not`() async throws {
        let limits = ToolLimits(deadline: .seconds(300), patience: .seconds(1))
        let clock = ContinuousClock()
        let begin = clock.now
        let error = await #expect(throws: MediaError.self) { try await run("exec sleep 300", limits: limits) }
        #expect(error?.code == .timedOut)
        #expect(error?.reason.contains("without any progress") == true, "\(String(describing: error))")
        #expect(clock.now - begin < .seconds(60))
        // Processor time is progress, and so is a file that is read.
        let (end, _) = try await run("n=0; while [ $n -lt 1500000 ]; do n=$((n + 1)); done", limits: limits)
        #expect(end.isSuccess)
    }

    /// What says how far it is, as ffmpeg does, twenty times.
    private func report(
        _ step: String, limits: ToolLimits, descriptors: [CInt] = []
    ) async throws -> (end: GuardedTool.End, progress: LastProgress) {
        // Perl has no use for ffmpeg's words, which stand before its own.
        let scratch = try Scratch()
        let script = "$| = 1; for $n (1..20) { \(step); $x++ for 1..200000; select undef, undef, undef, 0.2 }"
        try writeSample(
            Array("#!/bin/sh\nshift 3\nexec /usr/bin/perl \"$@\"\n".utf8), to: scratch.file("tool"))
        chmod(scratch.file("tool"), 0o755)
        let progress = LastProgress()
        let end = try await GuardedTool(program: FilePath(scratch.file("tool")), name: "tool").run(
            ["-e", script], descriptors: descriptors, limits: limits, doing: "mux", progress: progress)
        return (end, progress)
    }

    @Test func `a tool that works and comes no further is killed, however much it says`() async throws {
        let limits = ToolLimits(deadline: .seconds(300), patience: .seconds(1))
        let error = await #expect(throws: MediaError.self) {
            try await report(#"print "frame=7\nout_time_us=5000\nspeed=$n\nprogress=continue\n""#, limits: limits)
        }
        #expect(error?.code == .timedOut)
        #expect(
            error?.reason.contains("without any progress, though it may have worked") == true,
            "\(String(describing: error))")
    }

    @Test func `one that comes further by its own words, or by what it writes, is not`() async throws {
        let limits = ToolLimits(deadline: .seconds(300), patience: .seconds(1))
        let told = try await report(
            #"print "frame=7\nout_time_us=${n}000\nprogress=continue\n""#, limits: limits)
        #expect(told.end.isSuccess && told.progress.microseconds == 20_000, "\(told)")
        let scratch = try Scratch()
        let file = try OpenSample(scratch.file("out"), create: true)
        let written = try await report(
            #"open F, ">>", "/dev/fd/3"; syswrite F, "more"; close F; print "frame=N/A\n""#, limits: limits,
            descriptors: [file.descriptor])
        #expect(written.end.isSuccess && file.size == 80, "\(written)")
    }

    @Test func `a cancelled task takes the tool and its children with it`() async throws {
        let scratch = try Scratch()
        let file = try OpenSample(scratch.file("pid"), create: true)
        let task = Task { try await run("sleep 300 & echo $! > /dev/fd/3; wait", descriptors: [file.descriptor]) }
        while file.size == 0 { await Task.yield() }
        task.cancel()
        let error = await #expect(throws: MediaError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        try await expectGone(scratch.file("pid"))
    }

    @Test func `what a tool leaves running when it ends does not live on`() async throws {
        let scratch = try Scratch()
        let file = try OpenSample(scratch.file("pid"), create: true)
        let (end, output) = try await run("sleep 300 & echo $! > /dev/fd/3; echo done", descriptors: [file.descriptor])
        #expect(end.isSuccess)
        #expect(output == "done\n")
        try await expectGone(scratch.file("pid"))
    }

    @Test func `a tool dies with the process that started it`() async throws {
        let scratch = try Scratch()
        let path = scratch.file("pid")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let file = try OpenSample(path, create: true)
            let shell = GuardedTool(program: FilePath("/bin/sh"), name: "sh")
            async let end = shell.run(
                ["-c", "echo $$ > /dev/fd/3; while :; do :; done"], descriptors: [file.descriptor],
                limits: ToolLimits(), doing: "test", output: { _ in })
            while file.size == 0 { await Task.yield() }
            kill(getpid(), SIGKILL)
            _ = try await end
        }
        try await expectGone(path)
    }

    @Test func `a reader that throws ends the tool`() async throws {
        let error = await #expect(throws: MediaError.self) {
            try await shell.run(
                ["-c", "while :; do echo more; done"], descriptors: [], limits: ToolLimits(), doing: "test"
            ) { _ throws(MediaError) in throw MediaError(.malformed, doing: "test", reason: "too much") }
        }
        #expect(error?.reason == "too much")
    }

    @Test(
        arguments: [
            ("while :; do :; done", ToolLimits(processorTime: .seconds(1)), "it used up its processor time"),
            ("head -c 5000000 /dev/zero > /dev/fd/3", ToolLimits(fileBytes: 1 << 20), "exit code 153"),
            (
                "dd if=/dev/zero of=/dev/null bs=900M count=1", ToolLimits(addressSpaceBytes: 256 << 20),
                "memory exhausted"
            ),
        ])
    func `a tool that takes more than it may is stopped`(_ script: String, _ limits: ToolLimits, _ text: String)
        async throws
    {
        let scratch = try Scratch()
        let file = try OpenSample(scratch.file("out"), create: true)
        let (end, _) = try await run(script, descriptors: [file.descriptor], limits: limits)
        #expect(!end.isSuccess)
        #expect(end.text.contains(text), "\(end)")
        #expect(file.size <= 1 << 20)
    }

    /// Whether the kernel can keep a tool from files and from signals to others: ABI 6 or newer.
    private static let hasLandlock = takeup_landlock_version() >= 6

    /// Waits until the process whose number the file holds is gone, or a zombie that nobody has collected.
    private func expectGone(_ path: String) async throws {
        let text = String(decoding: try readSample(path), as: UTF8.self)
        let number = try #require(Int(text.split(separator: "\n").first ?? ""))
        let clock = ContinuousClock()
        let end = clock.now + .seconds(5)
        while clock.now < end {
            guard let status = try? readText("/proc/\(number)/stat") else { return }
            if status.contains(") Z ") { return }
            await Task.yield()
        }
        Issue.record("process \(number) still runs")
    }
}

private final class OutputBox: Sendable {
    private let state = Mutex<[UInt8]>([])
    var bytes: [UInt8] { state.withLock { $0 } }
    func take(_ more: UnsafeRawBufferPointer) { state.withLock { $0 += more } }
}

private func readText(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw SampleFailure(path) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    return String(decoding: bytes[..<max(0, read(descriptor, &bytes, 4096))], as: UTF8.self)
}

private func readLink(_ path: String) -> String? {
    var characters = [CChar](repeating: 0, count: 256)
    let count = readlink(path, &characters, characters.count)
    return count > 0 ? String(decoding: characters[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
}
