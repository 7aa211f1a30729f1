internal import CLinux
internal import Glibc

/// The kernel's number of a watch, unique within its instance.
package typealias WatchNumber = Int32

/// One event as inotify(7) gives it.
package struct InotifyEvent: Hashable, Sendable {
    /// -1 for an overflow of the kernel's queue.
    package let watch: WatchNumber
    package let mask: UInt32
    /// The name within the watched directory; empty for events of the directory itself.
    package let name: [UInt8]

    package init(watch: WatchNumber, mask: UInt32, name: [UInt8] = []) {
        self.watch = watch
        self.mask = mask
        self.name = name
    }

    package func has(_ bit: Int) -> Bool { mask & UInt32(truncatingIfNeeded: bit) != 0 }
    var isDirectory: Bool { has(Int(IN_ISDIR)) }
}

extension InotifyEvent {
    /// What is asked of the kernel. No open, access or modify: a growing recording would flood the queue with them.
    /// A plain create tells of directories, and of files only that they were announced.
    static let mask =
        UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_CREATE) | UInt32(IN_DELETE_SELF)
        | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR) | UInt32(IN_EXCL_UNLINK)

    /// The events in what read(2) returned: whole events only, by inotify(7). A tail that is cut is left out.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> [InotifyEvent] {
        var events: [InotifyEvent] = []
        let header = MemoryLayout<inotify_event>.size
        events.reserveCapacity(bytes.count / (2 * header))
        var offset = 0
        while offset + header <= bytes.count {
            let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
            let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
            let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
            guard offset + header + length <= bytes.count else { break }
            // The name is padded with zero bytes up to the next event.
            let name = bytes[(offset + header)..<(offset + header + length)].prefix { $0 != 0 }
            events.append(InotifyEvent(watch: watch, mask: mask, name: Array(name)))
            offset += header + length
        }
        return events
    }
}

extension InotifyEvent {
    /// What an event means for a tree that is watched.
    enum Meaning: Hashable, Sendable {
        case overflow
        case unmounted
        /// The kernel has dropped the watch; no more events of it come.
        case watchEnded
        /// The watched directory itself was removed, or moved to somewhere else.
        case directoryLeft
        /// A directory was made or moved in.
        case directoryCame
        case fileCreated
        /// Closed after writing, or moved in.
        case fileReady
        case nothing
    }

    var meaning: Meaning {
        if has(Int(IN_Q_OVERFLOW)) { return .overflow }
        if has(Int(IN_UNMOUNT)) { return .unmounted }
        if has(Int(IN_IGNORED)) { return .watchEnded }
        if has(Int(IN_DELETE_SELF)) || has(Int(IN_MOVE_SELF)) { return .directoryLeft }
        if isDirectory { return has(Int(IN_CREATE)) || has(Int(IN_MOVED_TO)) ? .directoryCame : .nothing }
        if has(Int(IN_CLOSE_WRITE)) || has(Int(IN_MOVED_TO)) { return .fileReady }
        return has(Int(IN_CREATE)) ? .fileCreated : .nothing
    }
}
