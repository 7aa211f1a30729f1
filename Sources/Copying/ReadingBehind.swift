internal import CLinux
internal import Files
internal import Glibc
internal import Synchronization
internal import Vocabulary

/// Reads a long staged file back while the rest of it is still written, on a thread of its own: the disk gives back one
/// part while the cores digest the next. A part is made durable before it is read, read past the cache, and proven not to
/// be in it: a file system may go through it all the same (ext4 with `data=journal`, btrfs with compression).
///
/// Whoever has one calls ``finish(at:)`` or ``abandon()``; both wait until the thread has let go of the file.
final class ReadingBehind: Sendable {
    private struct State {
        /// Bytes from the beginning on that are written.
        var written: Int64 = 0
        var isLast = false
        var isAbandoned = false
        var outcome: Result<StreamDigests, CopyError>?
    }

    private let session: CopySession
    private let file: HeldFile
    private let direct: HeldFile
    private let workspaces: Workspaces
    private let pulse: Pulse
    private let state = Mutex(State())
    private let wakes = Signal()
    private let ends = Signal()

    /// - Parameters:
    ///   - file: what is written through.
    ///   - direct: the same file, read past the cache.
    ///   - pulse: of the writing, which shows the life of both.
    init(
        _ file: HeldFile, direct: HeldFile, session: CopySession, workspaces: Workspaces, pulse: Pulse
    ) throws(CopyError) {
        self.file = file
        self.direct = direct
        self.session = session
        self.workspaces = workspaces
        self.pulse = pulse
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let reading = Unmanaged<ReadingBehind>.fromOpaque(argument).takeRetainedValue()
                takeup_name_thread("read-behind")
                reading.run()
                return nil
            }, argument.toOpaque())
        if failed != 0 {
            argument.release()
            throw CopyError(.exhausted, at: .copy, detail: "there is no thread to read it back")
        }
        pthread_detach(thread)
    }

    /// What was written did not go past the cache, or stays in it: whoever reads the whole file back decides on that.
    static let cached = CopyError(.inputOutput, at: .verify, detail: "its pages stay in the cache")

    /// More is written: to `end`, a multiple of ``KernelFiles/directUnit``.
    func add(to end: Int64) {
        state.withLock { $0.written = end }
        wakes.give()
    }

    /// All is written, and nothing of the file changes any more.
    func finish(at end: Int64) throws(CopyError) -> StreamDigests {
        state.withLock {
            $0.written = end
            $0.isLast = true
        }
        wakes.give()
        ends.take()
        guard let outcome = state.withLock({ $0.outcome }) else { preconditionFailure("it ended with an outcome") }
        return try outcome.get()
    }

    func abandon() {
        state.withLock { $0.isAbandoned = true }
        wakes.give()
        ends.take()
    }

    private func run() {
        let outcome = Result { () throws(CopyError) in try workspaces.with(readParts) }
        state.withLock { $0.outcome = outcome }
        try? direct.close(with: session.calls)
        ends.give()
    }

    private func readParts(_ workspace: Workspace) throws(CopyError) -> StreamDigests {
        workspace.hash.begin(digest: false, crc32: false)
        var offset: Int64 = 0
        while true {
            wakes.take()
            let now = state.withLock { $0 }
            if now.isAbandoned { throw CopyError(.cancelled, at: .verify) }
            if now.written > offset || now.isLast {
                // Never tried again: the kernel drops what it could not write and then calls it clean.
                try session.attempt(.sync) { () throws(FileError) in try session.calls.syncFile(file.descriptor) }
                guard try session.dropsCache(of: file, min(offset, now.written)..<now.written) else {
                    throw ReadingBehind.cached
                }
                offset = try read(from: offset, to: now.written, workspace)
            }
            if now.isLast { return workspace.hash.finish() }
        }
    }

    /// Where the next part begins.
    private func read(from start: Int64, to end: Int64, _ workspace: Workspace) throws(CopyError) -> Int64 {
        var offset = start
        while offset < end {
            try beat(pulse, .verify)
            // Beyond the part lies what is not durable yet; an odd end is the file's, where reading stops by itself.
            let unit = Int64(KernelFiles.directUnit)
            let wanted = min(Int64(workspace.block.count), (end - offset + unit - 1) / unit * unit)
            let part = UnsafeMutableRawBufferPointer(rebasing: workspace.block[..<Int(wanted)])
            let at = offset
            let count = try session.attempt(.verify) { () throws(FileError) in
                try uninterrupted { () throws(FileError) in
                    try session.calls.read(direct.descriptor, into: part, at: at)
                }
            }
            if count == 0 { break }
            workspace.hash.add(UnsafeRawBufferPointer(rebasing: part[..<count]))
            offset += Int64(count)
        }
        return offset
    }
}

/// A counting semaphore (sem_overview(7)).
private final class Signal: Sendable {
    private nonisolated(unsafe) let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func give() { sem_post(semaphore) }
    func take() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
}
