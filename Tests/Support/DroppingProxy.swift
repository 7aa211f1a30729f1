internal import CLinux
internal import Glibc
package import Postgres
internal import Synchronization

/// A way to a scratch database that breaks just where a COMMIT goes over it.
package final class DroppingProxy: Sendable {
    package enum Moment: Sendable {
        /// The server never hears of the COMMIT.
        case beforeForwarding
        /// The server carries it out, and its answer is lost.
        case afterForwarding
    }

    private struct State {
        var armed: [Moment] = []
        var drops = 0
        var open: Set<CInt> = []
        var isOver = false
    }

    private let directory: String
    private let upstream: String
    private let listener: CInt
    private let state = Mutex(State())

    /// A proxy to a cluster.
    package init(to cluster: ScratchCluster) throws {
        directory = "/tmp/takeup-proxy-\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 36))"
        upstream = cluster.directory + "/.s.PGSQL.5432"
        guard mkdir(directory, 0o755) == 0 else { throw ChildProcess.Failure(description: "no directory for a proxy") }
        listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let path = directory + "/.s.PGSQL.5432"
        let bound = DroppingProxy.withAddress(of: path) { bind(listener, $0, $1) }
        guard bound == 0, listen(listener, 16) == 0 else {
            throw ChildProcess.Failure(description: "no socket for a proxy")
        }
        DroppingProxy.onThread { [self] in accept() }
    }

    /// Closes everything that goes over it.
    package func stop() {
        let open = state.withLock { state in
            state.isOver = true
            return state.open
        }
        for descriptor in open { shutdown(descriptor, CInt(SHUT_RDWR)) }
        shutdown(listener, CInt(SHUT_RDWR))
        unlink(directory + "/.s.PGSQL.5432")
        rmdir(directory)
    }

    /// The way over the proxy to a database of the cluster.
    package func settings(for database: ScratchDatabase) -> ConnectionSettings {
        ConnectionSettings(
            connectionString: "host=\(directory) dbname=\(database.name) user=postgres", applicationName: "takeup test",
            label: "scratch through a proxy")
    }

    /// From now on nobody gets in; those who are in stay.
    package func refuseConnections() { unlink(directory + "/.s.PGSQL.5432") }

    /// The next COMMIT breaks; each call adds one more.
    package func breakNextCommit(_ moment: Moment) { state.withLock { $0.armed.append(moment) } }

    /// How many were broken.
    package var dropCount: Int { state.withLock { $0.drops } }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            if client < 0 {
                if errno == EINTR { continue }
                close(listener)
                return
            }
            DroppingProxy.onThread { [self] in serve(client) }
        }
    }

    private func serve(_ client: CInt) {
        let server = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let isOver = state.withLock { state in
            state.open.formUnion([client, server])
            return state.isOver
        }
        if !isOver, DroppingProxy.withAddress(of: upstream, { connect(server, $0, $1) }) == 0 {
            relay(client, server)
        }
        state.withLock { $0.open.subtract([client, server]) }
        close(client)
        close(server)
    }

    /// Passes bytes on in both directions until one side ends, or a COMMIT is to be broken.
    private func relay(_ client: CInt, _ server: CInt) {
        var losesAnswer = false
        while true {
            var waits = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            while poll(&waits, 2, -1) < 0 && errno == EINTR {}
            if waits[0].revents != 0 {
                guard let bytes = DroppingProxy.receive(client) else { return }
                switch moment(for: bytes) {
                case .beforeForwarding: return
                case .afterForwarding: losesAnswer = true
                case nil: break
                }
                guard DroppingProxy.send(bytes, to: server) else { return }
            }
            if waits[1].revents != 0 {
                guard let bytes = DroppingProxy.receive(server), !losesAnswer else { return }
                guard DroppingProxy.send(bytes, to: client) else { return }
            }
        }
    }

    private func moment(for bytes: [UInt8]) -> Moment? {
        // The statement's text ends with a zero in every message that holds one.
        guard bytes.firstRange(of: Array("commit".utf8) + [0]) != nil else { return nil }
        return state.withLock { state in
            guard !state.armed.isEmpty else { return nil }
            state.drops += 1
            return state.armed.removeFirst()
        }
    }

    private static func receive(_ descriptor: CInt) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    private static func send(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func withAddress(of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func onThread(_ work: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Work(work))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        precondition(failed == 0, "a thread for a proxy could not be made")
        pthread_detach(thread)
    }

    private final class Work: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
