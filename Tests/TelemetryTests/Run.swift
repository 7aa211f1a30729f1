import Glibc
import Testing
import Vocabulary

/// Runs a shell command; what it writes to both outputs, and its exit code.
func run(_ command: String) throws -> (output: String, code: CInt) {
    let pipe = try #require(popen("exec 2>&1; \(command)", "re"))
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&block, 1, block.count, pipe)
        if count == 0 { break }
        bytes += block[..<count]
    }
    let status = pclose(pipe)
    return (String(decoding: bytes, as: UTF8.self), status & 0x7F == 0 ? (status >> 8) & 0xFF : -1)
}

/// A directory that is removed when the body is over.
func withScratchDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    var template = Array("/tmp/takeup-telemetry-XXXXXX".utf8CString)
    let made = try #require(mkdtemp(&template))
    let directory = String(cString: made)
    defer { _ = try? run("rm -rf '\(directory)'") }
    return try body(directory)
}

/// The root of this package.
var packageDirectory: String { FilePath(#filePath).parent.parent.parent.displayText }

func contents(of path: String) throws -> String {
    let file = try #require(fopen(path, "re"), "\(path)")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&block, 1, block.count, file)
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += block[..<count]
    }
}

func write(_ text: String, to path: String) throws {
    let file = try #require(fopen(path, "we"), "\(path)")
    let bytes = Array(text.utf8)
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    #expect(fclose(file) == 0)
}
