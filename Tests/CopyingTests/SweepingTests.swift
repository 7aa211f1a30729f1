import Copying
import Files
import Glibc
import Support
import Testing
import Vocabulary

@Suite struct SweepingTests {
    @Test func `staged files are found wherever they are, and nothing else is`() async throws {
        try await CopyFixture.with { fixture in
            for name in [
                "volume/north/20261121/.takeup-17.part", "volume/.takeup-3.part", "volume/a/b/c/.takeup-9.part",
                "volume/a/.takeup-x.part", "volume/a/takeup-4.part", "volume/a/.takeup-5.partial",
                "volume/.snapshot/a/.takeup-6.part",
            ] {
                try fixture.scratch.write([1], to: name)
            }
            let copier = fixture.copier()
            let found = try await copier.listStaged()
            #expect(Set(found.map(\.token.rawValue)) == [17, 3, 9])
            for leftover in found {
                let order = leftover.path.parent.appending("any.mp3")
                #expect(try await copier.sweepStaged(leftover.token, for: order) == .removed)
            }
            #expect(try await copier.listStaged().isEmpty)
            #expect(try fixture.volumeFiles().count == 4)
        }
    }

    @Test func `many calls that look at a few directories each find what one call finds`() async throws {
        try await CopyFixture.with { fixture in
            for number in 1...6 { try fixture.scratch.write([1], to: "volume/d\(number)/.takeup-\(number).part") }
            let copier = fixture.copier()
            var found: Set<Int64> = []
            for _ in 0..<200 {
                let some = try await copier.listStaged(directories: 3)
                #expect(some.count <= 2)
                found.formUnion(some.map(\.token.rawValue))
            }
            #expect(found == Set(1...6))
            #expect(try await copier.listStaged().count == 6)
        }
    }

    @Test func `sweeping where nothing was ever made is quiet`() async throws {
        try await CopyFixture.with { fixture in
            let copier = fixture.copier()
            let path = FilePath("never/made/x.mp3")
            #expect(try await copier.sweepStaged(FencingToken(rawValue: 1), for: path) == .absent)
            let digest = try #require(Digest(bytes: [UInt8](repeating: 0, count: 32)))
            #expect(try await copier.removeUncommitted(path, size: 1, digest: digest) == .absent)
            #expect(try await copier.retire(path, day: "20261121") == .absent)
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }

    @Test func `an uncommitted file goes only when it is the one that was about to be published`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles()
            let copier = fixture.copier(calls)
            let order = try fixture.order(1, content(3000))
            let results = await copier.run([order])
            let copied = try #require(results.first).get()
            let other = try #require(Digest(bytes: [UInt8](repeating: 0, count: 32)))
            #expect(try await copier.removeUncommitted(order.path, size: 3000, digest: other) == .kept)
            #expect(try await copier.removeUncommitted(order.path, size: 2999, digest: copied.digest) == .kept)
            #expect(try fixture.published(order) == content(3000))
            let synced = calls.count(of: .syncDirectory)
            #expect(try await copier.removeUncommitted(order.path, size: 3000, digest: copied.digest) == .removed)
            #expect(calls.count(of: .syncDirectory) == synced + 1)
            #expect(try await copier.removeUncommitted(order.path, size: 3000, digest: copied.digest) == .absent)
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }

    @Test(arguments: [false, true])
    func `a retired file is kept under its day, and none replaces another`(byLink: Bool) async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles { call, _ in byLink && call == .rename ? .fail(EINVAL) : nil }
            let copier = fixture.copier(calls)
            let order = try fixture.order(1, content(10))
            var kept: [FilePath] = []
            for seed in 1...3 {
                let bytes = content(10, seed: UInt64(seed))
                try fixture.scratch.write(bytes, to: FilePath("volume").appending(order.path.bytes))
                guard case .moved(let path) = try await copier.retire(order.path, day: "20261121") else {
                    Issue.record("a file that is there was not moved")
                    return
                }
                kept.append(path)
                #expect(try fixture.scratch.read(FilePath("volume").appending(path.bytes)) == bytes)
            }
            let place = ".takeup-quarantine/20261121/north/20261121/call-1.mp3"
            #expect(kept == [FilePath(place), FilePath(place + "~2"), FilePath(place + "~3")])
            #expect(try fixture.published(order) == nil)
            #expect(try await copier.retire(order.path, day: "20261121") == .absent)
            let names = calls.recorded.lastIndex { [.rename, .unlink].contains($0.call) && $0.succeeded }
            let synced = calls.recorded.lastIndex { $0.call == .syncDirectory && $0.succeeded }
            #expect(try #require(names) < #require(synced))
        }
    }

    @Test func `a sweep on the wrong disk removes nothing`() async throws {
        try await CopyFixture.with { fixture in
            let order = try fixture.order(1, content(10))
            try fixture.scratch.write([1], to: "volume/north/20261121/.takeup-1.part")
            var other = fixture.volume
            other.id = VolumeID("00000000-0000-4000-8000-000000000000")
            let copier = Copier(volume: other, threads: fixture.threads)
            await #expect(throws: CopyError(.volumeReplaced, at: .prepare, detail: "its marker names another volume")) {
                try await copier.sweepStaged(order.token, for: order.path)
            }
            #expect(try fixture.volumeFiles().count == 1)
        }
    }
}
