internal import Glibc
internal import Support

/// What is copied: files of sizes as recorders make them, in folders of days, of bytes that nothing can compress.
struct CopyLoad: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        /// Many short calls.
        case small
        /// Calls, and some screens.
        case mixed
        /// Long screens.
        case large
    }

    let kind: Kind
    /// Paths below the source.
    let files: [(path: String, bytes: Int)]

    var bytes: Int { files.reduce(0) { $0 + $1.bytes } }
    var words: String { "\(kind.rawValue): \(files.count) files, \(bytes / 1_000_000) MB" }

    /// - Parameter share: of the whole load, above 0 and up to 1; no bar holds below 1.
    init(_ kind: Kind, share: Double) {
        self.kind = kind
        func some(_ count: Int, _ bytes: Int, _ ending: String) -> [(path: String, bytes: Int)] {
            let count = max(1, Int(Double(count) * share))
            return (0..<count).map { ("202611\(10 + $0 % 10)/file-\($0).\(ending)", bytes) }
        }
        switch kind {
        case .small: files = some(10_000, 200 << 10, "mp3")
        case .mixed: files = some(400, 480 << 10, "mp3") + some(100, 8 << 20, "mp4")
        case .large: files = some(5, 200 << 20, "mp4")
        }
    }

    /// Leaves all of it in the cache, as what was just recorded is.
    func write(to directory: String) throws {
        for day in Set(files.map { String($0.path.prefix(8)) }) {
            try ChildProcess.run(["/bin/mkdir", "-p", directory + "/" + day])
        }
        var random = SystemRandomNumberGenerator()
        var block = (0..<(1 << 17)).map { _ in random.next() }
        for (number, file) in files.enumerated() {
            let descriptor = open(directory + "/" + file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw BenchFailure(description: "\(file.path) cannot be made") }
            defer { close(descriptor) }
            // No two files alike.
            block[0] = UInt64(number)
            var left = file.bytes
            while left > 0 {
                let count = block.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, min(left, $0.count)) }
                guard count > 0 else { throw BenchFailure(description: "\(file.path) cannot be written") }
                left -= count
            }
        }
        sync()
    }
}
