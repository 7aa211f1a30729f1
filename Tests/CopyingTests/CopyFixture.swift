import Copying
import Files
import Support
import Testing
import Vocabulary

/// A mount and a volume side by side on one scratch disk.
struct CopyFixture: Sendable {
    let scratch: ScratchDirectory
    let volume: CopyVolume
    let threads = FileThreads(name: "test-volume", count: 2)

    static func with<Value>(_ body: (CopyFixture) async throws -> Value) async throws -> Value {
        try await ScratchDirectory.with { scratch in
            try scratch.directory("mount")
            let id = try makeVolume(scratch.directory("volume"))
            return try await body(
                CopyFixture(
                    scratch: scratch, volume: CopyVolume(root: scratch.path.appending("volume"), id: id)))
        }
    }

    private static func makeVolume(_ path: FilePath) throws -> VolumeID {
        let root = try KernelFiles().openRoot(path)
        return try VolumeMarker.create(in: root.descriptor).id
    }

    private init(scratch: ScratchDirectory, volume: CopyVolume) {
        self.scratch = scratch
        self.volume = volume
    }

    var mount: FilePath { scratch.path.appending("mount") }

    func copier(
        _ calls: any FileCalls = KernelFiles(), threads: FileThreads? = nil, settings: CopySettings = CopySettings()
    ) -> Copier {
        Copier(volume: volume, threads: threads ?? self.threads, calls: calls, settings: settings)
    }

    /// Writes a recorder's file and orders its copy to `20261121/<name>`.
    func order(
        _ token: Int64, _ bytes: [UInt8], name: FilePath? = nil, crc32: CRCExpectation = .none
    ) throws -> CopyOrder {
        let name = name ?? FilePath("call-\(token).mp3")
        try scratch.write(bytes, to: FilePath("mount/calls").appending(name.bytes))
        return CopyOrder(
            token: FencingToken(rawValue: token),
            source: .beneath(root: mount, path: FilePath("calls").appending(name.bytes)),
            path: FilePath("north/20261121").appending(name.bytes), expectedSize: Int64(bytes.count), crc32: crc32)
    }

    /// The bytes published for an order.
    func published(_ order: CopyOrder) throws -> [UInt8]? {
        try scratch.read(FilePath("volume").appending(order.path.bytes))
    }

    /// What lies on the volume beside its marker.
    func volumeFiles() throws -> [FilePath] {
        try scratch.files(below: "volume").filter { $0 != VolumeMarker.name }
    }

    func observe(_ path: FilePath) throws -> FileObservation {
        try KernelFiles().observe(path, in: KernelFiles.workingDirectory)
    }
}

/// Bytes that repeat nowhere soon.
func content(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state)
    }
}

extension Result where Failure == CopyError {
    var code: CopyError.Code? {
        switch self {
        case .success: nil
        case .failure(let error): error.code
        }
    }
}
