internal import Files
internal import Glibc
internal import Synchronization

/// One block and the hash states for one file at a time. Used by one thread at a time, which the pool sees to.
final class Workspace: @unchecked Sendable {
    /// A mebibyte, aligned for reading past the cache.
    let block: UnsafeMutableRawBufferPointer
    let hash = StreamHash()
    private let page: HugePage

    /// Those that share one page.
    static func some() -> [Workspace] {
        let page = HugePage()
        return page.blocks.map { Workspace($0, of: page) }
    }

    private init(_ block: UnsafeMutableRawBufferPointer, of page: HugePage) {
        self.block = block
        self.page = page
    }
}

/// Memory for blocks that lies together where the kernel has such a page: a disk takes only so many pieces in one request
/// (`max_segments`, 254 on a virtio disk), and a block in 256 pages of 4 KiB is split where memory is fragmented, which page
/// caches see to. Elsewhere it is plain memory.
private final class HugePage: @unchecked Sendable {
    /// Of x86-64 and of most others.
    private static let size = 2 << 20
    private static let blockSize = 1 << 20
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: size)

    init() { madvise(memory.baseAddress, memory.count, MADV_HUGEPAGE) }
    deinit { memory.deallocate() }

    var blocks: [UnsafeMutableRawBufferPointer] {
        stride(from: 0, to: HugePage.size, by: HugePage.blockSize).map {
            UnsafeMutableRawBufferPointer(rebasing: memory[$0..<$0 + HugePage.blockSize])
        }
    }
}

/// Workspaces are used again, so that memory is bounded by how many threads copy and not by what they copy.
final class Workspaces: Sendable {
    private let free = Mutex<[Workspace]>([])

    func with<Value>(_ body: (Workspace) throws(CopyError) -> Value) throws(CopyError) -> Value {
        let workspace = free.withLock { free in
            if free.isEmpty { free = Workspace.some() }
            return free.removeLast()
        }
        defer { free.withLock { $0.append(workspace) } }
        return try body(workspace)
    }
}
