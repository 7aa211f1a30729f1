import Files
import Glibc
import Support
import Testing
import Vocabulary

@Suite struct BeneathTests {
    /// A mount with a call, a link that stays, links that leave, a FIFO, and a secret beside it.
    private func withMount(_ body: (ScratchDirectory, CInt) throws -> Void) async throws {
        try await ScratchDirectory.with { scratch in
            try scratch.write(Array("sound".utf8), to: "mount/20261121/call.mp3")
            try scratch.write(Array("secret".utf8), to: "secret")
            let mount = scratch.path.appending("mount")
            for (link, target) in [
                ("stays", "20261121/call.mp3"), ("leaves", "../secret"), ("absolute", "/etc/passwd"),
                ("day", "20261121"),
                ("out", ".."), ("magic", "/proc/self/root/etc/passwd"),
            ] {
                #expect(mount.appending(link).withPath { symlink(target, $0) } == 0)
            }
            #expect(mount.appending("pipe").withPath { mkfifo($0, 0o600) } == 0)
            let root = try KernelFiles().openRoot(mount)
            try body(scratch, root.descriptor)
        }
    }

    private func code(_ path: String, _ root: CInt, _ calls: any FileCalls) -> FileError.Code? {
        do throws(FileError) {
            _ = try calls.openRegularFile(FilePath(path), beneath: root).observation
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: [
        ("20261121/call.mp3", nil), ("./20261121//call.mp3", nil), ("stays", nil), ("day/call.mp3", nil),
        ("leaves", FileError.Code.escapes), ("absolute", .escapes), ("out/secret", .escapes), ("magic", .escapes),
        ("../secret", .escapes), ("20261121/../20261121/call.mp3", .escapes), ("/etc/passwd", .escapes),
        ("nothing", .notFound), ("20261121", .unsupported), ("pipe", .unsupported),
        ("20261121/call.mp3/x", .notDirectory),
    ])
    func `only regular files beneath the mount are opened`(path: String, expected: FileError.Code?) async throws {
        try await withMount { _, root in #expect(code(path, root, KernelFiles()) == expected) }
    }

    @Test(arguments: [
        ("20261121/call.mp3", nil), ("stays", FileError.Code.escapes), ("day/call.mp3", .escapes), ("leaves", .escapes),
        ("out/secret", .escapes), ("nothing", .notFound), ("pipe", .unsupported), ("20261121", .unsupported),
    ])
    func `without openat2 no link is followed at all`(path: String, expected: FileError.Code?) async throws {
        try await withMount { _, root in
            let old = FaultyFiles { call, _ in call == .openBeneath ? .fail(ENOSYS) : nil }
            #expect(code(path, root, old) == expected)
        }
    }

    @Test func `another device beneath the mount is refused`() throws {
        let root = try KernelFiles().openRoot(FilePath("/"))
        #expect(code("proc/version", root.descriptor, KernelFiles()) == .escapes)
        let old = FaultyFiles { call, _ in call == .openBeneath ? .fail(ENOSYS) : nil }
        #expect(code("proc/version", root.descriptor, old) == .escapes)
    }

    @Test func `a path that could not be proven is tried again`() async throws {
        try await withMount { _, root in
            let calls = FaultyFiles { call, index in index < 3 && call == .openBeneath ? .fail(EAGAIN) : nil }
            #expect(code("20261121/call.mp3", root, calls) == nil)
            #expect(calls.count(of: .openBeneath) == 4)
        }
    }

    @Test func `an error's text holds no name`() async throws {
        try await withMount { _, root in
            do throws(FileError) {
                _ = try KernelFiles().openRegularFile(FilePath("+420123456789.mp3"), beneath: root).observation
                Issue.record("a missing file was opened")
            } catch {
                #expect(error.description == "open beneath a directory: notFound (ENOENT)")
                #expect(error.path == FilePath("+420123456789.mp3"))
                #expect(error.isTransient)
            }
        }
    }
}
