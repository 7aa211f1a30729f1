internal import Files
internal import Synchronization

/// One block and the hash states for one file at a time. Used by one thread at a time, which the pool sees to.
final class Workspace: @unchecked Sendable {
    /// A mebibyte, aligned for reading past the cache.
    let block: UnsafeMutableRawBufferPointer
    let hash = StreamHash()

    init() { block = .allocate(byteCount: 1 << 20, alignment: 4096) }
    deinit { block.deallocate() }
}

/// Workspaces are used again, so that memory is bounded by how many threads copy and not by what they copy.
final class Workspaces: Sendable {
    private let free = Mutex<[Workspace]>([])

    func with<Value>(_ body: (Workspace) throws(CopyError) -> Value) throws(CopyError) -> Value {
        let workspace = free.withLock { $0.popLast() } ?? Workspace()
        defer { free.withLock { $0.append(workspace) } }
        return try body(workspace)
    }
}
