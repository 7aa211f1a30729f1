internal import Glibc
internal import Support

/// What systemd would hear of a service: the socket of sd_notify(3).
final class NotifySocket: Sendable {
    let path: String
    private let descriptor: CInt

    init(in directory: String) throws {
        path = directory + "/notify"
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        guard descriptor >= 0, name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw BenchFailure(description: "no socket at \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        unlink(path)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
        }
        guard isBound else { throw BenchFailure(description: "bind \(path): errno \(errno)") }
    }

    /// Who writes to it afterwards is refused, and goes on.
    deinit { close(descriptor) }

    /// Blocks until READY=1 comes. Throws after a minute.
    func waitForReady() throws {
        let end = ContinuousClock.now + .seconds(60)
        var buffer = [UInt8](repeating: 0, count: 4096)
        while ContinuousClock.now < end {
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 1000) > 0 else { continue }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { continue }
            if String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").contains("READY=1") { return }
        }
        throw BenchFailure(description: "the agent does not become ready")
    }
}
