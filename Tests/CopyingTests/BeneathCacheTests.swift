import Copying
import Files
import Glibc
import Support
import Synchronization
import Testing
import Vocabulary

/// Blocks that change on the disk itself, beneath file system and cache, after they are durable and before the commit.
@Suite(.serialized, .enabled(if: LoopDisk.isPossible, "root, loop devices and mkfs.ext4 are wanted"))
struct BeneathCacheTests {
    enum Way: CaseIterable, CustomTestStringConvertible {
        case throughCache, pastCache, readBehind

        func size(_ number: Int) -> Int {
            switch self {
            case .throughCache, .pastCache: 4096 * (number % 7 + 2) + number % 3 * 50
            case .readBehind: (number % 3 + 2) << 20 + number % 2 * 777
            }
        }

        var settings: CopySettings {
            switch self {
            case .throughCache: CopySettings(largeFrom: Int64.max)
            case .pastCache: CopySettings(largeFrom: 4096)
            case .readBehind: CopySettings(readBackStep: 1 << 20)
            }
        }

        /// What comes once the bytes are durable, and before they are read back.
        var moment: FileCall { self == .throughCache ? .dropCache : .syncFile }
        var testDescription: String { "\(self)" }
    }

    /// Of each way; all ways together make more than a hundred.
    private static let count = LongTests.areWanted ? 100 : 34

    @Test(.timeLimit(.minutes(3)), arguments: Way.allCases)
    func `a hundred single blocks that change beneath the cache are all found`(way: Way) async throws {
        try await CopyFixture.with { fixture in
            let mounts = try PrivateMounts()
            #expect(await mounts.isReady())
            let place = fixture.scratch.path.appending("disk").displayText
            let disk = try LoopDisk(at: place, in: mounts, make: "/usr/sbin/mkfs.ext4 -q -b 4096")
            let root = FilePath(mounts.seen(place))
            let directory = try KernelFiles().openRoot(root)
            let volume = CopyVolume(root: root, id: try VolumeMarker.create(in: directory.descriptor).id)
            var found = 0
            for number in 1...BeneathCacheTests.count {
                let size = way.size(number)
                let order = try fixture.order(Int64(number), content(size, seed: UInt64(number)))
                let staged = root.appending(order.path.parent.bytes).appending(StagedName.of(order.token).bytes)
                let isUntouched = Atomic<Bool>(true)
                let block = number * 13 % min(size / 4096, 256)
                let calls = FaultyFiles { call, _ in
                    if call == .createUnnamed { return .fail(EOPNOTSUPP) }
                    guard call == way.moment, isUntouched.exchange(false, ordering: .relaxed) else { return nil }
                    return .meanwhile { changeBeneath(staged, block: block, at: number * 97 % 4096, in: disk) }
                }
                let result = await Copier(
                    volume: volume, threads: fixture.threads, calls: calls, settings: way.settings
                ).run([order]).first
                let wasChanged = !isUntouched.load(ordering: .relaxed)
                #expect(wasChanged)
                if result?.code == .digestMismatch { found += 1 }
            }
            print(
                "bar: \(way): \(found) of \(BeneathCacheTests.count) blocks that changed beneath the cache were found")
            #expect(found == BeneathCacheTests.count)
            let names = try ChildProcess.run(["/usr/bin/find", root.displayText, "-name", "call-*"])
            #expect(names == "")
            // Unchanged, the same are copied.
            let order = try fixture.order(101, content(way.size(1)))
            let result = await Copier(volume: volume, threads: fixture.threads, settings: way.settings).run([order])
            #expect(try result.first?.get().level == .readBack)
        }
    }
}

/// Makes what is written of a file durable, and changes a bit of one of its blocks in the image that its disk is.
private func changeBeneath(_ path: FilePath, block: Int, at byte: Int, in disk: LoopDisk) {
    let file = path.withPath { open($0, O_RDWR | O_CLOEXEC) }
    defer { close(file) }
    guard file >= 0, fsync(file) == 0, let physical = try? physicalBlock(of: path, block) else {
        Issue.record("the block of the staged file is not to be found")
        return
    }
    let image = open(disk.image, O_RDWR | O_CLOEXEC)
    defer { close(image) }
    var value: UInt8 = 0
    let offset = off_t(physical * 4096 + byte)
    guard image >= 0, pread(image, &value, 1, offset) == 1 else {
        Issue.record("the image cannot be read")
        return
    }
    value ^= 16
    #expect(pwrite(image, &value, 1, offset) == 1)
}

private struct NoExtent: Error {
    let map: String
}

/// Where on its disk a block of a file lies, in blocks of 4 KiB.
private func physicalBlock(of path: FilePath, _ block: Int) throws -> Int {
    let map = try ChildProcess.run(["/usr/sbin/filefrag", "-v", "-b4096", path.displayText])
    for line in map.split(separator: "\n") {
        // `   0:        0..       2:      33288..     33290:      3: last,eof`
        let numbers = line.split { !$0.isNumber }.prefix(5).compactMap { Int($0) }
        guard line.contains(".."), numbers.count == 5, (numbers[1]...numbers[2]).contains(block) else { continue }
        return numbers[3] + block - numbers[1]
    }
    throw NoExtent(map: map)
}
