internal import Glibc

/// A server on loopback that takes connections and never answers: as a machine whose database hangs.
package final class SilentServer: Sendable {
    private let listener: CInt
    package let port: Int

    package init() throws {
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isBound else { throw ChildProcess.Failure(description: "no port to be silent on: errno \(errno)") }
        // Connections wait in the kernel's queue: it answers for the server, which never takes one.
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    package func stop() { close(listener) }
}
