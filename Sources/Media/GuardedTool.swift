internal import CLinux
internal import Glibc
internal import Vocabulary

/// What a tool may use. Past any of these it is killed, with everything that it started.
package struct ToolLimits: Hashable, Sendable {
    /// Time that the processors work for it, rounded up to whole seconds.
    package var processorTime: Duration
    /// Time from start to end.
    package var deadline: Duration
    /// Time without any progress: no processor time taken, nothing read, nothing written. What hangs on a dead mount
    /// looks so. Of a tool that says how far it is, processor time is none.
    package var patience: Duration
    package var addressSpaceBytes: UInt64
    /// The longest file that it may write.
    package var fileBytes: UInt64
    /// Scheduling niceness, 0 to 19.
    package var niceness: Int

    package init(
        processorTime: Duration = .seconds(600), deadline: Duration = .seconds(900),
        patience: Duration = .seconds(120), addressSpaceBytes: UInt64 = 4 << 30, fileBytes: UInt64 = 64 << 30,
        niceness: Int = 5
    ) {
        self.processorTime = processorTime
        self.deadline = deadline
        self.patience = patience
        self.addressSpaceBytes = addressSpaceBytes
        self.fileBytes = fileBytes
        self.niceness = niceness
    }
}

/// A program that reads what strangers made, run so that it can hurt nobody.
///
/// It gets no path: inputs and outputs are descriptors, numbered from 3 on, which it opens as `/dev/fd/3`. It has no
/// network where the kernel allows to take it away, opens no other file and no socket where the kernel has Landlock and
/// seccomp (``Confinement``), signals none but itself and leaves its process group by no call, has an environment of its own, limits, and a process group that is killed as a whole when it ends, passes its
/// deadline, makes no progress, or the task is cancelled; the kernel kills it when this process dies.
struct GuardedTool: Sendable {
    let program: FilePath
    /// How errors name it: "ffmpeg".
    let name: String

    /// How a run ended that nobody had to end.
    struct End: Hashable, Sendable {
        /// nil: a signal ended it.
        let exitCode: Int?
        let signal: Int?
        /// Whether it worked as long as it may. Some tools then end by themselves.
        var isOutOfProcessorTime = false
        /// The last 8 KiB of what it wrote to standard error.
        let complaint: String

        var isSuccess: Bool { exitCode == 0 }

        /// One line for people: how it ended, and the last thing that it complained of.
        var text: String {
            let last = complaint.split(whereSeparator: \.isNewline).last.map { ": \($0.prefix(300))" } ?? ""
            if isOutOfProcessorTime && !isSuccess { return "it used up its processor time\(last)" }
            if let exitCode { return "exit code \(exitCode)\(last)" }
            if signal == Int(SIGXFSZ) { return "it wrote more than it may\(last)" }
            return "signal \(signal ?? 0)\(last)"
        }
    }

    static let complaintBytes = 8 << 10

    /// Runs the tool to its end. `output` is handed what it writes to standard output, piece by piece, on the tool's
    /// own thread; when it throws, the tool is killed. `descriptors` are lent until this returns.
    ///
    /// Throws ``MediaError``: `toolMissing`, `timedOut`, `cancelled`, `io`, or what `output` threw. A tool that ended
    /// with an exit code or by a limit is no error here.
    func run(
        _ arguments: [String], descriptors: [CInt], limits: ToolLimits, doing: String,
        output: @escaping @Sendable (UnsafeRawBufferPointer) throws(MediaError) -> Void
    ) async throws(MediaError) -> End {
        try await withOwnThread(name) { signal throws(MediaError) in
            let child = try ToolChild(
                program: program, arguments: arguments, descriptors: descriptors, limits: limits, doing: doing,
                name: name)
            return try child.watch(cancelledBy: signal, limits: limits, output: output)
        }
    }

    /// Runs ffmpeg so that it says how far it is. Killed is also one that works and comes no further: what a hostile file
    /// makes of a loop would else take its time until the deadline.
    ///
    /// Throws as ``run(_:descriptors:limits:doing:output:)`` does.
    func run(
        _ arguments: [String], descriptors: [CInt], limits: ToolLimits, doing: String, progress: LastProgress
    ) async throws(MediaError) -> End {
        try await withOwnThread(name) { signal throws(MediaError) in
            let child = try ToolChild(
                program: program, arguments: LastProgress.options + arguments, descriptors: descriptors, limits: limits,
                doing: doing, name: name)
            return try child.watch(cancelledBy: signal, limits: limits, progress: progress) { progress.take($0) }
        }
    }
}
