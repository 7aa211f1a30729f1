import Glibc
import Support
import Testing
import Vocabulary

@testable import Watching

/// A directory of a test's own, removed with all in it at the end.
final class Scratch: Sendable {
    let path: String

    /// - Parameter base: `/tmp` for a disk's file system, `/dev/shm` for tmpfs.
    init(in base: String = "/tmp") throws {
        path = base + "/takeup-watch-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        try makeDirectory("")
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", path]) }

    func at(_ name: String) -> String { name.isEmpty ? path : path + "/" + name }

    func makeDirectory(_ name: String) throws {
        guard mkdir(at(name), 0o755) == 0 else { throw Failed(doing: "mkdir", code: errno) }
    }

    /// Makes a file, or opens it again, and closes it after writing.
    func write(_ name: String, _ text: String = "x") throws {
        let descriptor = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failed(doing: "open", code: errno) }
        let bytes = Array(text.utf8)
        let written = Glibc.write(descriptor, bytes, bytes.count)
        guard close(descriptor) == 0, written == bytes.count else { throw Failed(doing: "write", code: errno) }
    }

    /// The same with a name that need not be text.
    func write(bytes name: [UInt8]) throws {
        let whole = (Array((path + "/").utf8) + name + [0]).map { CChar(bitPattern: $0) }
        let descriptor = open(whole, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failed(doing: "open", code: errno) }
        close(descriptor)
    }

    func move(_ name: String, to other: String) throws {
        guard rename(at(name), at(other)) == 0 else { throw Failed(doing: "rename", code: errno) }
    }

    func remove(_ name: String) throws {
        guard Glibc.remove(at(name)) == 0 else { throw Failed(doing: "remove", code: errno) }
    }

    func link(_ name: String, to target: String) throws {
        guard symlink(target, at(name)) == 0 else { throw Failed(doing: "symlink", code: errno) }
    }
}

struct Failed: Error {
    let doing: String
    let code: Int32
}

/// Waits until a condition holds; false when it does not within the time.
func waitUntil(atMost span: Duration = .seconds(60), _ condition: @Sendable () async throws -> Bool) async rethrows
    -> Bool
{
    let end = ContinuousClock.now + span
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(3))
    }
    return try await condition()
}
