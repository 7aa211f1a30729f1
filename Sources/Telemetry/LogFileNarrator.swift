internal import Glibc
package import Vocabulary

/// Tells a narrator, and a file that people read: one line an event.
///
/// The file is opened for each line, so that it can be moved away at any time. Where it can't be written, the other
/// narrator still is.
package struct LogFileNarrator: Narrator {
    private let first: any Narrator
    private let file: TextNarrator

    package init(_ first: any Narrator, path: FilePath, least: Priority = .info, now: @escaping @Sendable () -> Instant)
    {
        self.first = first
        let name = path.bytes.map { CChar(bitPattern: $0) } + [0]
        file = TextNarrator(least: least, isColoured: false, now: now) { line in
            let descriptor = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o640)
            guard descriptor >= 0 else { return }
            // One call a line, so that lines of several processes do not mix.
            _ = Array(line.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            close(descriptor)
        }
    }

    package func tell(_ entry: Entry) {
        first.tell(entry)
        file.tell(entry)
    }
}
