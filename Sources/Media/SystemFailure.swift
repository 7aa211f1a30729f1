internal import Glibc

extension MediaError {
    /// The failure of the system call that has just returned; `number` is its errno.
    static func system(_ call: String, doing: String, number: CInt = errno) -> MediaError {
        MediaError(.io, doing: doing, reason: "\(call): \(text(ofErrno: number))")
    }

    private static func text(ofErrno number: CInt) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress, strerror_r(number, start, buffer.count) == 0 else {
                return "errno \(number)"
            }
            return String(cString: start)
        }
    }
}
