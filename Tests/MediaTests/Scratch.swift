import Glibc
import Media
import Support
import Vocabulary

/// A directory of one test, with samples of this run at hand. Goes with its last reference.
final class Scratch: Sendable {
    let path: String
    let samples: MediaSamples
    var cms: CMSSamples { CMSSamples(in: samples) }

    init() throws {
        guard let samples = MediaSamples.ofThisRun else { throw SampleFailure("no directory for samples") }
        self.samples = samples
        path = "/tmp/takeup-media-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        guard mkdir(path, 0o700) == 0 else { throw SampleFailure("make \(path)") }
    }

    deinit {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                unlink(
                    "\(path)/"
                        + withUnsafePointer(to: &entry.pointee.d_name) {
                            String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
                        })
            }
            closedir(directory)
        }
        rmdir(path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// A file with these bytes, open for reading and writing.
    func open(_ bytes: [UInt8], _ name: String = "input") throws -> OpenSample {
        try writeSample(bytes, to: file(name))
        return try OpenSample(file(name))
    }

    func keyRing(_ recipients: [CMSSamples.Recipient] = [.rsa, .ec]) throws -> KeyRing {
        try KeyRing(
            loading: recipients.map {
                KeyRing.KeyFiles(
                    privateKey: FilePath(try cms.key(of: $0)), certificates: FilePath(try cms.certificate(of: $0)))
            })
    }
}

/// An open file, closed with its last reference.
final class OpenSample: Sendable {
    let descriptor: CInt

    init(_ path: String, create: Bool = false) throws {
        descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0o600)
        guard descriptor >= 0 else { throw SampleFailure("open \(path): errno \(errno)") }
    }

    deinit { close(descriptor) }

    var size: Int { Int(lseek(descriptor, 0, SEEK_END)) }
}

let tools = MediaTools(ffmpeg: FilePath("/usr/bin/ffmpeg"), ffprobe: FilePath("/usr/bin/ffprobe"))

/// The same bytes for the same seed.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        withUnsafeBytes(of: state ^ state >> 29) { bytes.append(contentsOf: $0) }
    }
    return Array(bytes[..<count])
}
