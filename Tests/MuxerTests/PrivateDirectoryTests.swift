import Files
import Glibc
import Support
import Testing
import Vocabulary

@testable import Muxer

@Suite struct PrivateDirectoryTests {
    /// A directory to work below; removed with all in it.
    private func withScratch(_ body: (FilePath) throws -> Void) throws {
        var pattern = Array("/tmp/takeup-muxer-XXXXXX".utf8CString)
        try #require(mkdtemp(&pattern) != nil)
        let path = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", path]) }
        try body(FilePath(path))
    }

    private func isThere(_ path: FilePath) -> Bool { access(path.displayText, F_OK) == 0 }

    @Test func `it is nobody else's, and goes with what is in it`() throws {
        try withScratch { parent in
            var inside: FilePath?
            do {
                let directory = try PrivateDirectory(below: parent, name: "1-7")
                let file = directory.path.appending("clear-AUDIO")
                try writeSample([1], to: file.displayText)
                var status = stat()
                #expect(stat(directory.path.displayText, &status) == 0 && status.st_mode & 0o777 == 0o700)
                inside = file
            }
            let gone = try #require(inside)
            #expect(!isThere(gone) && !isThere(gone.parent))
        }
    }

    @Test func `whether its file system is memory can be told`() {
        #expect(PrivateDirectory.fileSystem(of: FilePath("/dev/shm"))?.isMemory == true)
        #expect(PrivateDirectory.fileSystem(of: FilePath("/proc"))?.isMemory == false)
        #expect(PrivateDirectory.fileSystem(of: FilePath("/nowhere")) == nil)
    }

    @Test func `what a dead worker left goes, and what lives or is another's stays`() throws {
        try withScratch { parent in
            let dead = try ChildProcess(["/bin/true"])
            dead.wait()
            let own = try #require(PrivateDirectory.beginning(of: getpid()))
            let first = try #require(PrivateDirectory.beginning(of: 1))
            // In a container the dead one may have had our own number.
            let abandoned = ["job-\(dead.id)-\(own)-1-7", "job-\(getpid())-\(own - 1)-1-8"].map { parent.appending($0) }
            let staying = [
                "job-\(getpid())-\(own)-1-8", "job-1-\(first)-1-9", "job-abc-1-1-1", "other-\(dead.id)-1-1-1",
                "job-\(dead.id)-1",
            ].map { parent.appending($0) }
            for path in abandoned + staying {
                try #require(mkdir(path.displayText, 0o700) == 0)
                try writeSample([1], to: path.appending("clear").displayText)
            }
            PrivateDirectory.removeAbandoned(below: parent)
            #expect(abandoned.filter { isThere($0) } == [])
            #expect(staying.filter { !isThere($0.appending("clear")) } == [])
        }
    }

    @Test func `a name that is taken is refused`() throws {
        try withScratch { parent in
            let first = try PrivateDirectory(below: parent, name: "1-7")
            #expect(throws: (any Error).self) { _ = try PrivateDirectory(below: parent, name: "1-7") }
            #expect(isThere(first.path))
        }
    }
}
