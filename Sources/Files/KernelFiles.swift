internal import CLinux
internal import Glibc
package import Vocabulary

/// The calls as the kernel makes them.
package struct KernelFiles: FileCalls {
    /// The directory argument with which a path is taken as it stands.
    package static let workingDirectory: CInt = AT_FDCWD

    /// Bytes. The largest unit that file systems ask of what goes past the page cache.
    package static let directUnit = 4096

    package init() {}

    package func open(_ path: FilePath, in directory: CInt, flags: CInt) throws(FileError) -> OpenFile {
        try opened(.open, path) { openat(directory, $0, flags | O_CLOEXEC) }
    }

    package func openBeneath(
        _ path: FilePath, in directory: CInt, flags: CInt, resolve: UInt64
    ) throws(FileError) -> OpenFile {
        var how = open_how()
        how.flags = UInt64(flags | O_CLOEXEC)
        how.resolve = resolve
        return try opened(.openBeneath, path) { takeup_openat2(directory, $0, &how) }
    }

    package func createUnnamed(in directory: CInt, mode: UInt32) throws(FileError) -> OpenFile {
        try opened(.createUnnamed, FilePath(".")) {
            openat(directory, $0, O_RDWR | takeup_O_TMPFILE | O_CLOEXEC, mode_t(mode))
        }
    }

    package func createNamed(_ name: FilePath, in directory: CInt, mode: UInt32) throws(FileError) -> OpenFile {
        try opened(.createNamed, name) {
            openat(directory, $0, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t(mode))
        }
    }

    package func makeDirectory(_ name: FilePath, in directory: CInt, mode: UInt32) throws(FileError) {
        try done(.makeDirectory, name) { mkdirat(directory, $0, mode_t(mode)) }
    }

    package func list(_ directory: CInt, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        try counted(.list) { Int(takeup_directory_entries(directory, buffer.baseAddress, UInt64(buffer.count))) }
    }

    package func observe(_ descriptor: CInt) throws(FileError) -> FileObservation {
        var found = statx()
        let flags = takeup_AT_EMPTY_PATH | takeup_AT_STATX_FORCE_SYNC
        try done(.observe) { takeup_statx(descriptor, "", flags, UInt32(STATX_BASIC_STATS), &found) }
        return FileObservation(found)
    }

    package func observe(_ name: FilePath, in directory: CInt) throws(FileError) -> FileObservation {
        var found = statx()
        try done(.observeName, name) {
            takeup_statx(directory, $0, AT_SYMLINK_NOFOLLOW, UInt32(STATX_BASIC_STATS), &found)
        }
        return FileObservation(found)
    }

    package func fileSystem(_ descriptor: CInt) throws(FileError) -> FileSystemFacts {
        var kind = statfs()
        try done(.fileSystem) { fstatfs(descriptor, &kind) }
        var space = statvfs()
        try done(.fileSystem) { fstatvfs(descriptor, &space) }
        return FileSystemFacts(kind, space)
    }

    package func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(FileError) -> Int {
        try counted(.read) { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    package func write(
        _ descriptor: CInt, from bytes: UnsafeRawBufferPointer, at offset: Int64
    ) throws(FileError) -> Int {
        try counted(.write) { pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset)) }
    }

    package func allocate(_ descriptor: CInt, byteCount: Int64, keepsSize: Bool) throws(FileError) {
        let mode = keepsSize ? takeup_FALLOC_FL_KEEP_SIZE : 0
        try done(.allocate) { takeup_fallocate(descriptor, mode, 0, byteCount) }
    }

    package func setDirect(_ descriptor: CInt, _ isDirect: Bool) throws(FileError) {
        // No other flag that can be set is ever set here.
        try done(.setDirect) { takeup_set_status_flags(descriptor, isDirect ? takeup_O_DIRECT : 0) }
    }

    package func setMode(_ descriptor: CInt, mode: UInt32) throws(FileError) {
        try done(.setMode) { fchmod(descriptor, mode_t(mode)) }
    }

    package func setOwner(_ descriptor: CInt, user: UInt32?, group: UInt32?) throws(FileError) {
        try done(.setOwner) { fchown(descriptor, user ?? UInt32.max, group ?? UInt32.max) }
    }

    package func setModified(_ descriptor: CInt, to time: FileTime) throws(FileError) {
        let stamp = timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
        try done(.setTimes) {
            withUnsafeBytes(of: (stamp, stamp)) {
                futimens(descriptor, $0.assumingMemoryBound(to: timespec.self).baseAddress)
            }
        }
    }

    package func attributeNames(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int {
        try counted(.listAttributes) { flistxattr(descriptor, buffer.baseAddress, buffer.count) }
    }

    package func attribute(
        _ descriptor: CInt, named name: String, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int {
        try counted(.readAttribute) { fgetxattr(descriptor, name, buffer.baseAddress, buffer.count) }
    }

    package func setAttribute(
        _ descriptor: CInt, named name: String, to value: UnsafeRawBufferPointer
    ) throws(FileError) {
        try done(.setAttribute) { fsetxattr(descriptor, name, value.baseAddress, value.count, 0) }
    }

    package func syncFile(_ descriptor: CInt) throws(FileError) { try done(.syncFile) { fsync(descriptor) } }

    package func syncDirectory(_ descriptor: CInt) throws(FileError) {
        try done(.syncDirectory) { fsync(descriptor) }
    }

    package func syncFileSystem(_ descriptor: CInt) throws(FileError) {
        try done(.syncFileSystem) { takeup_syncfs(descriptor) }
    }

    package func dropCache(_ descriptor: CInt) throws(FileError) {
        // posix_fadvise returns the error instead of setting errno.
        let number = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        if number != 0 { throw FileError(.dropCache, number: number) }
    }

    package func residentPages(_ descriptor: CInt, in bytes: Range<Int64>) throws(FileError) -> Int64 {
        Int64(
            try counted(.residentPages) {
                Int(takeup_resident_pages(descriptor, UInt64(bytes.lowerBound), UInt64(bytes.upperBound)))
            })
    }

    package func link(_ descriptor: CInt, to name: FilePath, in directory: CInt) throws(FileError) {
        try done(.link, name) { takeup_link_descriptor(descriptor, directory, $0) }
    }

    package func link(
        _ name: FilePath, in directory: CInt, to other: FilePath, in otherDirectory: CInt
    ) throws(FileError) {
        try done(.linkName, other) { new in
            name.withKernelPath { linkat(directory, $0, otherDirectory, new, 0) }
        }
    }

    package func renameWithoutReplacing(
        _ name: FilePath, in directory: CInt, to other: FilePath, in otherDirectory: CInt
    ) throws(FileError) {
        try done(.rename, other) { new in
            name.withKernelPath { takeup_renameat2(directory, $0, otherDirectory, new, takeup_RENAME_NOREPLACE) }
        }
    }

    package func replace(_ other: FilePath, by name: FilePath, in directory: CInt) throws(FileError) {
        try done(.replace, other) { new in
            name.withKernelPath { takeup_renameat2(directory, $0, directory, new, 0) }
        }
    }

    package func unlink(_ name: FilePath, in directory: CInt) throws(FileError) {
        try done(.unlink, name) { unlinkat(directory, $0, 0) }
    }

    package func close(_ file: consuming OpenFile) throws(FileError) { try file.close() }
}

extension FilePath {
    /// The path as the kernel takes it, ended by a zero byte. errno of a call inside survives.
    func withKernelPath<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
            for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
            buffer[bytes.count] = 0
            return buffer.withUnsafePath(body)
        }
    }
}

extension UnsafeMutableBufferPointer<CChar> {
    fileprivate func withUnsafePath<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
        guard let baseAddress else { preconditionFailure("a buffer of at least one byte has an address") }
        return body(UnsafePointer(baseAddress))
    }
}

private func opened(
    _ call: FileCall, _ path: FilePath, _ body: (UnsafePointer<CChar>) -> CInt
) throws(FileError) -> OpenFile {
    let (descriptor, number) = path.withKernelPath { (body($0), errno) }
    if descriptor < 0 { throw FileError(call, number: number, path: path) }
    return OpenFile(owning: descriptor)
}

private func done(
    _ call: FileCall, _ path: FilePath, _ body: (UnsafePointer<CChar>) -> CInt
) throws(FileError) {
    let (result, number) = path.withKernelPath { (body($0), errno) }
    if result != 0 { throw FileError(call, number: number, path: path) }
}

private func done(_ call: FileCall, _ body: () -> CInt) throws(FileError) {
    let (result, number) = (body(), errno)
    if result != 0 { throw FileError(call, number: number) }
}

private func counted(_ call: FileCall, _ body: () -> Int) throws(FileError) -> Int {
    let (count, number) = (body(), errno)
    if count < 0 { throw FileError(call, number: number) }
    return count
}
