import CLinux
import Copying
import Files
import Glibc
import Support
import Synchronization
import Testing
import Vocabulary

@Suite struct DurabilityTests {
    private func run(_ count: Int, claiming kind: FileSystemKind? = nil) async throws -> FaultyFiles {
        try await CopyFixture.with { fixture in
            let calls = kind.map { FaultyFiles(claiming: $0) } ?? FaultyFiles()
            let orders = try (1...count).map { try fixture.order(Int64($0), content(500, seed: UInt64($0))) }
            let results = await fixture.copier(calls).run(orders)
            #expect(results.allSatisfy { $0.code == nil })
            return calls
        }
    }

    @Test(arguments: [(1, 1, 0), (7, 7, 0), (8, 0, 1), (60, 0, 1)])
    func `groups of eight and more are made durable by one call`(
        count: Int, files: Int, fileSystems: Int
    ) async throws {
        let calls = try await run(count)
        #expect(calls.count(of: .syncFile) == files)
        #expect(calls.count(of: .syncFileSystem) == fileSystems)
        // The day's directory, the one above it and the root, whose new names must last.
        #expect(calls.count(of: .syncDirectory) == 3)
    }

    @Test(arguments: [FileSystemKind.nfs, .fuse, .smb2, .overlay])
    func `a server's file system is synchronized file by file`(kind: FileSystemKind) async throws {
        let calls = try await run(20, claiming: kind)
        #expect(calls.count(of: .syncFile) == 20)
        #expect(calls.count(of: .syncFileSystem) == 0)
    }

    /// As where a day was emptied and its directory removed, and a late recording comes.
    @Test func `a directory that is made again is made durable again, also under its old number`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles()
            let copier = fixture.copier(calls)
            let orders = try (1...2).map { try fixture.order($0, content(100)) }
            #expect(await copier.run([orders[0]]).allSatisfy { $0.code == nil })
            let volume = fixture.scratch.path.appending("volume")
            let file = volume.appending(orders[0].path.bytes)
            let number = try fixture.observe(file.parent).inode
            #expect(file.withPath { unlink($0) } == 0 && file.parent.withPath { rmdir($0) } == 0)
            let before = calls.count(of: .syncDirectory)
            #expect(await copier.run([orders[1]]).allSatisfy { $0.code == nil })
            // Where numbers are not given again this shows less.
            let isAgain = try fixture.observe(file.parent).inode == number
            #expect(calls.count(of: .syncDirectory) - before == 2, "number given again: \(isAgain)")
        }
    }

    @Test func `directories above are made durable once, their own each time`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles()
            let copier = fixture.copier(calls)
            _ = await copier.run([try fixture.order(1, content(10))])
            #expect(calls.count(of: .syncDirectory) == 3)
            _ = await copier.run([try fixture.order(2, content(10))])
            #expect(calls.count(of: .syncDirectory) == 4)
        }
    }

    @Test(arguments: [
        (FileSystemKind.tmpfs, VerificationLevel.stream), (.fuse, .stream), (.zfs, .stream), (.other(7), .stream),
        (.ext, .readBack), (.nfs, .readBack),
    ])
    func `a level claims no more than was proven`(kind: FileSystemKind, level: VerificationLevel) async throws {
        try await CopyFixture.with { fixture in
            let results = await fixture.copier(FaultyFiles(claiming: kind)).run([try fixture.order(1, content(5000))])
            #expect(try results.first?.get().level == level)
        }
    }

    /// The calls about one file, by the order of their successes.
    private func steps(_ calls: FaultyFiles) -> [FileCall] {
        calls.recorded.filter(\.succeeded).map(\.call).filter {
            [.syncFile, .syncFileSystem, .link, .syncDirectory].contains($0)
        }
    }

    @Test func `btrfs makes a file durable once more behind its name, as it may pass over what has none`() async throws
    {
        #expect(try steps(await run(1, claiming: .ext)).prefix(3) == [.syncFile, .link, .syncDirectory])
        #expect(try steps(await run(1, claiming: .btrfs)).prefix(4) == [.syncFile, .link, .syncFile, .syncDirectory])
        // One call for the whole file system takes what has no name along.
        #expect(try await run(8, claiming: .btrfs).count(of: .syncFile) == 0)
    }

    @Test func `what a large file is read back from is proven part by part not to be the cache`() async throws {
        try await CopyFixture.with { fixture in
            let settings = CopySettings(largeFrom: 4096, readBackStep: 1 << 20)
            let order = try fixture.order(1, content(5 << 20))
            let free = FaultyFiles(claiming: .ext)
            #expect(try await fixture.copier(free, settings: settings).run([order]).first?.get().level == .readBack)
            #expect(free.count(of: .residentPages) >= 2)
            // As with `data=journal`: the pages are there, whatever was asked for.
            let cached = FaultyFiles(
                { call, _ in call == .residentPages ? .resident(1) : nil }, claim: { $0.kind = .ext })
            let second = try fixture.order(2, content(5 << 20, seed: 2))
            let result = await fixture.copier(cached, settings: settings).run([second]).first
            #expect(try result?.get().size == 5 << 20)
            #expect(cached.count(of: .residentPages) >= 2)
        }
    }

    @Test func `where files cannot be mapped nobody sees what is cached: they are read past it, and the copy counts`()
        async throws
    {
        try await CopyFixture.with { fixture in
            let settings = CopySettings(largeFrom: 1 << 20, readBackStep: 1 << 20)
            for (token, size) in [(Int64(1), 5000), (2, 5 << 20)] {
                let unmapped = FaultyFiles { call, _ in call == .residentPages ? .fail(ENODEV) : nil }
                let order = try fixture.order(token, content(size, seed: UInt64(token)))
                let copied = try await fixture.copier(unmapped, settings: settings).run([order]).first?.get()
                #expect(copied?.size == Int64(size) && unmapped.count(of: .residentPages) >= 1)
            }
            // Where it cannot be read past the cache either, the level says no more than was proven.
            let order = try fixture.order(3, content(5000, seed: 3))
            let blind = FaultyFiles(
                { call, _ in call == .residentPages ? .fail(ENODEV) : nil }, claim: { $0.kind = .v9fs })
            let direct = try await fixture.copier(blind).run([order]).first?.get().level
            #expect(direct == .readBack || direct == .stream)
        }
    }

    @Test func `a disk's error while it is read past the cache does not hide behind the cache`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles { call, _ in
                switch call {
                case .residentPages: .resident(1)
                default: nil
                }
            }
            let order = try fixture.order(1, content(5000))
            let reads = Atomic(0)
            let failing = FaultyFiles { call, _ in
                switch call {
                case .residentPages: .resident(1)
                case .read: reads.wrappingAdd(1, ordering: .relaxed).newValue == 3 ? .fail(EIO) : nil
                default: nil
                }
            }
            #expect(try await fixture.copier(calls).run([order]).first?.get().level == .readBack)
            let second = try fixture.order(2, content(5000, seed: 2))
            let result = await fixture.copier(failing).run([second]).first
            #expect(result?.code == .inputOutput)
            #expect(try fixture.published(second) == nil)
        }
    }

    @Test func `an order that hung until it was given up makes nothing when it wakes`() async throws {
        try await CopyFixture.with { fixture in
            _ = await fixture.copier().run([try fixture.order(1, content(100))])
            let opened = Atomic(0)
            let gate = Atomic(false)
            // The day's directory, which is there, then the source.
            let calls = FaultyFiles { call, _ in
                guard call == .openBeneath, opened.wrappingAdd(1, ordering: .relaxed).newValue == 2 else { return nil }
                return .meanwhile { while !gate.load(ordering: .acquiring) { usleep(2000) } }
            }
            let order = try fixture.order(2, content(5000))
            let result = await fixture.copier(calls, settings: CopySettings(patience: .milliseconds(200))).run([order])
                .first
            #expect(result?.code == .timeout)
            // Nothing that the thread still knows by number was closed under it.
            #expect(calls.count(of: .close) == 0)
            gate.store(true, ordering: .releasing)
            try await Task.sleep(for: .milliseconds(300))
            #expect(calls.recorded.contains { $0.call == .openBeneath && $0.succeeded })
            #expect(calls.count(of: .createUnnamed) == 0 && calls.count(of: .link) == 0)
        }
    }

    @Test func `what stays in the cache is read past it`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles { call, _ in call == .dropCache ? .fail(EIO) : nil }
            let failed = await fixture.copier(calls).run([try fixture.order(1, content(5000))])
            #expect(failed.first?.code == .inputOutput)
            // A reader who has the file mapped keeps its pages: as if DONTNEED did nothing.
            let mapped = FaultyFiles { call, _ in call == .residentPages ? .resident(1) : nil }
            for size in [5000, 1 << 20, (1 << 20) + 4096, (3 << 20) + 17] {
                let order = try fixture.order(Int64(size), content(size))
                let results = await fixture.copier(mapped).run([order])
                #expect(try results.first?.get().level == .readBack)
                #expect(try fixture.published(order) == content(size))
            }
            #expect(mapped.count(of: .open) > 4)
        }
    }

    @Test(arguments: [1, 8])
    func `bytes that the volume changes are found before they get a name`(count: Int) async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles { call, _ in call == .write ? .corrupt : nil }
            let orders = try (1...count).map { try fixture.order(Int64($0), content(5000)) }
            let results = await fixture.copier(calls).run(orders)
            for result in results {
                #expect(result.code == .digestMismatch)
                if case .failure(let error) = result {
                    #expect(error.detail == "the volume gave other bytes back than it was given")
                }
            }
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }

    @Test func `a hundred single bits that change on the disk before the commit are all found`() async throws {
        try await CopyFixture.with { fixture in
            var found = 0
            for number in 1...100 {
                let size = 4096 * (number % 7 + 2) + number % 3 * 50
                let order = try fixture.order(Int64(number), content(size, seed: UInt64(number)))
                let staged = fixture.scratch.path.appending("volume").appending(order.path.parent.bytes)
                    .appending(StagedName.of(order.token).bytes)
                let isOpen = Atomic<Bool>(true)
                // Past the cache, and after all was made durable.
                let calls = FaultyFiles { call, _ in
                    switch call {
                    case .createUnnamed: return .fail(EOPNOTSUPP)
                    case .dropCache:
                        guard isOpen.exchange(false, ordering: .relaxed) else { return nil }
                        return .meanwhile { flipBit(of: staged, inBlock: number % (size / 4096)) }
                    default: return nil
                    }
                }
                let settings = CopySettings(largeFrom: number % 2 == 0 ? 4096 : Int64.max)
                let result = await fixture.copier(calls, settings: settings).run([order]).first
                let wasChanged = !isOpen.load(ordering: .relaxed)
                #expect(wasChanged)
                if result?.code == .digestMismatch { found += 1 }
                #expect(try fixture.published(order) == nil)
            }
            #expect(found == 100)
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }

    @Test func `large files of a group are durable and read back by themselves, the others at once`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles()
            let orders = try (1...20).map { number in
                try fixture.order(number, content(number % 4 == 0 ? 20_000 : 500, seed: UInt64(number)))
            }
            let results = await fixture.copier(calls, settings: CopySettings(largeFrom: 10_000)).run(orders)
            for (order, result) in zip(orders, results) {
                #expect(try result.get().level == .readBack)
                #expect(try fixture.published(order)?.count == (order.token.rawValue % 4 == 0 ? 20_000 : 500))
            }
            #expect(calls.count(of: .syncFile) == 5)
            #expect(calls.count(of: .syncFileSystem) == 1)
            // On to the disk, and back from it after an end that was no whole page.
            #expect(calls.count(of: .setDirect) == 15)
        }
    }

    @Test(arguments: [2 << 20, (3 << 20) + 4096, (5 << 20) + 17])
    func `a long file is made durable and read back in steps while it is written`(size: Int) async throws {
        try await CopyFixture.with { fixture in
            let (writes, syncs) = (Counter(), Counter())
            let calls = FaultyFiles { call, _ in
                switch call {
                case .syncFile: syncs.add()
                case .write where writes.add() == 2:
                    // The first part becomes durable while the second is still to be written.
                    return .meanwhile { for _ in 0..<10_000 where syncs.value == 0 { usleep(1000) } }
                default: break
                }
                return nil
            }
            let settings = CopySettings(readBackStep: 1 << 20)
            let order = try fixture.order(1, content(size))
            let copied = try await fixture.copier(calls, settings: settings).run([order]).first?.get()
            #expect(copied?.level == .readBack)
            #expect(try fixture.published(order) == content(size))
            #expect(calls.count(of: .syncFile) >= 2)
            #expect(calls.count(of: .syncFile) <= size >> 20 + 1)
            // What became durable was proven to be out of the cache, and none of it was read a second time.
            #expect(calls.count(of: .residentPages) == calls.count(of: .syncFile))
            // Written last, and durable after that.
            let recorded = calls.recorded.map(\.call)
            let lastWrite = try #require(recorded.lastIndex { [.write, .setMode, .setTimes].contains($0) })
            #expect(try #require(recorded.lastIndex(of: .syncFile)) > lastWrite)
        }
    }

    @Test func `what the volume changes of a long file is found by what reads behind`() async throws {
        try await CopyFixture.with { fixture in
            for place in 0..<5 {
                let writes = Atomic<Int>(0)
                let calls = FaultyFiles { call, _ in
                    guard call == .write else { return nil }
                    return writes.add(1, ordering: .relaxed).oldValue == place ? .corrupt : nil
                }
                let order = try fixture.order(Int64(place + 1), content(5 << 20))
                let settings = CopySettings(readBackStep: 1 << 20)
                let result = await fixture.copier(calls, settings: settings).run([order]).first
                // Odd bytes are refused past the cache, and written again.
                let wasRefused = calls.recorded.contains { $0.call == .write && !$0.succeeded }
                #expect(result?.code == .digestMismatch || wasRefused)
                if result?.code != nil { #expect(try fixture.published(order) == nil) }
            }
        }
    }

    @Test func `when the disk cannot make a part of a long file durable it is never asked again`() async throws {
        try await CopyFixture.with { fixture in
            let syncs = Atomic<Int>(0)
            let calls = FaultyFiles { call, _ in
                call == .syncFile && syncs.add(1, ordering: .relaxed).oldValue == 0 ? .fail(EIO) : nil
            }
            let order = try fixture.order(1, content(4 << 20))
            let settings = CopySettings(readBackStep: 1 << 20)
            #expect(await fixture.copier(calls, settings: settings).run([order]).first?.code == .durability)
            #expect(calls.count(of: .syncFile) == 1)
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }

    @Test func `when the group cannot be made durable all of it goes`() async throws {
        try await CopyFixture.with { fixture in
            for number in [EIO, ENOSPC, EINTR] {
                let calls = FaultyFiles { call, _ in
                    switch call {
                    case .syncFileSystem: .fail(number)
                    case .createUnnamed: .fail(EOPNOTSUPP)
                    default: nil
                    }
                }
                let orders = try (1...9).map { try fixture.order($0, content(500)) }
                let results = await fixture.copier(calls).run(orders)
                let expected: CopyError.Code = number == ENOSPC ? .volumeFull : .durability
                #expect(results.allSatisfy { $0.code == expected })
                #expect(calls.count(of: .syncFileSystem) == 1)
                #expect(try fixture.volumeFiles().isEmpty)
            }
        }
    }

    @Test func `no space is told apart from no inodes`() async throws {
        try await CopyFixture.with { fixture in
            let order = try fixture.order(1, content(10))
            let full = FaultyFiles { call, _ in call == .allocate ? .fail(ENOSPC) : nil }
            #expect(await fixture.copier(full).run([order]).first?.code == .volumeFull)
            let inodes = FaultyFiles {
                call, _ in
                call == .createUnnamed ? .fail(ENOSPC) : nil
            } claim: {
                $0.totalInodes = 100
                $0.availableInodes = 0
            }
            #expect(await fixture.copier(inodes).run([order]).first?.code == .inodes)
        }
    }

    @Test func `a volume that cannot reserve is written to all the same`() async throws {
        try await CopyFixture.with { fixture in
            let calls = FaultyFiles { call, _ in call == .allocate ? .fail(EOPNOTSUPP) : nil }
            let order = try fixture.order(1, content(10_000))
            #expect(await fixture.copier(calls).run([order]).first?.code == nil)
            #expect(try fixture.published(order) == content(10_000))
        }
    }

    @Test func `memory does not grow with the file`() async throws {
        try await CopyFixture.with { fixture in
            let block = content(1 << 20)
            let path = try fixture.scratch.write([], to: "mount/calls/long.mp4")
            let file = try KernelFiles().open(path, in: KernelFiles.workingDirectory, flags: O_WRONLY)
            for index in 0..<200 {
                try block.withUnsafeBytes {
                    try KernelFiles().writeAll($0, to: file.descriptor, at: Int64(index) << 20)
                }
            }
            let order = CopyOrder(
                token: FencingToken(rawValue: 1),
                source: .beneath(root: fixture.mount, path: FilePath("calls/long.mp4")), path: FilePath("long.mp4"))
            let before = try residentBytes()
            let results = await fixture.copier().run([order])
            #expect(try results.first?.get().size == 200 << 20)
            #expect(try residentBytes() - before < 64 << 20)
        }
    }

    /// The most memory that this process ever had resident.
    private func residentBytes() throws -> Int {
        let bytes = try #require(try ScratchDirectory.contents(of: FilePath("/proc/self/status")))
        let status = String(decoding: bytes, as: UTF8.self)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        let kibibytes = try #require(line.split { !$0.isNumber }.first.flatMap { Int($0) })
        return kibibytes * 1024
    }
}

/// Flips a bit of a file's block of 4 KiB, past the cache.
private func flipBit(of path: FilePath, inBlock block: Int) {
    let descriptor = path.displayText.withCString { open($0, O_RDWR | takeup_O_DIRECT | O_CLOEXEC) }
    guard descriptor >= 0 else {
        Issue.record("there is no staged file to change")
        return
    }
    defer { close(descriptor) }
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)
    defer { page.deallocate() }
    guard pread(descriptor, page.baseAddress, 4096, off_t(block * 4096)) == 4096 else {
        Issue.record("the block cannot be read")
        return
    }
    page[block * 97 % 4096] ^= 16
    if pwrite(descriptor, page.baseAddress, 4096, off_t(block * 4096)) != 4096 {
        Issue.record("the block cannot be changed")
    }
}

/// How often something happened.
private final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    @discardableResult
    func add() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
