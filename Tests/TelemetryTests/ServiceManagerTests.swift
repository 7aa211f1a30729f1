import Glibc
import Synchronization
import Testing

@testable import Telemetry

@Suite(.serialized) struct ServiceManagerTests {
    @Test func `systemd is told in its words, each on one line`() {
        let told = Mutex<[String]>([])
        let manager = ServiceManager(watchdogInterval: nil) { text in told.withLock { $0.append(text) } }
        manager.ready(status: "3 waiting\noldest 2 s")
        manager.status("idle")
        manager.feedWatchdog()
        manager.extendTimeout(by: .seconds(30))
        manager.stopping(status: "finishing 2 copies")
        #expect(
            told.withLock { $0 } == [
                "READY=1\nSTATUS=3 waiting oldest 2 s", "STATUS=idle", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=30000000",
                "STOPPING=1\nSTATUS=finishing 2 copies",
            ])
    }

    /// The only test that sets these variables, which no other code of this process reads.
    @Test func `what is told arrives at the socket of the service manager`() throws {
        let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(listener >= 0)
        defer { close(listener) }
        let name = "takeup-test-\(getpid())"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A name in the abstract space: a zero byte in front, no file.
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in name.utf8.enumerated() { path[index + 1] = byte }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
        }
        try #require(bound == 0)
        setenv("NOTIFY_SOCKET", "@" + name, 1)
        setenv("WATCHDOG_USEC", "30000000", 1)
        defer {
            unsetenv("NOTIFY_SOCKET")
            unsetenv("WATCHDOG_USEC")
        }
        let manager = ServiceManager.ofProcess()
        #expect(manager.watchdogInterval == .seconds(30))
        manager.ready(status: "ready")
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(listener, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "READY=1\nSTATUS=ready")
    }

    @Test func `outside of systemd nothing is watched`() {
        let manager = ServiceManager.ofProcess()
        #expect(manager.watchdogInterval == nil)
        manager.feedWatchdog()
    }
}
