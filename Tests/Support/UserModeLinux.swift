internal import Glibc

/// A Linux of a test's own as a process (User Mode Linux), for what the machine's kernel does not have: an NFS server and
/// client. Its root is the machine's tree, read-only; what is written goes to memory and is gone with it.
package struct UserModeLinux: Sendable {
    package static var isPossible: Bool {
        geteuid() == 0
            && ["/usr/bin/linux.uml", "/usr/bin/gcc", "/usr/sbin/rpc.nfsd", "/sbin/rpcbind", "/usr/bin/busybox"]
                .allSatisfy { (path: String) in access(path, X_OK) == 0 }
    }

    /// Runs a script there as the first process, with an NFS server that exports nothing yet, and gives what it wrote. The
    /// script finds the directory `repository` where it is here, and an empty disk at /tmp.
    package static func run(_ script: String, repository: String, upTo seconds: Int) throws -> String {
        var pattern = Array("/tmp/takeup-uml-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw ChildProcess.Failure(description: "no scratch directory") }
        let directory = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", directory]) }
        try writeSample(Array(shim.utf8), to: directory + "/shim.c")
        try ChildProcess.run([
            "/usr/bin/gcc", "-O2", "-shared", "-fPIC", "-o", directory + "/shim.so", directory + "/shim.c", "-ldl",
        ])
        let whole = begin.replacing("REPOSITORY", with: repository) + script + end
        try writeSample(Array(whole.utf8), to: directory + "/init")
        try ChildProcess.run(["/bin/chmod", "755", directory + "/init"])
        let log = directory + "/log"
        _ = try ChildProcess(
            [
                "/usr/bin/env", "LD_PRELOAD=\(directory)/shim.so", "TMPDIR=/dev/shm", "/usr/bin/timeout", "-s", "KILL",
                "\(seconds)", "/usr/bin/linux.uml", "mem=3G", "root=/dev/root", "rootfstype=hostfs", "rootflags=/",
                "ro",
                "quiet", "init=\(directory)/init", "con0=null,fd:1", "con=null",
            ], outputPath: log
        ).wait()
        return String(decoding: try readSample(log), as: UTF8.self)
    }

    private static let begin = """
        #!/bin/bash
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        mount -t tmpfs tmpfs /run
        mount -t tmpfs tmpfs /mnt
        mount -t tmpfs tmpfs /var/lib/nfs
        mount -t tmpfs -o mode=1777 tmpfs /var/tmp
        mount -t tmpfs -o mode=1777,size=64M tmpfs /dev/shm
        mkdir -p /run/repository /run/mods/lib /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs /var/lib/nfs/sm
        mount --bind REPOSITORY /run/repository
        ln -s /usr/lib/uml/modules /run/mods/lib/modules
        printf '#!/bin/sh\\nexec /sbin/modprobe -d /run/mods "$@"\\n' > /run/modprobe
        chmod +x /run/modprobe
        echo /run/modprobe > /proc/sys/kernel/modprobe
        for m in nfsd nfsv4 loop; do modprobe -d /run/mods $m; done
        ip link set lo up
        truncate -s 1G /run/disk
        mkfs.ext4 -q /run/disk
        mount -o loop /run/disk /tmp
        chmod 1777 /tmp
        [ -e REPOSITORY ] || { mkdir -p REPOSITORY; mount --bind /run/repository REPOSITORY; }
        mount -t nfsd nfsd /proc/fs/nfsd
        : > /var/lib/nfs/etab
        : > /var/lib/nfs/rmtab
        rpcbind -w
        rpc.mountd --no-udp
        rpc.nfsd -G 10 -L 10 -N 3 -U 2

        """

    private static let end = """

        sync
        echo o > /proc/sysrq-trigger
        busybox poweroff -f

        """

    /// UML keeps 2,696 bytes for a processor's registers, which is too few where it has AMX: the rest is let go.
    private static let shim = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdarg.h>
        #include <string.h>
        #include <sys/ptrace.h>
        #include <sys/uio.h>
        long ptrace(enum __ptrace_request r, ...) {
          va_list ap; va_start(ap, r);
          long pid = va_arg(ap, int); void *a = va_arg(ap, void *); void *d = va_arg(ap, void *); va_end(ap);
          static long (*real)(enum __ptrace_request, ...);
          if (!real) real = dlsym(RTLD_NEXT, "ptrace");
          if (r == PTRACE_SETREGSET && a == (void *)0x202) {
            struct iovec *v = d;
            static __thread char buf[65536] __attribute__((aligned(64)));
            struct iovec w = {buf, sizeof buf};
            if (real(PTRACE_GETREGSET, pid, a, &w) < 0) return -1;
            if (v->iov_len < w.iov_len) { memcpy(buf, v->iov_base, v->iov_len); return real(r, pid, a, &w); }
          }
          return real(r, pid, a, d);
        }

        """
}
