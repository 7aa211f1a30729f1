internal import CLibcurl
internal import CLinux
internal import Glibc
internal import Synchronization
package import Vocabulary

/// Requests over libcurl. Certificates and host names are checked, redirects are answers and not followed, no proxy of
/// the environment is used, and user names go only to the origins that they were given for.
///
/// Each request has a thread of its own while it runs; handles, and with them connections, are used again.
package final class HTTPClient: Sendable {
    /// Takes the body of a success piece by piece, on the request's thread. False ends the request.
    package typealias Sink = @Sendable (UnsafeRawBufferPointer) -> Bool

    package struct Login: Sendable {
        let user: String
        let password: @Sendable () -> String

        /// The password is asked for when it is needed, so that this value cannot be printed with it.
        package init(user: String, password: @escaping @Sendable () -> String) {
            self.user = user
            self.password = password
        }
    }

    private let logins: [Origin: Login]
    private let authorities: FilePath?
    private let idle = Mutex<[Handle]>([])
    /// Handles that are kept for later.
    private static let mostIdle = 16

    /// `authorities` is a PEM file of certificate authorities to trust; nil means the system's.
    package init(logins: [Origin: Login] = [:], authorities: FilePath? = nil) {
        _ = HTTPClient.library
        self.logins = logins
        self.authorities = authorities
    }

    private static let library: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// - Parameters:
    ///   - doing: what the request is for, for texts: "ask RWS for its version".
    ///   - sink: takes the body of a success; without one it is in the answer.
    /// - Throws: ``HTTPFailure``.
    package func send(_ request: HTTPRequest, doing: String, into sink: Sink? = nil)
        async throws(HTTPFailure) -> HTTPAnswer
    {
        let doing = "\(doing) at \(request.address.origin)"
        let login = logins[request.address.origin]
        let handle = idle.withLock { $0.popLast() } ?? Handle()
        let cancelled = CancelFlag()
        let result: Result<HTTPAnswer, HTTPFailure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                RequestThread {
                    let transfer = Transfer(request, doing: doing, sink: sink, cancelled: cancelled)
                    continuation.resume(
                        returning: transfer.perform(on: handle, login: login, authorities: self.authorities))
                }.start()
            }
        } onCancel: {
            cancelled.set()
        }
        idle.withLock { if $0.count < HTTPClient.mostIdle { $0.append(handle) } }
        return try result.get()
    }
}

/// A handle of libcurl with its connections, used by one request at a time.
final class Handle: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    init() {
        guard let pointer = curl_easy_init() else {
            preconditionFailure("there is no memory for a request")
        }
        self.pointer = pointer
    }

    deinit { curl_easy_cleanup(pointer) }
}

final class CancelFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
}

/// A detached thread that runs a body once.
private final class RequestThread {
    private let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    func start() {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let failed = pthread_create(
            &thread, nil,
            { argument in
                takeup_name_thread("takeup-http")
                if let argument { Unmanaged<RequestThread>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, argument.toOpaque())
        if failed == 0 {
            pthread_detach(thread)
        } else {
            // Without threads nothing goes on; this one waits, and the process does what it can.
            argument.takeRetainedValue().body()
        }
    }
}
