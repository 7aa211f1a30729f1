import Copying
import Files
import Glibc
import Support
import Synchronization
import Testing
import Vocabulary

@Suite struct CopierTests {
    private func copyOne(
        _ fixture: CopyFixture, _ order: CopyOrder, _ calls: any FileCalls = KernelFiles()
    ) async throws -> Copied {
        let results = await fixture.copier(calls).run([order])
        return try #require(results.first).get()
    }

    @Test(arguments: [0, 1, 4096, 100_001, 1 << 20, 3 << 20])
    func `a copy is the same byte for byte, and says how that was proven`(size: Int) async throws {
        try await CopyFixture.with { fixture in
            let bytes = content(size)
            let order = try fixture.order(7, bytes)
            let source = fixture.mount.appending("calls/call-7.mp3")
            let before = try fixture.observe(source)
            let copied = try await copyOne(fixture, order)
            #expect(try fixture.published(order) == bytes)
            #expect(copied.size == Int64(size))
            #expect(!copied.alreadyThere)
            #expect(copied.level == .readBack)
            #expect(copied.source.isUnchanged(since: before))
            #expect(try fixture.observe(source).isUnchanged(since: before))
            let made = try fixture.observe(fixture.volume.root.appending(order.path.bytes))
            #expect(made.mode == 0o640)
            #expect(made.links == 1)
            #expect(made.modified == before.modified)
            #expect(try fixture.volumeFiles() == [order.path])
            #expect(try fixture.scratch.openDescriptors() == 0)
        }
    }

    @Test func `a lone small file takes few calls`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles()
            let copier = fixture.copier(calls)
            _ = await copier.run([try fixture.order(1, content(5000))])
            let before = calls.recorded.count
            let again = await copier.run([try fixture.order(2, content(5000))])
            #expect(again.first?.code == nil)
            #expect(calls.recorded.count - before <= 32)
        }
    }

    @Test func `a file of a group takes fewer than twenty calls`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles()
            let orders = try (1...50).map { try fixture.order($0, content(5000, seed: UInt64($0))) }
            let results = await fixture.copier(calls).run(orders)
            #expect(results.allSatisfy { $0.code == nil })
            #expect(calls.recorded.count < 20 * 50)
        }
    }

    @Test(arguments: [
        [UInt8]("with a space.mp3".utf8), [UInt8]("with\na newline".utf8), [0xff, 0xfe, 0x80, 0x2e],
        [UInt8]("-rf".utf8),
        [UInt8](repeating: 120, count: 255),
    ])
    func `any name that a recorder can give is kept`(name: [UInt8]) async throws {
        try await CopyFixture.with { fixture in
            for unnamed in [true, false] {
                let calls = FaultyFiles { call, _ in
                    call == .createUnnamed && !unnamed ? .fail(EOPNOTSUPP) : nil
                }
                let order = try fixture.order(unnamed ? 1 : 2, content(1000), name: FilePath(bytes: name))
                let copied = try await copyOne(fixture, order, calls)
                #expect(copied.alreadyThere == !unnamed)
                #expect(try fixture.published(order) == content(1000))
                #expect(try fixture.volumeFiles() == [order.path])
            }
        }
    }

    @Test(arguments: [
        "../escape", "a/../../escape", "/etc/escape", "", ".", "a/", ".takeup-volume", ".takeup-quarantine/x",
        "day/.takeup-9.part",
    ])
    func `a path that is no copy's is refused`(path: String) async throws {
        try await CopyFixture.with { fixture in
            var order = try fixture.order(1, content(10))
            order.path = FilePath(path)
            let results = await fixture.copier().run([order])
            #expect(results.first?.code == .unsupportedName)
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }

    @Test func `a name too long for the volume is told so`() async throws {
        try await CopyFixture.with { fixture in
            var order = try fixture.order(1, content(10))
            order.path = FilePath(bytes: [UInt8](repeating: 97, count: 256))
            let results = await fixture.copier().run([order])
            #expect(results.first?.code == .unsupportedName)
        }
    }

    @Test func `a source that leads out of its mount is refused`() async throws {
        try await CopyFixture.with { fixture in
            try fixture.scratch.write(content(10), to: "secret")
            let link = fixture.mount.appending("leaves")
            #expect(link.withPath { symlink("../secret", $0) } == 0)
            let orders = ["leaves", "../secret", "/etc/passwd"].enumerated().map { index, path in
                CopyOrder(
                    token: FencingToken(rawValue: Int64(index)),
                    source: .beneath(root: fixture.mount, path: FilePath(path)), path: FilePath("day/\(index)"))
            }
            let results = await fixture.copier().run(orders)
            #expect(results.map(\.code) == [.sourceEscapes, .sourceEscapes, .sourceEscapes])
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }

    @Test func `a link on the volume is not followed`() async throws {
        try await CopyFixture.with { fixture in
            try fixture.scratch.directory("elsewhere")
            let link = fixture.volume.root.appending("north")
            #expect(link.withPath { symlink("../elsewhere", $0) } == 0)
            let results = await fixture.copier().run([try fixture.order(1, content(10))])
            #expect(results.first?.code == .unsupportedName)
            #expect(try fixture.scratch.files(below: "elsewhere").isEmpty)
        }
    }

    @Test func `one bad order spoils no other`() async throws {
        try await CopyFixture.with { fixture in
            var orders = try (1...10).map { try fixture.order($0, content(2000, seed: UInt64($0))) }
            orders[3].source = .beneath(root: fixture.mount, path: FilePath("nothing"))
            orders[5].expectedSize = 1999
            orders[6].source = .beneath(root: FilePath("/no/such/mount"), path: FilePath("x"))
            orders[8].crc32 = .require(1)
            let results = await fixture.copier().run(orders)
            #expect(
                results.map(\.code) == [
                    nil, nil, nil, .sourceMissing, nil, .sourceChanged, .sourceMissing, nil, .crcMismatch, nil,
                ])
            #expect(try fixture.volumeFiles().count == 6)
            #expect(try fixture.scratch.openDescriptors() == 0)
        }
    }

    @Test func `the CRC is taken where it is asked for`() async throws {
        try await CopyFixture.with { fixture in
            let text = Array("123456789".utf8)
            let required = try await copyOne(fixture, fixture.order(1, text, crc32: .require(0xCBF4_3926)))
            #expect(required.crc32 == 0xCBF4_3926)
            let observed = try await copyOne(fixture, fixture.order(2, text, crc32: .observe))
            #expect(observed.crc32 == 0xCBF4_3926)
            #expect(try await copyOne(fixture, fixture.order(3, text)).crc32 == nil)
        }
    }

    @Test func `a name taken by the same bytes is a copy, by others a conflict`() async throws {
        try await CopyFixture.with { fixture in
            let bytes = content(3000)
            let same = try fixture.order(1, bytes)
            let other = try fixture.order(2, bytes)
            let shorter = try fixture.order(3, bytes)
            let volume = FilePath("volume")
            try fixture.scratch.write(bytes, to: volume.appending(same.path.bytes))
            try fixture.scratch.write(content(3000, seed: 9), to: volume.appending(other.path.bytes))
            try fixture.scratch.write(content(30), to: volume.appending(shorter.path.bytes))
            for unnamed in [true, false] {
                let calls = FaultyFiles { call, _ in
                    call == .createUnnamed && !unnamed ? .fail(EOPNOTSUPP) : nil
                }
                let results = await fixture.copier(calls).run([same, other, shorter])
                #expect(results.map(\.code) == [nil, .nameConflict, .nameConflict])
                #expect(try results.first?.get().alreadyThere == true)
                #expect(try results.first?.get().level == .readBack)
                #expect(try fixture.published(other) == content(3000, seed: 9))
                #expect(try fixture.published(shorter) == content(30))
                #expect(try fixture.volumeFiles().count == 3)
            }
        }
    }

    @Test func `two orders for one name make one file`() async throws {
        try await CopyFixture.with { fixture in
            let first = try fixture.order(1, content(3000))
            var second = first
            second.token = FencingToken(rawValue: 2)
            let results = await fixture.copier().run([first, second])
            #expect(results.map(\.code) == [nil, nil])
            #expect(try results.map { try $0.get().alreadyThere }.filter { $0 }.count == 1)
            #expect(try fixture.volumeFiles() == [first.path])
        }
    }

    @Test func `a file of our own is copied by its path`() async throws {
        try await CopyFixture.with { fixture in
            let result = try fixture.scratch.write(content(5000), to: "private/mux.mp4")
            let order = CopyOrder(
                token: FencingToken(rawValue: 1), source: .own(result), path: FilePath("day/mux.mp4"))
            let copied = try await copyOne(fixture, order)
            #expect(copied.size == 5000)
            #expect(try fixture.published(order) == content(5000))
        }
    }

    @Test func `what lost its lease gets no name`() async throws {
        try await CopyFixture.with { fixture in
            let orders = try (1...3).map { try fixture.order($0, content(100, seed: UInt64($0))) }
            let seen = Mutex<[ReadyCopy]>([])
            let results = await fixture.copier().run(orders) { ready in
                seen.withLock { $0 = ready }
                return [FencingToken(rawValue: 2)]
            }
            #expect(results.map(\.code) == [.leaseLost, nil, .leaseLost])
            #expect(try fixture.volumeFiles() == [orders[1].path])
            let ready = seen.withLock { $0 }
            #expect(ready.map(\.token.rawValue) == [1, 2, 3])
            #expect(try ready.map(\.digest)[1] == results[1].get().digest)
        }
    }

    @Test func `when leases cannot be proven nothing gets a name`() async throws {
        struct DatabaseAway: Error {}
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles { call, _ in call == .createUnnamed ? .fail(EOPNOTSUPP) : nil }
            let orders = try (1...9).map { try fixture.order($0, content(100)) }
            let results = await fixture.copier(calls).run(orders) { _ in throw DatabaseAway() }
            #expect(results.allSatisfy { $0.code == .leaseLost })
            #expect(try fixture.volumeFiles().isEmpty)
            #expect(try fixture.scratch.openDescriptors() == 0)
        }
    }

    @Test(arguments: [false, true])
    func `a copy that is cancelled puts away what it began`(unnamed: Bool) async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles { call, _ in call == .createUnnamed && !unnamed ? .fail(EOPNOTSUPP) : nil }
            let orders = try (1...9).map { try fixture.order($0, content(100)) }
            let (isReached, reached) = AsyncStream<Void>.makeStream()
            let copying = Task {
                await fixture.copier(calls).run(orders) { ready in
                    reached.finish()
                    // Ends by the cancellation, or the copy would be whole.
                    try? await Task.sleep(for: .seconds(60))
                    return Set(ready.map(\.token))
                }
            }
            for await _ in isReached {}
            copying.cancel()
            let results = await copying.value
            #expect(results.allSatisfy { $0.code == .cancelled })
            #expect(try fixture.volumeFiles().isEmpty)
            #expect(try fixture.scratch.openDescriptors() == 0)
        }
    }

    @Test func `more orders than may be open at a time are taken in parts`() async throws {
        try await CopyFixture.with { fixture in
            let orders = try (1...25).map { try fixture.order($0, content(300, seed: UInt64($0))) }
            let parts = Mutex<[Int]>([])
            let copier = fixture.copier(settings: CopySettings(openAtMost: 10))
            let results = await copier.run(orders) { ready in
                parts.withLock { $0.append(ready.count) }
                return Set(ready.map(\.token))
            }
            #expect(results.allSatisfy { $0.code == nil })
            #expect(parts.withLock { $0 } == [10, 10, 5])
        }
    }

    @Test func `evidence reads the source a second time`() async throws {
        try await CopyFixture.with { fixture in
            let copier = fixture.copier(settings: CopySettings(rereadsSource: true))
            let results = await copier.run([try fixture.order(1, content(3 << 20))])
            #expect(try results.first?.get().level == .sourceReread)
        }
    }

    @Test func `evidence reads the source a second time also where the volume proves less`() async throws {
        try await CopyFixture.with { fixture in
            var reads: [Int] = []
            for rereads in [false, true] {
                let calls = FaultyFiles(claiming: .fuse)
                let order = try fixture.order(rereads ? 2 : 1, content(5000))
                let results = await fixture.copier(calls, settings: CopySettings(rereadsSource: rereads)).run([order])
                #expect(try results[0].get().level == .stream)
                reads.append(calls.count(of: .read))
            }
            #expect(reads[1] - reads[0] == 1)
        }
    }

    @Test func `mode and owner are as the volume's settings say`() async throws {
        try await CopyFixture.with { fixture in
            var volume = fixture.volume
            volume.fileMode = 0o604
            volume.directoryMode = 0o705
            volume.user = geteuid()
            volume.group = getegid()
            let calls = FaultyFiles()
            let order = try fixture.order(1, content(10))
            let results = await Copier(volume: volume, threads: fixture.threads, calls: calls).run([order])
            #expect(results.first?.code == nil)
            #expect(try fixture.observe(volume.root.appending(order.path.bytes)).mode == 0o604)
            #expect(try fixture.observe(volume.root.appending("north/20261121")).mode == 0o705)
            #expect(calls.count(of: .setOwner) == 3)
        }
    }

    @Test func `a volume that is not proven is not written to`() async throws {
        try await CopyFixture.with { fixture in
            let order = try fixture.order(1, content(10))
            var other = fixture.volume
            other.id = VolumeID("00000000-0000-4000-8000-000000000000")
            var gone = fixture.volume
            gone.root = fixture.scratch.path.appending("no-such-directory")
            var bare = fixture.volume
            bare.root = try fixture.scratch.directory("bare")
            for (volume, code) in [
                (other, CopyError.Code.volumeReplaced), (gone, .volumeAbsent), (bare, .volumeAbsent),
            ] {
                let results = await Copier(volume: volume, threads: fixture.threads).run([order])
                #expect(results.first?.code == code)
            }
            #expect(try fixture.volumeFiles().isEmpty)
            #expect(try fixture.scratch.files(below: "bare").isEmpty)
        }
    }

    @Test func `a volume that goes while it is written to gives no success`() async throws {
        try await CopyFixture.with { fixture in
            let root = fixture.volume.root
            let away = fixture.scratch.path.appending("away")
            let calls = FaultyFiles { call, _ in
                guard call == .syncDirectory else { return nil }
                return .meanwhile {
                    _ = root.withPath { from in away.withPath { rename(from, $0) } }
                    _ = root.withPath { mkdir($0, 0o755) }
                }
            }
            let results = await fixture.copier(calls).run([try fixture.order(1, content(10))])
            #expect(results.first?.code == .volumeAbsent)
        }
    }

    @Test func `a call that hangs fails its order and not the process`() async throws {
        try await CopyFixture.with { fixture in
            let until = Atomic<Bool>(false)
            let calls = FaultyFiles { call, _ in
                guard call == .allocate else { return nil }
                return .meanwhile { while !until.load(ordering: .acquiring) { usleep(1000) } }
            }
            let threads = FileThreads(name: "test-hang", count: 2)
            let copier = fixture.copier(
                calls, threads: threads, settings: CopySettings(patience: .milliseconds(100)))
            let order = try fixture.order(1, content(10))
            let results = await copier.run([order])
            #expect(results.first?.code == .timeout)
            until.store(true, ordering: .releasing)
            let deadline = ContinuousClock.now + .seconds(10)
            while threads.abandonedCount > 0, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(threads.abandonedCount == 0)
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }
}
