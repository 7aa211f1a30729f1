import Glibc
import Support
import Testing
import Vocabulary

@testable import Muxer

@Suite struct WorkerDirectoryTests {
    private func parent() throws -> String {
        var pattern = Array("/tmp/takeup-workers-XXXXXX".utf8CString)
        try #require(mkdtemp(&pattern) != nil)
        return String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func entries(_ path: String) throws -> Int {
        try ChildProcess.run(["/bin/ls", path]).split(separator: "\n").count
    }

    @Test func `two workers with one temp_dir have a directory each, which goes away with them`() throws {
        let parent = try parent()
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", parent]) }
        var one: WorkerDirectory? = try WorkerDirectory(below: FilePath(parent))
        let other = try WorkerDirectory(below: FilePath(parent))
        #expect(one?.path != other.path)
        #expect(try entries(parent) == 2)
        mkdir((one?.path.displayText ?? "") + "/job", 0o700)
        one = nil
        #expect(try entries(parent) == 1)
        withExtendedLifetime(other) {}
    }

    @Test func `what a killed worker left is removed by the next one, and nothing else`() throws {
        let parent = try parent()
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", parent]) }
        let living = try WorkerDirectory(below: FilePath(parent))
        for name in ["takeup-mux-dead00", "takeup-mux-made-now", "theirs"] {
            mkdir("\(parent)/\(name)", 0o700)
        }
        // As a killed worker leaves it: a lock that nobody holds, and a file of a job.
        try writeSample([], to: "\(parent)/takeup-mux-dead00/lock")
        mkdir("\(parent)/takeup-mux-dead00/job-1-x", 0o700)
        try writeSample([1], to: "\(parent)/takeup-mux-dead00/job-1-x/clear-0")
        let next = try WorkerDirectory(below: FilePath(parent))
        #expect(access("\(parent)/takeup-mux-dead00", F_OK) != 0)
        // One without a lock may be on its way.
        for path in [living.path.displayText, "\(parent)/takeup-mux-made-now", "\(parent)/theirs"] {
            #expect(access(path, F_OK) == 0)
        }
        withExtendedLifetime((living, next)) {}
    }

    @Test func `workers that start at one moment take no directory of each other`() async throws {
        let parent = try parent()
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", parent]) }
        try await withThrowingTaskGroup(of: [WorkerDirectory].self) { group in
            for _ in 0..<8 {
                group.addTask { try (0..<40).map { _ in try WorkerDirectory(below: FilePath(parent)) } }
            }
            for try await made in group {
                for one in made { #expect(access(one.path.appending("lock").cPath, F_OK) == 0) }
            }
        }
    }

    @Test func `a directory that is not there is named`() {
        #expect(throws: WorkerDirectory.Unusable.self) { try WorkerDirectory(below: FilePath("/nowhere")) }
    }
}
