internal import Glibc

/// A real file system (ext4 of 64 MiB, unless it is said otherwise) on a loop device, mounted in a namespace of the test's own, that a test can do to what disks do.
package final class LoopDisk: Sendable {
    private let mounts: PrivateMounts
    package let image: String
    private let place: String

    package static var isPossible: Bool {
        geteuid() == 0 && PrivateMounts.isPossible && access("/dev/loop-control", W_OK) == 0
            && access("/usr/sbin/mkfs.ext4", X_OK) == 0
    }

    /// Mounted at `place`.
    /// - Parameter make: the command that makes it, before the name of its image.
    package init(
        at place: String, in mounts: PrivateMounts, size: String = "64M", make: String = "/usr/sbin/mkfs.ext4 -q"
    ) throws {
        self.mounts = mounts
        self.place = place
        var pattern = Array("/tmp/takeup-disk-XXXXXX".utf8CString)
        let descriptor = mkstemp(&pattern)
        guard descriptor >= 0 else { throw ChildProcess.Failure(description: "no image for a disk") }
        close(descriptor)
        image = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try ChildProcess.run(["/bin/sh", "-ec", "truncate -s \(size) \(image); \(make) \(image)"])
        try mount()
    }

    deinit {
        _ = try? mounts.run("umount -l \(place)")
        unlink(image)
    }

    package func mount() throws { try mounts.run("mkdir -p \(place); mount -o loop,noatime \(image) \(place)") }

    package func unmount() throws {
        // A file that is being read keeps its mount for as long.
        try mounts.run("n=0; until umount \(place); do n=$((n + 1)); [ $n -lt 300 ]; sleep 0.1; done")
    }

    package func remount(readOnly: Bool) throws {
        try mounts.run("mount -o remount,\(readOnly ? "ro" : "rw") \(place)")
    }

    /// Changes a bit of the one place of the medium that holds these 4096 bytes, beneath the file system: who has them in
    /// memory goes on seeing what was there.
    package func rot(_ block: [UInt8]) throws {
        try mounts.run("sync -f \(place)")
        let descriptor = open(image, O_RDWR | O_CLOEXEC)
        defer { close(descriptor) }
        var found: [Int] = []
        var read = [UInt8](repeating: 0, count: 4096)
        var offset = 0
        while pread(descriptor, &read, read.count, offset) == read.count {
            if read == block { found.append(offset) }
            // So small a file system has blocks of 1 KiB.
            offset += 1024
        }
        guard found.count == 1, let start = found.first else {
            throw ChildProcess.Failure(description: "\(found.count) blocks of the disk hold what was to be changed")
        }
        var byte = block[1000] ^ 0x04
        guard pwrite(descriptor, &byte, 1, start + 1000) == 1, fsync(descriptor) == 0 else {
            throw ChildProcess.Failure(description: "the disk could not be written: errno \(errno)")
        }
    }

    /// From now on every open, read and write fails with EIO, while the mount stays where it is: as of a disk that was
    /// pulled. What was written before is there when it is mounted anew.
    package func shutDown() throws {
        let root = open(mounts.seen(place), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(root) }
        var flag: UInt32 = 0
        // EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_DEFAULT: all is written first.
        guard root >= 0, ioctl(root, 0x8004_587D, &flag) == 0 else {
            throw ChildProcess.Failure(description: "\(place) could not be shut down: errno \(errno)")
        }
    }
}
