package import Files
internal import Glibc
internal import Synchronization
package import Vocabulary

/// The kernel's calls, recorded, and where a test says so failing, falling short, lying, or met by something that
/// happens in that moment.
package final class FaultyFiles: FileCalls {
    package enum Fault: Sendable {
        /// Fails with errno and does nothing.
        case fail(CInt)
        /// Does what was asked, then fails with errno: a reply that is lost.
        case failAfter(CInt)
        /// A write or read of half of what was given, at least one byte.
        case short
        /// A write that puts another byte in place of its first.
        case corrupt
        /// An answer of ``FileCalls/residentPages(_:in:)`` that the kernel did not give.
        case resident(Int64)
        /// A listing that shows nothing.
        case endsAtOnce
        /// Happens before the call, which then goes on.
        case meanwhile(@Sendable () -> Void)
    }

    package struct Record: Hashable, Sendable {
        package let call: FileCall
        package let succeeded: Bool
    }

    private let kernel = KernelFiles()
    private let claim: @Sendable (FilePath, inout FileSystemFacts) -> Void
    private let fault: @Sendable (FileCall, Int) -> Fault?
    private let records = Mutex<[Record]>([])

    /// `fault` gets the call and how many calls, of any sort, came before it. `claim` changes what the file system says
    /// about itself.
    package init(
        _ fault: @escaping @Sendable (FileCall, Int) -> Fault? = { _, _ in nil },
        claim: @escaping @Sendable (inout FileSystemFacts) -> Void = { _ in }
    ) {
        self.claim = { claim(&$1) }
        self.fault = fault
    }

    /// `claimOf` gets the directory that was asked about; it may take its time, as one that hangs does.
    package init(
        _ fault: @escaping @Sendable (FileCall, Int) -> Fault? = { _, _ in nil },
        claimOf: @escaping @Sendable (FilePath, inout FileSystemFacts) -> Void
    ) {
        claim = claimOf
        self.fault = fault
    }

    /// A file system that says it is of another kind.
    package convenience init(claiming kind: FileSystemKind) { self.init({ _, _ in nil }, claim: { $0.kind = kind }) }

    /// Every call so far, in order.
    package var recorded: [Record] { records.withLock { $0 } }
    package func count(of call: FileCall) -> Int { recorded.count { $0.call == call } }

    private func record<Value: ~Copyable>(
        _ call: FileCall, _ body: (Fault?) throws(FileError) -> Value
    ) throws(FileError) -> Value {
        let index = records.withLock {
            $0.append(Record(call: call, succeeded: false))
            return $0.count - 1
        }
        let fault = fault(call, index)
        switch fault {
        case .fail(let number): throw FileError(call, number: number)
        case .meanwhile(let event): event()
        case .failAfter(let number):
            _ = try body(fault)
            throw FileError(call, number: number)
        case .short, .corrupt, .resident, .endsAtOnce, nil: break
        }
        let value = try body(fault)
        records.withLock { $0[index] = Record(call: call, succeeded: true) }
        return value
    }

    package func open(_ path: FilePath, in directory: CInt, flags: CInt) throws(FileError) -> OpenFile {
        try record(.open) { _ throws(FileError) in try kernel.open(path, in: directory, flags: flags) }
    }

    package func openBeneath(
        _ path: FilePath, in directory: CInt, flags: CInt, resolve: UInt64
    ) throws(FileError) -> OpenFile {
        try record(.openBeneath) { _ throws(FileError) in
            try kernel.openBeneath(path, in: directory, flags: flags, resolve: resolve)
        }
    }

    package func createUnnamed(in directory: CInt, mode: UInt32) throws(FileError) -> OpenFile {
        try record(.createUnnamed) { _ throws(FileError) in try kernel.createUnnamed(in: directory, mode: mode) }
    }

    package func createNamed(_ name: FilePath, in directory: CInt, mode: UInt32) throws(FileError) -> OpenFile {
        try record(.createNamed) { _ throws(FileError) in
            try kernel.createNamed(name, in: directory, mode: mode)
        }
    }

    package func makeDirectory(_ name: FilePath, in directory: CInt, mode: UInt32) throws(FileError) {
        try record(.makeDirectory) { _ throws(FileError) in
            try kernel.makeDirectory(name, in: directory, mode: mode)
        }
    }

    package func list(_ directory: CInt, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        try record(.list) { fault throws(FileError) in
            if case .endsAtOnce = fault { return 0 }
            return try kernel.list(directory, into: buffer)
        }
    }

    package func observe(_ descriptor: CInt) throws(FileError) -> FileObservation {
        try record(.observe) { _ throws(FileError) in try kernel.observe(descriptor) }
    }

    package func observe(_ name: FilePath, in directory: CInt) throws(FileError) -> FileObservation {
        try record(.observeName) { _ throws(FileError) in try kernel.observe(name, in: directory) }
    }

    package func fileSystem(_ descriptor: CInt) throws(FileError) -> FileSystemFacts {
        try record(.fileSystem) { _ throws(FileError) in
            var facts = try kernel.fileSystem(descriptor)
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = readlink("/proc/self/fd/\(descriptor)", &bytes, bytes.count)
            claim(FilePath(bytes: bytes.prefix(max(0, length)).map { UInt8(bitPattern: $0) }), &facts)
            return facts
        }
    }

    package func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(FileError) -> Int {
        try record(.read) { fault throws(FileError) in
            guard case .short = fault else { return try kernel.read(descriptor, into: buffer, at: offset) }
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, 100)])
            return try kernel.read(descriptor, into: part, at: offset)
        }
    }

    package func write(
        _ descriptor: CInt, from bytes: UnsafeRawBufferPointer, at offset: Int64
    ) throws(FileError) -> Int {
        try record(.write) { fault throws(FileError) in
            switch fault {
            case .short:
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<max(1, bytes.count / 2)])
                return try kernel.write(descriptor, from: part, at: offset)
            case .corrupt:
                var changed = Array(bytes)
                changed[0] ^= 1
                return try changed.withUnsafeBufferPointer { (buffer) throws(FileError) in
                    try kernel.write(descriptor, from: UnsafeRawBufferPointer(buffer), at: offset)
                }
            case .fail, .failAfter, .resident, .endsAtOnce, .meanwhile, nil:
                return try kernel.write(descriptor, from: bytes, at: offset)
            }
        }
    }

    package func allocate(_ descriptor: CInt, byteCount: Int64, keepsSize: Bool) throws(FileError) {
        try record(.allocate) { _ throws(FileError) in
            try kernel.allocate(descriptor, byteCount: byteCount, keepsSize: keepsSize)
        }
    }

    package func setDirect(_ descriptor: CInt, _ isDirect: Bool) throws(FileError) {
        try record(.setDirect) { _ throws(FileError) in try kernel.setDirect(descriptor, isDirect) }
    }

    package func setMode(_ descriptor: CInt, mode: UInt32) throws(FileError) {
        try record(.setMode) { _ throws(FileError) in try kernel.setMode(descriptor, mode: mode) }
    }

    package func setOwner(_ descriptor: CInt, user: UInt32?, group: UInt32?) throws(FileError) {
        try record(.setOwner) { _ throws(FileError) in
            try kernel.setOwner(descriptor, user: user, group: group)
        }
    }

    package func setModified(_ descriptor: CInt, to time: FileTime) throws(FileError) {
        try record(.setTimes) { _ throws(FileError) in try kernel.setModified(descriptor, to: time) }
    }

    package func attributeNames(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int {
        try record(.listAttributes) { _ throws(FileError) in try kernel.attributeNames(descriptor, into: buffer) }
    }

    package func attribute(
        _ descriptor: CInt, named name: String, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int {
        try record(.readAttribute) { _ throws(FileError) in
            try kernel.attribute(descriptor, named: name, into: buffer)
        }
    }

    package func setAttribute(
        _ descriptor: CInt, named name: String, to value: UnsafeRawBufferPointer
    ) throws(FileError) {
        try record(.setAttribute) { _ throws(FileError) in
            try kernel.setAttribute(descriptor, named: name, to: value)
        }
    }

    package func syncFile(_ descriptor: CInt) throws(FileError) {
        try record(.syncFile) { _ throws(FileError) in try kernel.syncFile(descriptor) }
    }

    package func syncDirectory(_ descriptor: CInt) throws(FileError) {
        try record(.syncDirectory) { _ throws(FileError) in try kernel.syncDirectory(descriptor) }
    }

    package func syncFileSystem(_ descriptor: CInt) throws(FileError) {
        try record(.syncFileSystem) { _ throws(FileError) in try kernel.syncFileSystem(descriptor) }
    }

    package func dropCache(_ descriptor: CInt) throws(FileError) {
        try record(.dropCache) { _ throws(FileError) in try kernel.dropCache(descriptor) }
    }

    package func residentPages(_ descriptor: CInt, in bytes: Range<Int64>) throws(FileError) -> Int64 {
        try record(.residentPages) { fault throws(FileError) in
            if case .resident(let count) = fault { return count }
            return try kernel.residentPages(descriptor, in: bytes)
        }
    }

    package func link(_ descriptor: CInt, to name: FilePath, in directory: CInt) throws(FileError) {
        try record(.link) { _ throws(FileError) in try kernel.link(descriptor, to: name, in: directory) }
    }

    package func link(
        _ name: FilePath, in directory: CInt, to other: FilePath, in otherDirectory: CInt
    ) throws(FileError) {
        try record(.linkName) { _ throws(FileError) in
            try kernel.link(name, in: directory, to: other, in: otherDirectory)
        }
    }

    package func renameWithoutReplacing(
        _ name: FilePath, in directory: CInt, to other: FilePath, in otherDirectory: CInt
    ) throws(FileError) {
        try record(.rename) { _ throws(FileError) in
            try kernel.renameWithoutReplacing(name, in: directory, to: other, in: otherDirectory)
        }
    }

    package func replace(_ other: FilePath, by name: FilePath, in directory: CInt) throws(FileError) {
        try record(.replace) { _ throws(FileError) in try kernel.replace(other, by: name, in: directory) }
    }

    package func unlink(_ name: FilePath, in directory: CInt) throws(FileError) {
        try record(.unlink) { _ throws(FileError) in try kernel.unlink(name, in: directory) }
    }

    /// The descriptor is closed whatever fault is asked for, as the kernel does.
    package func close(_ file: consuming OpenFile) throws(FileError) {
        let held = HeldFile(file)
        try record(.close) { _ throws(FileError) in try held.close(with: kernel) }
    }
}
