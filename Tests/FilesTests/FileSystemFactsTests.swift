import Files
import Support
import Testing
import Vocabulary

@Suite struct FileSystemFactsTests {
    @Test func `what the file system holds back for root counts neither as used nor as ours`() {
        let facts = FileSystemFacts(
            kind: .ext, totalBytes: 1000, freeBytes: 600, availableBytes: 400, totalInodes: 100, freeInodes: 25,
            availableInodes: 25)
        #expect(facts.usedBytes == 400)
        #expect(facts.usedShare == 0.5)
        #expect(facts.usedInodeShare == 0.75)
        #expect(!facts.isOutOfInodes)
    }

    @Test func `where inodes are made as they are needed there is no share of them`() {
        let facts = FileSystemFacts(kind: .btrfs, totalBytes: 10, freeBytes: 5, availableBytes: 5)
        #expect(facts.usedInodeShare == nil)
        #expect(!facts.isOutOfInodes)
    }

    @Test(arguments: [
        (0x6969, FileSystemKind.nfs, true, true), (0xFE53_4D42, .smb2, true, true), (0xFF53_4D42, .cifs, true, true),
        (0x6573_5546, .fuse, true, true), (0x0102_1997, .v9fs, true, true), (0xEF53, .ext, false, false),
        (0x794C_7630, .overlay, false, true), (0x0102_1994, .tmpfs, false, false), (0x42, .other(0x42), false, false),
    ])
    func `the magic number says whether changes can come unseen`(
        magic: UInt32, kind: FileSystemKind, isRemote: Bool, changesUnseen: Bool
    ) {
        let found = FileSystemKind(magic: magic)
        #expect(found == kind)
        #expect(found.isRemote == isRemote)
        #expect(found.changesUnseen == changesUnseen)
    }

    @Test func `real file systems say what they are and what is left`() throws {
        let memory = try FileSystemFacts.look(at: FilePath("/dev/shm"))
        #expect(memory.kind == .tmpfs)
        #expect(memory.totalBytes >= memory.freeBytes && memory.freeBytes > 0)
        let root = try FileSystemFacts.look(at: FilePath("/"))
        #expect(root.kind != .tmpfs)
        #expect((0...1).contains(root.usedShare))
        #expect(root.availableBytes <= root.freeBytes)
    }
}
