package import Planning
package import Vocabulary

extension Container {
    /// Checks an open regular file. Reads headers only, by pread(2); blocks, so call it where a hanging mount may.
    ///
    /// `name` and `isEncrypted` (the row has a key) help to tell the format. Throws ``MediaError`` `io`.
    package static func check(
        _ descriptor: CInt, name: FilePath, isEncrypted: Bool = false
    ) throws(MediaError) -> Wholeness {
        let doing = "check whether a file is whole"
        guard let size = try regularSize(of: descriptor, doing: doing) else { return .unknown }
        func read(_ offset: Int64, _ count: Int) throws(MediaError) -> [UInt8] {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            defer { buffer.deallocate() }
            let got = try readFully(descriptor, into: buffer, at: offset, doing: doing)
            return Array(buffer[..<got])
        }
        guard size > 0 else { return .broken(.empty) }
        let format = ContainerFormat(name: name, firstBytes: try read(0, 16), isEncrypted: isEncrypted)
        guard let format else { return .unknown }
        return try check(format, size: size, read: read)
    }
}
