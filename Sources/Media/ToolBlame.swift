internal import Glibc

extension GuardedTool.End {
    /// Whose doing it is that a tool failed, or complained. Only what it said of the media tells of damage.
    enum Blame: Hashable, Sendable {
        /// It named what is wrong with what it read.
        case media
        /// It lacked memory, threads or a file's bytes, or was ended from outside: nothing is known of the media.
        case host
        /// It crashed, or used up what it may: the media may be why.
        case kill
        /// It ended with an error that names nothing of the media.
        case tool
    }

    var blame: Blame {
        if let signal {
            return Self.fromOutside.contains(CInt(signal)) && !isOutOfProcessorTime ? .host : .kill
        }
        if isOutOfProcessorTime && !isSuccess { return .kill }
        if namesHost { return .host }
        if complaint.allSatisfy(\.isWhitespace) { return exitCode == Int(Self.endedBySignal) ? .host : .tool }
        // Before a program's own first step: a shell's, or the loader's.
        return exitCode == 126 || exitCode == 127 ? .tool : .media
    }

    /// A failure as an error: `media` where that is what it tells of.
    func failure(_ media: MediaError.Code, doing: String, tool: String) -> MediaError {
        let code: MediaError.Code =
            switch blame {
            case .media: media
            case .host: .toolStarved
            case .kill: .toolKilled
            case .tool: .toolFailed
            }
        return MediaError(code, doing: doing, reason: "\(tool): \(text)")
    }

    private static let fromOutside: Set<CInt> = [SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE]
    /// Of ffmpeg, which ends by itself when a signal asks it to, also by the one that its processor time is used up.
    static let endedBySignal: CInt = 255

    /// What the C library says where the host refuses something, in the language that tools are run in, and what tools and
    /// the loader say themselves.
    private static let hostWords = [
        "cannot allocate memory", "resource temporarily unavailable", "too many open files", "input/output error",
        "stale file handle", "no space left on device", "disk quota exceeded", "connection timed out", "host is down",
        "permission denied", "bad file descriptor", "file too large", "no buffer space available",
        "transport endpoint is not connected", "not allocate ", "t reallocate ", "failed to alloc", "unable to alloc",
        "error allocating", "allocation fail", "malloc", "get_buffer() failed", "out of memory", "memory exhausted",
        "failed to map segment", "pthread_create", "remote i/o error", "structure needs cleaning",
    ]

    /// Also where it complained of the media as well, as that may follow from it.
    private var namesHost: Bool {
        let text = complaint.lowercased()
        return Self.hostWords.contains { text.contains($0) }
    }
}
