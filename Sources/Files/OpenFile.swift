internal import Glibc
internal import Synchronization

/// An open descriptor with one owner. ``close()`` reports what the kernel says, such as a write error it had put off;
/// `deinit` only stops a leak.
package struct OpenFile: ~Copyable, Sendable {
    package let descriptor: CInt

    /// Takes over a descriptor that nobody else closes.
    package init(owning descriptor: CInt) { self.descriptor = descriptor }

    /// Never tried again, also after EINTR: Linux has let go of the descriptor either way (close(2)).
    package consuming func close() throws(FileError) {
        let failed = Glibc.close(descriptor) != 0
        let number = errno
        discard self
        if failed { throw FileError(.close, number: number) }
    }

    deinit { _ = Glibc.close(descriptor) }
}

/// An open file that several steps share. It is closed when told so, or when the last holder lets go: a result that
/// comes too late for its caller closes itself.
package final class HeldFile: Sendable {
    /// Valid until ``close(with:)``.
    package let descriptor: CInt
    private let file: Mutex<OpenFile?>

    package init(_ file: consuming OpenFile) {
        descriptor = file.descriptor
        self.file = Mutex(file)
    }

    /// Closes and reports. A second time does nothing.
    package func close(with calls: any FileCalls) throws(FileError) {
        guard let file = file.withLock({ $0.take() }) else { return }
        try calls.close(file)
    }
}
