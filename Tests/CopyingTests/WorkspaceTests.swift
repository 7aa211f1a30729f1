import Files
import Testing

@testable import Copying

/// What copies take of memory, however many files are copied at once and whatever their sizes.
@Suite struct WorkspaceTests {
    @Test func `eight files at once have large blocks, more and small ones have small blocks, and all are used again`()
        throws
    {
        let workspaces = Workspaces()
        func sizes(_ count: Int) throws(CopyError) -> [Int] {
            if count == 0 { return [] }
            return try workspaces.with { (workspace) throws(CopyError) in
                [workspace.block.count] + (try sizes(count - 1))
            }
        }
        let once = try sizes(20)
        #expect(once.count { $0 == 1 << 20 } == 8)
        #expect(once.count { $0 == 256 << 10 } == 12)
        #expect(once.reduce(0, +) == 11 << 20)
        #expect(try sizes(20).sorted() == once.sorted())
        #expect(try sizes(1) == [1 << 20])
        for size in [Int64(0), 200 << 10, 1 << 20] {
            let block = try workspaces.with(for: size) { (workspace) throws(CopyError) in workspace.block.count }
            #expect(block == (size < 1 << 20 ? 256 << 10 : 1 << 20))
        }
    }

    @Test func `a read takes no more of a block than the file can fill, and sees what it grew by`() {
        let workspace = Workspace.some(byteCount: 1 << 20)[0]
        let unit = KernelFiles.directUnit
        for left in [0, 1, unit - 1, unit, unit + 1, 200_000, (1 << 20) - 1] {
            let part = workspace.part(for: Int64(left))
            #expect(part.count % unit == 0 && part.count > left && part.count <= left + unit, "\(left)")
            #expect(part.baseAddress == workspace.block.baseAddress)
        }
        for left in [Int64(1 << 20), .max] { #expect(workspace.part(for: left).count == 1 << 20) }
        #expect(workspace.part(for: .max, most: 64 << 10).count == 64 << 10)
    }
}
