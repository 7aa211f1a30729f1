internal import Glibc
internal import Synchronization

/// A service manager's end of sd_notify(3): what a process that a test starts tells it, and when.
package final class NotifySocket: Sendable {
    private let descriptor: CInt
    private let name: String
    private let heard = Mutex<[(at: ContinuousClock.Instant, text: String)]>([])

    package init() throws {
        name = "takeup-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A name in the abstract space: a zero byte in front, no file.
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in name.utf8.enumerated() { path[index + 1] = byte }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard descriptor >= 0, bound == 0 else {
            throw ChildProcess.Failure(description: "no socket to be notified at")
        }
    }

    deinit { close(descriptor) }

    /// What stands before a command whose process is to tell this socket.
    /// - Parameter watchdog: in microseconds.
    package func entering(watchdog: Int) -> [String] {
        ["/usr/bin/env", "NOTIFY_SOCKET=@\(name)", "WATCHDOG_USEC=\(watchdog)"]
    }

    /// Takes in what has come, for as long as the task runs.
    package func listen() async {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !Task.isCancelled {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                let text = String(decoding: buffer.prefix(count), as: UTF8.self)
                heard.withLock { $0.append((.now, text)) }
            } else {
                try? await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    package func times(of text: String) -> [ContinuousClock.Instant] {
        heard.withLock { $0.filter { $0.text.contains(text) }.map(\.at) }
    }
}
