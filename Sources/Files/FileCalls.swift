package import Vocabulary

/// Every call about files that the copy protocol makes, so that a test can fail any one of them.
///
/// One method is one call to the kernel and tries nothing again. Any of them can hang on a dead mount: call them on
/// ``FileThreads``. A path is taken relative to `directory`; ``KernelFiles/workingDirectory`` stands for absolute ones.
package protocol FileCalls: Sendable {
    /// openat(2), close-on-exec.
    func open(_ path: FilePath, in directory: CInt, flags: CInt) throws(FileError) -> OpenFile
    /// openat2(2), close-on-exec, with `RESOLVE_…` flags.
    func openBeneath(_ path: FilePath, in directory: CInt, flags: CInt, resolve: UInt64) throws(FileError) -> OpenFile
    /// A file for reading and writing without a name (O_TMPFILE); gone with its last descriptor.
    func createUnnamed(in directory: CInt, mode: UInt32) throws(FileError) -> OpenFile
    /// A new file for reading and writing (O_EXCL).
    func createNamed(_ name: FilePath, in directory: CInt, mode: UInt32) throws(FileError) -> OpenFile
    func makeDirectory(_ name: FilePath, in directory: CInt, mode: UInt32) throws(FileError)
    /// Fills `buffer` with the next entries of a directory, as getdents64(2) lays them out; 0 at the end.
    func list(_ directory: CInt, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int

    /// By descriptor, asking the server of a network file system anew.
    func observe(_ descriptor: CInt) throws(FileError) -> FileObservation
    /// By name, following no link.
    func observe(_ name: FilePath, in directory: CInt) throws(FileError) -> FileObservation
    func fileSystem(_ descriptor: CInt) throws(FileError) -> FileSystemFacts

    /// Bytes read, 0 at the end.
    func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(FileError) -> Int
    /// Bytes written; may be fewer than given.
    func write(_ descriptor: CInt, from bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileError) -> Int
    /// Reserves space from the beginning on.
    /// - Parameter keepsSize: the file does not become as long as that; one that is written to its reserved length past
    ///   the cache is written with less ado.
    func allocate(_ descriptor: CInt, byteCount: Int64, keepsSize: Bool) throws(FileError)
    /// Whether reads and writes go past the page cache (O_DIRECT): then offset, length and address are multiples of
    /// ``KernelFiles/directUnit``.
    func setDirect(_ descriptor: CInt, _ isDirect: Bool) throws(FileError)
    func setMode(_ descriptor: CInt, mode: UInt32) throws(FileError)
    /// nil leaves as it is.
    func setOwner(_ descriptor: CInt, user: UInt32?, group: UInt32?) throws(FileError)
    func setModified(_ descriptor: CInt, to time: FileTime) throws(FileError)
    /// Names of extended attributes, each ended by a zero byte; how many bytes they are (flistxattr(2)).
    func attributeNames(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int
    /// The value of one; how many bytes it is (fgetxattr(2)).
    func attribute(
        _ descriptor: CInt, named name: String, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FileError) -> Int
    /// fsetxattr(2).
    func setAttribute(_ descriptor: CInt, named name: String, to value: UnsafeRawBufferPointer) throws(FileError)

    func syncFile(_ descriptor: CInt) throws(FileError)
    func syncDirectory(_ descriptor: CInt) throws(FileError)
    /// All of the file system. Reports write errors since `descriptor` was opened (syncfs(2), Linux 5.8).
    func syncFileSystem(_ descriptor: CInt) throws(FileError)
    func dropCache(_ descriptor: CInt) throws(FileError)
    /// How many pages of these bytes are in the page cache (mincore(2)). ENODEV where files cannot be mapped.
    func residentPages(_ descriptor: CInt, in bytes: Range<Int64>) throws(FileError) -> Int64

    /// Gives an open file, named or not, a name that must be free.
    func link(_ descriptor: CInt, to name: FilePath, in directory: CInt) throws(FileError)
    /// Gives a named file a second name that must be free.
    func link(_ name: FilePath, in directory: CInt, to other: FilePath, in otherDirectory: CInt) throws(FileError)
    /// renameat2(2) with RENAME_NOREPLACE.
    func renameWithoutReplacing(
        _ name: FilePath, in directory: CInt, to other: FilePath, in otherDirectory: CInt
    ) throws(FileError)
    /// renameat(2): what has the other name loses it. Never for copies.
    func replace(_ other: FilePath, by name: FilePath, in directory: CInt) throws(FileError)
    func unlink(_ name: FilePath, in directory: CInt) throws(FileError)
    func close(_ file: consuming OpenFile) throws(FileError)
}
