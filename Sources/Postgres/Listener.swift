internal import CLibpq
internal import CLinux
internal import Glibc
internal import Vocabulary

/// What a listening connection has to say.
package enum ListenerEvent: Hashable, Sendable {
    /// Listening begins, or begins again: what was notified before is lost, so look.
    case connected
    /// The connection broke or could not be made; polling has to do until `connected`.
    case lost(String)
    case notified(channel: String, payload: String)
}

/// A connection that waits for notifications on channels, on a thread of its own. A notification is a hint, never the
/// truth: a half-dead connection says nothing, so it is asked for a sign of life every few seconds.
package final class Listener: Sendable {
    package let events: AsyncStream<[ListenerEvent]>
    private let continuation: AsyncStream<[ListenerEvent]>.Continuation
    private let stopDescriptor: CInt

    /// - Parameter pingInterval: the longest silence before the connection is tested.
    package init(_ settings: ConnectionSettings, channels: [String], pingInterval: Duration = .seconds(5)) {
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000))
        stopDescriptor = eventfd(0, CInt(EFD_CLOEXEC))
        let work = Work(
            settings: settings, channels: channels, pingInterval: pingInterval, continuation: continuation,
            stopDescriptor: dup(stopDescriptor))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                takeup_name_thread("db-listen")
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(work).toOpaque())
        precondition(failed == 0, "a thread for notifications could not be made")
        pthread_detach(thread)
    }

    deinit {
        stop()
        close(stopDescriptor)
    }

    /// Ends the stream; the thread closes its connection.
    package func stop() { eventfd_write(stopDescriptor, 1) }

    private final class Work: @unchecked Sendable {
        let settings: ConnectionSettings
        let channels: [String]
        let pingInterval: Duration
        let continuation: AsyncStream<[ListenerEvent]>.Continuation
        /// Its own duplicate, closed when `run` ends.
        let stopDescriptor: CInt

        init(
            settings: ConnectionSettings, channels: [String], pingInterval: Duration,
            continuation: AsyncStream<[ListenerEvent]>.Continuation, stopDescriptor: CInt
        ) {
            self.settings = settings
            self.channels = channels
            self.pingInterval = pingInterval
            self.continuation = continuation
            self.stopDescriptor = stopDescriptor
        }

        func run() {
            var pause: CInt = 250
            while true {
                do {
                    let session = try Session(settings)
                    for channel in channels { try session.execute("listen \(channel)") }
                    continuation.yield([.connected])
                    pause = 250
                    guard try listen(on: session) else { break }
                } catch {
                    continuation.yield([.lost(String(describing: error))])
                    if wait(for: -1, milliseconds: pause) == .stopped { break }
                    pause = min(pause * 2, 5000)
                }
            }
            continuation.finish()
            close(stopDescriptor)
        }

        /// Returns false when stopped; throws when the connection broke.
        private func listen(on session: Session) throws -> Bool {
            while true {
                let arrived = try session.takeNotifications()
                if !arrived.isEmpty { continuation.yield(arrived) }
                switch wait(for: session.socket, milliseconds: CInt(pingInterval.wholeMilliseconds)) {
                case .stopped: return false
                case .readable: continue
                case .silent: try session.execute("select 1")
                }
            }
        }

        private enum Wakeup { case stopped, readable, silent }

        private func wait(for socket: CInt, milliseconds: CInt) -> Wakeup {
            var waits = [
                pollfd(fd: stopDescriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
            ]
            while poll(&waits, 2, milliseconds) < 0 && errno == EINTR {}
            if waits[0].revents != 0 { return .stopped }
            return waits[1].revents != 0 ? .readable : .silent
        }
    }
}
