internal import CLinux
internal import Glibc

/// SIGTERM and SIGINT as one call of a closure, on a thread of its own. A second signal ends the process at once.
enum StopSignals {
    /// Blocks the signals for this thread and all that it will start, so call it before any other thread is there.
    static func onStop(_ stop: @escaping @Sendable () -> Void) {
        signal(SIGPIPE, SIG_IGN)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let box = Unmanaged.passRetained(Waiter(signals: signals, stop: stop))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                takeup_name_thread("signals")
                Unmanaged<Waiter>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        precondition(failed == 0, "a thread for signals could not be made")
        pthread_detach(thread)
    }

    private final class Waiter {
        var signals: sigset_t
        let stop: @Sendable () -> Void
        init(signals: sigset_t, stop: @escaping @Sendable () -> Void) {
            self.signals = signals
            self.stop = stop
        }

        func run() {
            var number: CInt = 0
            sigwait(&signals, &number)
            stop()
            sigwait(&signals, &number)
            _exit(128 + number)
        }
    }
}
