internal import Glibc

/// Pages of nothing but zeros.
enum BlankPages {
    private static let page = 4096
    /// Of a last page that is not full, fewer zeros than these say nothing.
    private static let shortest = 512
    private static let zeros = [UInt8](repeating: 0, count: page)

    /// - Parameter bytes: a part of a file that begins at a page.
    static func areIn(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        return zeros.withUnsafeBytes { zeros in
            guard let nothing = zeros.baseAddress else { return false }
            return stride(from: 0, to: bytes.count, by: page).contains { offset in
                let count = min(page, bytes.count - offset)
                // Mostly the first byte says no.
                return count >= shortest && bytes[offset] == 0 && memcmp(base + offset, nothing, count) == 0
            }
        }
    }
}
