internal import Glibc
internal import Synchronization

/// A directory seen through a FUSE process that fails and delays as a test says: what the kernel then answers is real.
///
/// It has hard links, and neither unnamed files nor reservations.
package final class FaultMount: Sendable {
    private let server: ChildProcess
    private let control: String
    private let mounts: PrivateMounts
    private let place: String

    /// What the process is asked for.
    package enum Operation: String, Sendable {
        case getattr, readdir, open, create, read, write, fsync, flush, link, unlink, mkdir, statfs, chmod, utimens
        case setxattr, getxattr, listxattr
    }

    package enum Fault: Sendable {
        /// By its name, such as `EIO`.
        case error(String)
        /// Seconds.
        case sleep(Double)
    }

    package static var isPossible: Bool {
        PrivateMounts.isPossible && geteuid() == 0 && access("/dev/fuse", W_OK) == 0
            && (try? ChildProcess.run(["/usr/bin/python3", "-c", "import fusepy"])) != nil
    }

    /// - Parameters:
    ///   - from: the directory that is shown, as the namespace sees it.
    ///   - place: where.
    package init(_ from: String, at place: String, in mounts: PrivateMounts) throws {
        self.mounts = mounts
        self.place = place
        var pattern = Array("/tmp/takeup-faults-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw ChildProcess.Failure(description: "no directory for faults") }
        let directory = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        control = directory + "/control"
        try FaultMount.write(FaultMount.program, to: directory + "/server.py")
        try FaultMount.write("", to: control)
        try mounts.run("mkdir -p \(place)")
        server = try ChildProcess(
            mounts.entering + ["/usr/bin/python3", directory + "/server.py", from, place, control])
        try mounts.run(
            "n=0; until grep -q ' \(place) fuse' /proc/self/mounts; do n=$((n + 1)); [ $n -lt 300 ]; sleep 0.02; done")
    }

    deinit {
        server.send(SIGKILL)
        server.wait()
        _ = try? mounts.run("umount -l \(place)")
        _ = try? ChildProcess.run(["/bin/rm", "-r", String(control.dropLast("/control".count))])
    }

    /// From now on, and until ``heal()``, for what the name holds `part` of.
    package func fail(_ operation: Operation, with fault: Fault, named part: String = "") throws {
        let word =
            switch fault {
            case .error(let name): name
            case .sleep(let seconds): "sleep=\(seconds)"
            }
        try FaultMount.write("\(operation.rawValue) \(word) \(part)\n", to: control)
    }

    package func heal() throws { try FaultMount.write("", to: control) }

    private static func write(_ text: String, to path: String) throws {
        // By another name first: the process reads it at every call.
        let draft = path + ".draft"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        var bytes = Array(text.utf8)
        guard descriptor >= 0, Glibc.write(descriptor, &bytes, bytes.count) == bytes.count, rename(draft, path) == 0
        else { throw ChildProcess.Failure(description: "\(path) cannot be written") }
    }

    private static let program = """
        import errno, os, sys, time
        from fusepy import FUSE, FuseOSError, Operations

        root, place, control = sys.argv[1:4]

        class Faulty(Operations):
            def fault(self, operation, path=""):
                with open(control) as file:
                    lines = file.read().split("\\n")
                for line in lines:
                    words = line.split()
                    if len(words) < 2 or words[0] != operation or (len(words) > 2 and words[2] not in path):
                        continue
                    if words[1].startswith("sleep="):
                        time.sleep(float(words[1][6:]))
                    else:
                        raise FuseOSError(getattr(errno, words[1]))

            def below(self, path): return root + path

            def getattr(self, path, handle=None):
                self.fault("getattr", path)
                found = os.lstat(self.below(path))
                return {key: getattr(found, key) for key in (
                    "st_atime", "st_ctime", "st_gid", "st_mode", "st_mtime", "st_nlink", "st_size", "st_uid",
                    "st_ino", "st_blocks")}

            def readdir(self, path, handle):
                self.fault("readdir", path)
                return [".", ".."] + os.listdir(self.below(path))

            def open(self, path, flags):
                self.fault("open", path)
                return os.open(self.below(path), flags)

            def create(self, path, mode, info=None):
                self.fault("create", path)
                return os.open(self.below(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

            def read(self, path, count, offset, handle):
                self.fault("read", path)
                return os.pread(handle, count, offset)

            def write(self, path, data, offset, handle):
                self.fault("write", path)
                return os.pwrite(handle, data, offset)

            def truncate(self, path, length, handle=None): os.truncate(self.below(path), length)
            def flush(self, path, handle): self.fault("flush", path)

            def fsync(self, path, data, handle):
                self.fault("fsync", path)
                os.fsync(handle)

            def fsyncdir(self, path, data, handle): self.fault("fsync", path)
            def release(self, path, handle): os.close(handle)

            def link(self, target, source):
                self.fault("link", target)
                os.link(self.below(source), self.below(target))

            def rename(self, old, new): os.rename(self.below(old), self.below(new))

            def unlink(self, path):
                self.fault("unlink", path)
                os.unlink(self.below(path))

            def mkdir(self, path, mode):
                self.fault("mkdir", path)
                os.mkdir(self.below(path), mode)

            def rmdir(self, path): os.rmdir(self.below(path))

            def chmod(self, path, mode):
                self.fault("chmod", path)
                os.chmod(self.below(path), mode)

            def chown(self, path, user, group): os.chown(self.below(path), user, group)

            def utimens(self, path, times=None):
                self.fault("utimens", path)
                os.utime(self.below(path), times)

            def getxattr(self, path, name, position=0):
                self.fault("getxattr", path)
                return os.getxattr(self.below(path), name)

            def listxattr(self, path):
                self.fault("listxattr", path)
                return os.listxattr(self.below(path))

            def setxattr(self, path, name, value, options, position=0):
                self.fault("setxattr", path)
                os.setxattr(self.below(path), name, value, options)

            def statfs(self, path):
                self.fault("statfs", path)
                found = os.statvfs(root)
                return {key: getattr(found, key) for key in (
                    "f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files", "f_flag",
                    "f_frsize", "f_namemax")}

        FUSE(Faulty(), place, foreground=True, nothreads=False, fsname="faulty", attr_timeout=0.0, entry_timeout=0.0,
            nonempty=True)
        """
}
