internal import Glibc
package import HTTP
internal import Planning
package import Vocabulary

/// Brings a medium of the site into a file.
package struct MediaFetch: Sendable {
    private let asking: Asking

    package init(asking: Asking) { self.asking = asking }

    /// - Parameter descriptor: written from its start on, by position; what stood behind the end is cut.
    /// - Throws: ``SiteError``. A medium of more than `mostBytes` is refused.
    package func fetch(
        _ address: HTTPAddress, into descriptor: CInt, mostBytes: Int64, doing: String
    ) async throws(SiteError) -> (byteCount: Int64, digest: Digest) {
        var stream = SHA256Stream()
        _ = try await asking.ask(
            .reads, doing: doing, isJSON: false,
            sink: {
                let fresh = SHA256Stream()
                stream = fresh
                return { piece in
                    guard write(piece, to: descriptor, at: fresh.byteCount) else { return false }
                    fresh.take(piece)
                    return true
                }
            },
            prepare: { _ throws(SiteError) in
                HTTPRequest("GET", address, patience: .transfer, mostBytes: mostBytes)
            })
        guard ftruncate(descriptor, off_t(stream.byteCount)) == 0 else {
            throw SiteError(.unavailable, doing: doing, message: String(cString: strerror(errno)))
        }
        return (stream.byteCount, stream.end())
    }
}

private func write(_ piece: UnsafeRawBufferPointer, to descriptor: CInt, at offset: Int64) -> Bool {
    var done = 0
    while done < piece.count {
        let count = pwrite(
            descriptor, piece.baseAddress! + done, piece.count - done, off_t(offset) + off_t(done))
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
    }
    return true
}
