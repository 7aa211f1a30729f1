internal import CLinux
internal import Glibc
internal import Synchronization

/// Told once that a job is no longer wanted.
final class CancelSignal: Sendable {
    private let state = Mutex<(isSet: Bool, onCancel: (@Sendable () -> Void)?)>((false, nil))

    var isSet: Bool { state.withLock { $0.isSet } }

    func set() {
        // Under the lock, so that nothing runs once it has been taken back: it may use a descriptor that is closed then.
        state.withLock { state in
            state.isSet = true
            state.onCancel?()
        }
    }

    /// `action` runs at that moment, or at once if it has already come; nil takes it back. It must be short, and must
    /// not come back here.
    func whenSet(_ action: (@Sendable () -> Void)?) {
        state.withLock { state in
            state.onCancel = action
            if state.isSet { action?() }
        }
    }
}

/// Runs blocking work on a new thread, which ends with it, so that the cooperative pool never waits.
///
/// A thread of its own also because a guarded child dies with the thread that started it. Cancelling the task sets the
/// signal; the work has to look at it.
func withOwnThread<Value: Sendable>(
    _ name: String, _ work: @escaping @Sendable (CancelSignal) throws(MediaError) -> Value
) async throws(MediaError) -> Value {
    let signal = CancelSignal()
    let result: Result<Value, MediaError> = await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
            let job = ThreadJob {
                takeup_name_thread(name)
                do throws(MediaError) {
                    continuation.resume(returning: .success(try work(signal)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if let number = job.start() {
                continuation.resume(
                    returning: .failure(.system("pthread_create", doing: "start a thread", number: number)))
            }
        }
    } onCancel: {
        signal.set()
    }
    return try result.get()
}

func onOwnThread<Value: Sendable>(
    _ name: String, _ work: @escaping @Sendable (@escaping () -> Bool) throws(MediaError) -> Value
) async throws(MediaError) -> Value {
    try await withOwnThread(name) { signal throws(MediaError) in try work { signal.isSet } }
}

final class ThreadJob {
    private let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// Starts a detached thread that runs the body once. Returns the error number where none could be started.
    func start() -> CInt? {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let number = pthread_create(
            &thread, &attributes,
            { argument in
                if let argument { Unmanaged<ThreadJob>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, argument.toOpaque())
        if number != 0 { argument.release() }
        return number == 0 ? nil : number
    }
}
