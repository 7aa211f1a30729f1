internal import Glibc
internal import Reporting
internal import Synchronization

extension Terminal {
    /// Whether standard output is a terminal that takes colours (no-color.org).
    static var isColoured: Bool { isScreen && (getenv("NO_COLOR").map { $0[0] == 0 } ?? true) }

    static var isScreen: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Columns and lines; nil where standard output is no terminal.
    static var size: (columns: Int, lines: Int)? {
        var size = winsize()
        guard isScreen, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 1 else {
            return nil
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    static func show(_ lines: [ScreenLine]) {
        let isColoured = isColoured
        say(lines.map { $0.text(isColoured: isColoured) }.joined(separator: "\n"))
    }

    /// Without a line feed of its own.
    static func put(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// A screen that is drawn until the process is told to end, and leaves the terminal as it was then.
final class TerminalLoop: Sendable {
    private struct State {
        var screen = LiveScreen()
        var hasBegun = false
    }
    private let state = Mutex(State())

    init() {
        StopSignals.onStop { [loop = self] in loop.leave() }
    }

    func draw(_ lines: [ScreenLine]) {
        let size = Terminal.size
        let isColoured = Terminal.isColoured
        let fitting = lines.prefix(size.map { $0.lines - 1 } ?? lines.count).map { line in
            (size.map { line.clipped(to: $0.columns) } ?? line).text(isColoured: isColoured)
        }
        state.withLock { state in
            let begin = state.hasBegun ? "" : LiveScreen.begin
            state.hasBegun = true
            Terminal.put(begin + state.screen.frame(fitting))
        }
    }

    /// Ends the process: a look at a database that hangs must not hold up Ctrl-C.
    private func leave() {
        state.withLock { state in
            if state.hasBegun { Terminal.put(LiveScreen.end) }
            _exit(EXIT_SUCCESS)
        }
    }
}
