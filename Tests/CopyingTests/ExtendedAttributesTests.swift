import Copying
import Files
import Glibc
import Support
import Testing
import Vocabulary

/// Attributes that people gave a file, on file systems that keep them and on ones that do not.
@Suite(.serialized, .enabled(if: LoopDisk.isPossible, "root, loop devices and mkfs.ext4 are wanted"))
struct ExtendedAttributesTests {
    private static let long = [UInt8](repeating: 65, count: 900)

    private func with(_ body: (CopyFixture, CopyVolume, CopyOrder, FilePath) async throws -> Void) async throws {
        try await CopyFixture.with { fixture in
            let mounts = try PrivateMounts()
            #expect(await mounts.isReady())
            let place = fixture.scratch.path.appending("disk").displayText
            let disk = try LoopDisk(at: place, in: mounts)
            let root = FilePath(mounts.seen(place))
            _ = try ChildProcess.run(["/bin/mkdir", "\(root.displayText)/volume", "\(root.displayText)/mount"])
            let directory = try KernelFiles().openRoot(root.appending("volume"))
            let volume = CopyVolume(
                root: root.appending("volume"), id: try VolumeMarker.create(in: directory.descriptor).id)
            let original = root.appending("mount/a.mp3")
            try writeSample(content(5000), to: original.displayText)
            try set("user.operator", Array("north".utf8), on: original)
            try set("user.long", ExtendedAttributesTests.long, on: original)
            try set("trusted.recorder", [1], on: original)
            try set("security.recorder", [1], on: original)
            let order = CopyOrder(
                token: FencingToken(rawValue: 1),
                source: .beneath(root: root.appending("mount"), path: FilePath("a.mp3")),
                path: FilePath("day/a.mp3"))
            try await body(fixture, volume, order, root.appending("volume/day/a.mp3"))
            withExtendedLifetime(disk) {}
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [1, 4096, Int64.max])
    func `by setting they are copied, and what belongs to the recorder's system is not`(largeFrom: Int64) async throws {
        try await with { fixture, volume, order, copy in
            let settings = CopySettings(largeFrom: largeFrom, keepsAttributes: true)
            let copier = Copier(volume: volume, threads: fixture.threads, settings: settings)
            #expect(await copier.run([order]).first?.code == nil)
            let (names, first) = (try names(of: copy), try value("user.operator", of: copy))
            let second = try value("user.long", of: copy)
            #expect(names == ["user.long", "user.operator"])
            #expect(first == Array("north".utf8) && second == ExtendedAttributesTests.long)
            #expect(copier.attributes.takeUntold() == nil)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `without the setting none is`() async throws {
        try await with { fixture, volume, order, copy in
            #expect(await Copier(volume: volume, threads: fixture.threads).run([order]).first?.code == nil)
            let names = try names(of: copy)
            #expect(names == [])
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [EOPNOTSUPP, EPERM, ENOSPC, E2BIG])
    func `a volume that does not take them is told of once, and fails no copy`(number: CInt) async throws {
        try await with { fixture, volume, order, copy in
            let calls = FaultyFiles { call, _ in call == .setAttribute ? .fail(number) : nil }
            let settings = CopySettings(keepsAttributes: true)
            let copier = Copier(volume: volume, threads: fixture.threads, calls: calls, settings: settings)
            #expect(await copier.run([order]).first?.code == nil)
            #expect(calls.count(of: .setAttribute) == 1)
            #expect(copier.attributes.takeUntold()?.number == number)
            #expect(copier.attributes.takeUntold() == nil)
            let names = try names(of: copy)
            #expect(names == [])
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [(FileCall.listAttributes, EOPNOTSUPP), (.readAttribute, ENODATA)])
    func `an original that has none any more has none`(call: FileCall, number: CInt) async throws {
        try await with { fixture, volume, order, copy in
            let calls = FaultyFiles { asked, _ in asked == call ? .fail(number) : nil }
            let copier = Copier(
                volume: volume, threads: fixture.threads, calls: calls, settings: CopySettings(keepsAttributes: true))
            #expect(await copier.run([order]).first?.code == nil)
            let names = try names(of: copy)
            #expect(names == [])
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (FileCall.listAttributes, CopyError.Code.sourceUnreadable), (.readAttribute, .sourceUnreadable),
            (.setAttribute, .inputOutput),
        ])
    func `a disk that fails fails the copy`(call: FileCall, code: CopyError.Code) async throws {
        try await with { fixture, volume, order, copy in
            let calls = FaultyFiles { asked, _ in asked == call ? .fail(EIO) : nil }
            let copier = Copier(
                volume: volume, threads: fixture.threads, calls: calls, settings: CopySettings(keepsAttributes: true))
            #expect(await copier.run([order]).first?.code == code)
            #expect(copy.withPath { access($0, F_OK) } != 0)
        }
    }

    private func set(_ name: String, _ value: [UInt8], on path: FilePath) throws {
        let file = try KernelFiles().open(path, in: KernelFiles.workingDirectory, flags: O_RDWR)
        try value.withUnsafeBytes { try KernelFiles().setAttribute(file.descriptor, named: name, to: $0) }
    }

    private func names(of path: FilePath) throws -> [String] {
        let file = try KernelFiles().open(path, in: KernelFiles.workingDirectory, flags: O_RDONLY)
        let bytes = try filled { buffer throws(FileError) in
            try KernelFiles().attributeNames(file.descriptor, into: buffer)
        }
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    private func value(_ name: String, of path: FilePath) throws -> [UInt8] {
        let file = try KernelFiles().open(path, in: KernelFiles.workingDirectory, flags: O_RDONLY)
        return try filled { buffer throws(FileError) in
            try KernelFiles().attribute(file.descriptor, named: name, into: buffer)
        }
    }

    private func filled(_ body: (UnsafeMutableRawBufferPointer) throws(FileError) -> Int) throws -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        let count = try body(buffer)
        return Array(buffer[..<count])
    }
}
