internal import CLinux
internal import Files
internal import Glibc
internal import Vocabulary

/// A running tool, its pipes and its end. Belongs to the thread that made it: the kernel kills the tool with that thread.
final class ToolChild {
    private let process: pid_t
    private let processEvents: OpenFile
    private let standardOutput: OpenFile
    private let standardError: OpenFile
    private let doing: String
    private let name: String
    private let processorTime: Duration
    private var complaint: [UInt8] = []
    /// Of what it wrote, so much came here.
    private var taken = 0
    private var isReaped = false

    /// How long a killed tool may take to go. One that waits for a dead mount in the kernel takes as long as the mount.
    private static let patience = Duration.seconds(10)

    init(
        program: FilePath, arguments: [String], descriptors: [CInt], limits: ToolLimits, doing: String, name: String
    ) throws(MediaError) {
        let output = try Pipe(doing: doing)
        let errors = try Pipe(doing: doing)
        var guards = takeup_guard()
        guards.cpu_seconds = UInt64(max(1, (limits.processorTime.wholeMilliseconds + 999) / 1000))
        processorTime = .seconds(Int64(guards.cpu_seconds))
        guards.address_space_bytes = limits.addressSpaceBytes
        guards.file_bytes = limits.fileBytes
        // Each that it gets may be opened once more, by its number.
        guards.open_files = 640
        guards.no_network = 1
        guards.confined = 1
        guards.niceness = CInt(limits.niceness)
        let given = [-1, output.childEnd.descriptor, errors.childEnd.descriptor] + descriptors
        // An arena for each thread, of which there are many with many inputs, would take of the address space.
        let environment = [
            "PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=/nonexistent", "AV_LOG_FORCE_NOCOLOR=1", "MALLOC_ARENA_MAX=2",
        ]
        let started = withCStrings([name] + arguments) { argumentList in
            withCStrings(environment) { environmentList in
                takeup_spawn_guarded(
                    program.cString, argumentList, environmentList, given, CInt(given.count), "/", &guards)
            }
        }
        let number = errno
        guard started > 0 else {
            let isAbsent = number == ENOENT || number == EACCES || number == ENOEXEC
            let failure = MediaError.system("start \(program.displayText)", doing: doing, number: number)
            throw isAbsent ? MediaError(.toolMissing, doing: doing, reason: failure.reason) : failure
        }
        process = started
        let events = takeup_pidfd_open(started)
        processEvents = OpenFile(owning: events)
        standardOutput = output.ownEnd
        standardError = errors.ownEnd
        self.doing = doing
        self.name = name
        guard events >= 0 else { throw .system("pidfd_open", doing: doing) }
    }

    deinit {
        guard !isReaped else { return }
        // Not before it is reaped does its number, and that of its group, mean somebody else.
        kill(-process, SIGKILL)
        Self.reapLater(process)
    }

    /// Sees the tool to its end, or ends it.
    ///
    /// - Parameter progress: what it says of how far it is; nil of a tool that does not.
    func watch(
        cancelledBy signal: CancelSignal, limits: ToolLimits, progress: LastProgress? = nil,
        output: (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) throws(MediaError) -> GuardedTool.End {
        let wake = eventfd(0, CInt(EFD_CLOEXEC))
        guard wake >= 0 else { throw .system("eventfd", doing: doing) }
        let wakeOwner = OpenFile(owning: wake)
        signal.whenSet { eventfd_write(wake, 1) }
        defer { signal.whenSet(nil) }
        let clock = ContinuousClock()
        let deadline = clock.now + limits.deadline
        // Looked at four times before patience is over, so that its end is met to a quarter.
        let pause = limits.patience / 4
        var activity = ToolActivity(of: process, progress, taken: taken)
        var lastActive = clock.now
        var lastLook = clock.now
        try withUnsafeTemporaryBytes(64 << 10) { buffer throws(MediaError) in
            var openPipes = [standardOutput.descriptor, standardError.descriptor]
            while true {
                let left = deadline - clock.now
                guard left > .zero else { throw timedOut(limits) }
                let ready = try waitForAny(
                    openPipes + [processEvents.descriptor, wakeOwner.descriptor], most: min(left, pause), doing: doing)
                if !ready.isEmpty && progress == nil {
                    lastActive = clock.now
                } else if clock.now - lastLook >= pause {
                    lastLook = clock.now
                    let latest = ToolActivity(of: process, progress, taken: taken)
                    if latest != activity {
                        (activity, lastActive) = (latest, clock.now)
                    } else if clock.now - lastActive >= limits.patience {
                        throw MediaError(
                            .timedOut, doing: doing,
                            reason: "\(name) was killed after \(limits.patience.inSeconds) s without any progress"
                                + (progress == nil ? "" : ", though it may have worked"))
                    }
                }
                if signal.isSet { throw MediaError(.cancelled, doing: doing, reason: "the task was cancelled") }
                for pipe in openPipes where ready.contains(pipe) {
                    if try !takeOutput(from: pipe, buffer, output) { openPipes.removeAll { $0 == pipe } }
                }
                if ready.contains(processEvents.descriptor) { break }
            }
            kill(-process, SIGKILL)
            // What is still in the pipes; their other ends are closed, or held by something that is being killed. What got
            // away from that could write for ever.
            let last = clock.now + Self.patience
            for pipe in openPipes { while clock.now < last, try takeOutput(from: pipe, buffer, output) {} }
        }
        return reap()
    }

    private func timedOut(_ limits: ToolLimits) -> MediaError {
        MediaError(.timedOut, doing: doing, reason: "\(name) was killed after \(limits.deadline.inSeconds) s")
    }

    /// Reads once; false where there is nothing more, now or ever.
    private func takeOutput(
        from pipe: CInt, _ buffer: UnsafeMutableRawBufferPointer,
        _ output: (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) throws(MediaError) -> Bool {
        let got = read(pipe, buffer.baseAddress, buffer.count)
        if got < 0 && errno == EINTR { return true }
        guard got > 0 else { return false }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<got])
        taken += got
        if pipe == standardOutput.descriptor {
            try output(bytes)
        } else {
            complaint += bytes
            complaint.removeFirst(max(0, complaint.count - GuardedTool.complaintBytes))
        }
        return true
    }

    private func reap() -> GuardedTool.End {
        var status: CInt = 0
        var used = rusage()
        while wait4(process, &status, 0, &used) < 0 && errno == EINTR {}
        isReaped = true
        let code = takeup_exit_code(status)
        let signal = takeup_exit_signal(status)
        // ffmpeg ends by itself when its time is over, as by any signal that it knows; the kernel counts that time by its ticks,
        // which may be far from what was used.
        let wasTold = code == GuardedTool.End.endedBySignal || signal == SIGKILL
        let time = Self.time(used.ru_utime) + Self.time(used.ru_stime)
        return GuardedTool.End(
            exitCode: code >= 0 ? Int(code) : nil, signal: signal > 0 ? Int(signal) : nil,
            isOutOfProcessorTime: signal == SIGXCPU || wasTold && time > processorTime / 2,
            complaint: String(decoding: complaint, as: UTF8.self))
    }

    private static func time(_ time: timeval) -> Duration { .seconds(time.tv_sec) + .microseconds(time.tv_usec) }

    /// Waits for a killed tool: here for a while, then on a thread of its own.
    private static func reapLater(_ process: pid_t) {
        let clock = ContinuousClock()
        let end = clock.now + patience
        let events = OpenFile(owning: takeup_pidfd_open(process))
        while events.descriptor >= 0 && clock.now < end {
            guard let ready = try? waitForAny([events.descriptor], most: end - clock.now, doing: "") else { break }
            if !ready.isEmpty { break }
        }
        if waitpid(process, nil, WNOHANG) == 0 {
            _ = ThreadJob { while waitpid(process, nil, 0) < 0 && errno == EINTR {} }.start()
        }
    }
}

/// What a process has done so far, as the kernel counts it; all that tells one that works from one that hangs. Of one that
/// says how far it is, what tells one that comes further from one that does not.
private struct ToolActivity: Equatable {
    private let counts: String
    private let said: [String?]

    /// Of a process that is gone, or cannot be asked: nothing.
    ///
    /// - Parameter taken: bytes that it wrote to us. What it says twice a second is no progress by itself.
    init(of process: pid_t, _ progress: LastProgress?, taken: Int) {
        let io = ToolActivity.text("/proc/\(process)/io")
        said = progress?.mark ?? []
        if progress != nil, let read = ToolActivity.count("rchar", in: io),
            let written = ToolActivity.count("wchar", in: io)
        {
            counts = "\(read) \(written - taken)"
            return
        }
        // Of `stat` only the times: fields 14 and 15, behind the name, which ends with the last bracket.
        let stat = ToolActivity.text("/proc/\(process)/stat")
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        counts = fields.dropFirst(12).prefix(2).joined(separator: " ") + io
    }

    /// Of `rchar: 17`.
    private static func count(_ key: String, in text: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix("\(key): ") }.flatMap { Int($0.dropFirst(key.count + 2)) }
    }

    private static func text(_ path: String) -> String {
        let file = OpenFile(owning: open(path, O_RDONLY | O_CLOEXEC))
        guard file.descriptor >= 0 else { return "" }
        return withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { buffer in
            let count = max(0, read(file.descriptor, buffer.baseAddress, buffer.count))
            return String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}

/// A pipe out of a child. The own end does not block.
private struct Pipe: ~Copyable {
    let ownEnd: OpenFile
    let childEnd: OpenFile

    init(doing: String) throws(MediaError) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .system("pipe", doing: doing) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        ownEnd = OpenFile(owning: ends[0])
        childEnd = OpenFile(owning: ends[1])
    }
}

/// The descriptors that can be read, or whose other end is gone; none when the time is over.
private func waitForAny(_ descriptors: [CInt], most: Duration, doing: String) throws(MediaError) -> [CInt] {
    var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let milliseconds = CInt(clamping: max(1, most.wholeMilliseconds))
    let count = poll(&entries, nfds_t(entries.count), milliseconds)
    if count < 0 && errno != EINTR { throw .system("poll", doing: doing) }
    return count > 0 ? entries.filter { $0.revents != 0 }.map(\.fd) : []
}

private func withUnsafeTemporaryBytes<Result>(
    _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(MediaError) -> Result
) throws(MediaError) -> Result {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
    defer { buffer.deallocate() }
    return try body(buffer)
}

/// Lends the texts as a null-terminated list of C strings.
private func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var list = texts.map { strdup($0) } + [nil]
    defer { for text in list { free(text) } }
    return body(&list)
}
