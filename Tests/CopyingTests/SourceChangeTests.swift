import Copying
import Files
import Glibc
import Support
import Testing
import Vocabulary

@Suite struct SourceChangeTests {
    /// What a recorder may do to a file while it is copied.
    enum Change: CaseIterable {
        case grows, shrinks, isRewritten, isReplaced, isRemoved

        func happen(to file: FilePath) {
            switch self {
            case .grows:
                let descriptor = file.withPath { open($0, O_WRONLY | O_APPEND | O_CLOEXEC) }
                _ = [UInt8](repeating: 1, count: 10).withUnsafeBytes { write(descriptor, $0.baseAddress, 10) }
                close(descriptor)
            case .shrinks: _ = file.withPath { truncate($0, 100) }
            case .isRewritten:
                let descriptor = file.withPath { open($0, O_WRONLY | O_CLOEXEC) }
                _ = [UInt8](repeating: 1, count: 10).withUnsafeBytes { write(descriptor, $0.baseAddress, 10) }
                close(descriptor)
            case .isReplaced:
                let other = FilePath(bytes: file.bytes + Array(".new".utf8))
                close(other.withPath { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) })
                _ = other.withPath { from in file.withPath { rename(from, $0) } }
            case .isRemoved: _ = file.withPath { unlink($0) }
            }
        }
    }

    /// The moments: before the first read, before the write, while it is made durable, before it is read back.
    @Test(arguments: Change.allCases, [FileCall.allocate, .write, .syncFile, .dropCache])
    func `a source that changes while it is copied gets no copy`(change: Change, moment: FileCall) async throws {
        try await CopyFixture.with { fixture in
            let order = try fixture.order(1, content(2 << 20))
            let file = fixture.mount.appending("calls/call-1.mp3")
            // Time stamps come from the timer tick; the recorder wrote this one a while ago.
            let old = [timespec(tv_sec: 1_700_000_000, tv_nsec: 0), timespec(tv_sec: 1_700_000_000, tv_nsec: 0)]
            #expect(file.withPath { utimensat(AT_FDCWD, $0, old, 0) } == 0)
            let calls = FaultyFiles { call, _ in
                call == moment ? .meanwhile { change.happen(to: file) } : nil
            }
            let results = await fixture.copier(calls).run([order])
            #expect(results.first?.code == .sourceChanged)
            #expect(try fixture.volumeFiles().isEmpty)
        }
    }

    @Test func `a source that is not what was looked at gets no copy`() async throws {
        try await CopyFixture.with { fixture in
            var order = try fixture.order(1, content(1000))
            let file = fixture.mount.appending("calls/call-1.mp3")
            order.expectedObservation = try fixture.observe(file)
            #expect(await fixture.copier().run([order]).first?.code == nil)
            Change.isReplaced.happen(to: file)
            order.expectedSize = nil
            order.path = FilePath("other")
            #expect(await fixture.copier().run([order]).first?.code == .sourceChanged)
        }
    }
}
