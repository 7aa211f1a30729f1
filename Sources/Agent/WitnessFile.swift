internal import Glibc
package import Planning
package import Vocabulary

/// A small file on this host that remembers how many marks the ledger gave to a source: it does not go back in time with
/// the replay's database.
package struct WitnessFile: Sendable {
    private let directory: FilePath
    private let name: String

    /// - Parameter directory: of the service's own; made where it is not there.
    package init(directory: FilePath, replay: String, source: SourceName) {
        self.directory = directory
        name = "marks-\(replay)-\(source)"
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private var path: String { directory.appending(name).displayText }

    /// Nil where there is none yet.
    package func read() throws -> MarkWitness? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0 && errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw failure("read") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw failure("read") }
        let words = String(decoding: bytes[..<count], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 4, words[0] == "1", let marks = Int64(words[2]), let at = Int64(words[3]) else {
            throw Failure(
                description: "\(path) should say which marks were given, and does not; remove it once `takeup audit` "
                    + "has passed")
        }
        return MarkWitness(ledger: String(words[1]), marks: marks, at: Instant(microseconds: at))
    }

    /// Durable when it returns: whole, or the one before.
    package func write(_ witness: MarkWitness) throws {
        mkdir(directory.displayText, 0o750)
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { throw failure("write") }
        let text = Array("1 \(witness.ledger) \(witness.marks) \(witness.at.microseconds)\n".utf8)
        let isWritten = Glibc.write(descriptor, text, text.count) == text.count && fsync(descriptor) == 0
        let problem = errno
        close(descriptor)
        errno = problem
        guard isWritten, rename(draft, path) == 0 else { throw failure("write") }
        let parent = open(directory.displayText, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { throw failure("write") }
        defer { close(parent) }
        guard fsync(parent) == 0 else { throw failure("write") }
    }

    private func failure(_ doing: String) -> Failure {
        Failure(
            description:
                "\(doing) \(path), which remembers the marks that were given: \(String(cString: strerror(errno)))"
        )
    }
}
