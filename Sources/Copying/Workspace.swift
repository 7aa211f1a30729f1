internal import Files
internal import Glibc
internal import Synchronization

/// One block and the hash states for one file at a time. Used by one thread at a time, which the pool sees to.
final class Workspace: @unchecked Sendable {
    /// Aligned for reading past the cache.
    let block: UnsafeMutableRawBufferPointer
    let hash = StreamHash()
    private let page: HugePage

    static let (large, small) = (1 << 20, 256 << 10)

    /// Those that share one page.
    static func some(byteCount: Int) -> [Workspace] {
        let page = HugePage()
        return page.blocks(of: byteCount).map { Workspace($0, of: page) }
    }

    private init(_ block: UnsafeMutableRawBufferPointer, of page: HugePage) {
        self.block = block
        self.page = page
    }

    /// So much of the block as `left` bytes of a file need, and the end behind them: what is read past the cache takes the
    /// memory of all that it may fill, however little comes.
    ///
    /// - Parameter most: bytes.
    func part(for left: Int64, most: Int = .max) -> UnsafeMutableRawBufferPointer {
        let unit = KernelFiles.directUnit
        let room = Int(clamping: left) >= block.count ? block.count : (Int(clamping: left) / unit + 1) * unit
        return UnsafeMutableRawBufferPointer(rebasing: block[..<min(room, most, block.count)])
    }
}

/// Memory for blocks that lies together where the kernel has such a page: a disk takes only so many pieces in one request
/// (`max_segments`, 254 on a virtio disk), and a block in 256 pages of 4 KiB is split where memory is fragmented, which page
/// caches see to. Elsewhere it is plain memory.
private final class HugePage: @unchecked Sendable {
    /// Of x86-64 and of most others.
    private static let size = 2 << 20
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: size)

    init() { madvise(memory.baseAddress, memory.count, MADV_HUGEPAGE) }
    deinit { memory.deallocate() }

    func blocks(of byteCount: Int) -> [UnsafeMutableRawBufferPointer] {
        stride(from: 0, to: HugePage.size, by: byteCount).map {
            UnsafeMutableRawBufferPointer(rebasing: memory[$0..<$0 + byteCount])
        }
    }
}

/// Workspaces are used again, so that memory is bounded by how many threads copy and not by what they copy. Small files have
/// small blocks, and so has what works while many others do: with so many requests at the disks the size of each makes it
/// no faster.
///
/// For all volumes of a process together.
package final class Workspaces: Sendable {
    private struct State {
        var free: [Workspace] = []
        var freeSmall: [Workspace] = []
        var large = 0
    }

    private let state = Mutex(State())
    private static let mostLarge = 8

    package init() {}

    /// - Parameter size: of the file, where it is known.
    func with<Value>(
        for size: Int64 = .max, _ body: (Workspace) throws(CopyError) -> Value
    ) throws(CopyError) -> Value {
        let workspace = take(size)
        defer { giveBack(workspace) }
        return try body(workspace)
    }

    private func take(_ size: Int64) -> Workspace {
        state.withLock { state in
            if size >= Int64(Workspace.small) {
                if state.free.isEmpty, state.large < Workspaces.mostLarge {
                    state.free = Workspace.some(byteCount: Workspace.large)
                    state.large += state.free.count
                }
                if let free = state.free.popLast() { return free }
            }
            if state.freeSmall.isEmpty { state.freeSmall = Workspace.some(byteCount: Workspace.small) }
            return state.freeSmall.removeLast()
        }
    }

    private func giveBack(_ workspace: Workspace) {
        state.withLock { state in
            if workspace.block.count == Workspace.large {
                state.free.append(workspace)
            } else {
                state.freeSmall.append(workspace)
            }
        }
    }
}
