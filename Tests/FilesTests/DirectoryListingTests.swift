import Files
import Support
import Testing
import Vocabulary

@Suite struct DirectoryListingTests {
    @Test func `names are listed as bytes with their kind, and leftovers of NFS are not`() async throws {
        try await ScratchDirectory.with { scratch in
            let odd: [UInt8] = [0xff, 0xfe, 10, 32, 0x7f]
            try scratch.write([1], to: FilePath(bytes: odd))
            try scratch.write([1], to: ".nfs000000001")
            try scratch.directory("20261121")
            let root = try KernelFiles().openRoot(scratch.path)
            let entries = try DirectoryListing.entries(in: root.descriptor)
            let found = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.kind) })
            #expect(found == [odd: .regular, Array("20261121".utf8): .directory])
        }
    }

    @Test func `a directory larger than one block is listed whole, each name once`() async throws {
        try await ScratchDirectory.with { scratch in
            let names = (0..<3000).map { "a-rather-long-name-of-a-recording-\($0).mp3" }
            for name in names { try scratch.write([], to: name) }
            let root = try KernelFiles().openRoot(scratch.path)
            let calls = FaultyFiles()
            let found = try DirectoryListing.entries(in: root.descriptor, with: calls)
            #expect(
                found.map(\.name).sorted { $0.lexicographicallyPrecedes($1) }
                    == names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
            #expect(calls.count(of: .list) > 2)
        }
    }

    @Test func `a visitor stops the listing`() async throws {
        try await ScratchDirectory.with { scratch in
            for name in ["a", "b", "c"] { try scratch.write([], to: name) }
            let root = try KernelFiles().openRoot(scratch.path)
            var visited = 0
            try DirectoryListing.forEach(in: root.descriptor) { _ in
                visited += 1
                return false
            }
            #expect(visited == 1)
        }
    }

    @Test func `a new name changes what a look at the directory shows, a growing file does not`() async throws {
        try await ScratchDirectory.with { scratch in
            try scratch.write([1], to: "day/call.mp3")
            let root = try KernelFiles().openRoot(scratch.path)
            func look() throws -> DirectoryObservation {
                DirectoryObservation(try KernelFiles().observe(FilePath("day"), in: root.descriptor))
            }
            let before = try look()
            try scratch.write([1, 2, 3], to: "day/call.mp3")
            #expect(try look() == before)
            // Time stamps come from the timer tick: until it moves on, a change cannot show.
            var tries = 0
            while try look() == before, tries < 1000 {
                tries += 1
                try scratch.write([], to: "day/other-\(tries)")
            }
            #expect(try look() != before)
        }
    }
}
