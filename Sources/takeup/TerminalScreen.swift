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

/// A screen that is drawn until the process ends. Whatever ends it leaves the terminal as it was.
final class TerminalLoop: Sendable {
    private let screen = Mutex(LiveScreen())

    init() {
        StopSignals.onStop { [screen = self] in screen.leave() }
        Terminal.put(LiveScreen.begin)
    }

    func draw(_ lines: [ScreenLine]) {
        let size = Terminal.size
        let isColoured = Terminal.isColoured
        let fitting = lines.prefix(size.map { $0.lines - 1 } ?? lines.count).map { line in
            (size.map { line.clipped(to: $0.columns) } ?? line).text(isColoured: isColoured)
        }
        screen.withLock { Terminal.put($0.frame(fitting)) }
    }

    /// Ends the process: a look at a database that hangs must not hold up Ctrl-C.
    private func leave() {
        screen.withLock { _ in
            Terminal.put(LiveScreen.end)
            _exit(EXIT_SUCCESS)
        }
    }
}
