internal import Glibc

/// A systemd of a test's own as the first process of its own namespaces. The machine's tree is its root, and what it writes
/// goes to memory; of units it has the test's alone. Nothing of it is left when it ends.
package final class PrivateSystemd: Sendable {
    private let directory: String
    private let outer: ChildProcess
    private let first: pid_t

    /// Whether one can be started here.
    package static var isPossible: Bool {
        geteuid() == 0 && access("/lib/systemd/systemd", X_OK) == 0 && access(groups, W_OK) == 0
            && access("/usr/bin/unshare", X_OK) == 0
    }

    private static var groups: String {
        access("/sys/fs/cgroup/unified", W_OK) == 0 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup"
    }

    /// - Parameters:
    ///   - units: by the path below /etc/systemd/system.
    ///   - binds: what of this machine is seen where, with its own name first.
    ///   - users: a file for systemd-sysusers.
    package init(units: [String: String], binds: [(String, String)], users: String) async throws {
        var pattern = Array("/tmp/takeup-systemd-XXXXXX".utf8CString)
        guard mkdtemp(&pattern) != nil else { throw ChildProcess.Failure(description: "no scratch directory") }
        directory = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try ChildProcess.run(["/bin/mkdir", "-p", directory + "/units", directory + "/work"])
        for (name, text) in units {
            let path = directory + "/units/" + name
            try ChildProcess.run([
                "/bin/mkdir", "-p", String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.endIndex)),
            ])
            try writeSample(Array(text.utf8), to: path)
        }
        try writeSample(Array(PrivateSystemd.script.utf8), to: directory + "/boot")
        let places = binds.map { "\($0.0):\($0.1)" }.joined(separator: " ")
        outer = try ChildProcess(
            [
                "/bin/bash", directory + "/boot", directory + "/work", directory + "/units", places, users,
                PrivateSystemd.groups,
            ], outputPath: directory + "/log")
        first = try await PrivateSystemd.boot(outer, directory)
    }

    /// Its first process, once that has started all that it starts.
    private static func boot(_ outer: ChildProcess, _ directory: String) async throws -> pid_t {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(50))
            let path = "/proc/\(outer.id)/task/\(outer.id)/children"
            let children = (try? ChildProcess.run(["/bin/cat", path])) ?? ""
            guard let child = children.split(separator: " ").first.flatMap({ pid_t($0) }),
                (try? ChildProcess.run(["/bin/cat", "/proc/\(child)/comm"])) == "systemd\n"
            else { continue }
            let state = directory + "/state"
            unlink(state)
            _ = try ChildProcess(
                entering(child) + ["/bin/systemctl", "is-system-running"], outputPath: state
            ).wait()
            let word = String(decoding: try readSample(state), as: UTF8.self)
            if word.contains("running") || word.contains("degraded") { return child }
        }
        let log = (try? readSample(directory + "/log")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        outer.send(SIGKILL)
        outer.wait()
        throw ChildProcess.Failure(description: "systemd did not come up: \(log)")
    }

    deinit {
        kill(first, 37)  // SIGRTMIN + 3: stop
        // It stops what runs; whoever does not stop is ended with the namespace.
        for _ in 0..<100 where kill(first, 0) == 0 { usleep(50_000) }
        outer.send(SIGKILL)
        outer.wait()
        usleep(100_000)
        let group = (try? readSample(directory + "/group")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        if group.contains("takeup-test") {
            _ = try? ChildProcess.run(["/usr/bin/find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"])
        }
        _ = try? ChildProcess.run(["/bin/rm", "-rf", "--one-file-system", directory])
    }

    private static func entering(_ first: pid_t) -> [String] {
        [
            "/usr/bin/nsenter", "-t", "\(first)", "-m", "-p", "-u", "-i", "-n", "-C", "--root", "--wd", "/usr/bin/env",
            "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb",
        ]
    }

    /// Runs a shell script inside.
    @discardableResult
    package func run(_ script: String) throws -> String {
        try ChildProcess.run(PrivateSystemd.entering(first) + ["/bin/sh", "-ec", script])
    }

    private static let script = """
        set -e
        case ${STAGE:-1} in
        1)  export W=$1 U=$2 BINDS=$3 USERS=$4 CG=$5/takeup-test-$$ ME=$(readlink -f "$0")
            mkdir $CG
            printf %s $CG > $(dirname $W)/group
            STAGE=2 exec unshare --mount --pid --uts --ipc --net --fork --kill-child --propagation private bash $ME ;;
        2)  echo 0 > $CG/cgroup.procs
            STAGE=3 exec unshare --cgroup bash $ME ;;
        3)  mount -t tmpfs -o size=1g,mode=755 tmpfs $W
            mkdir $W/up $W/wk $W/root
            R=$W/root
            mount -t overlay overlay -o lowerdir=/,upperdir=$W/up,workdir=$W/wk $R
            mount -t proc proc $R/proc
            mount --bind $R/proc/sys $R/proc/sys
            mount -o remount,bind,ro $R/proc/sys
            mount -t sysfs -o ro sysfs $R/sys
            mount -t cgroup2 cgroup2 $R/sys/fs/cgroup
            mount -t tmpfs -o mode=755 tmpfs $R/dev
            for d in null zero full random urandom tty fuse autofs; do
                [ -e /dev/$d ] || continue
                touch $R/dev/$d
                mount --bind /dev/$d $R/dev/$d
            done
            [ -e $R/dev/autofs ] || mknod $R/dev/autofs c 10 235
            mkdir $R/dev/pts $R/dev/shm
            mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts $R/dev/pts
            ln -s pts/ptmx $R/dev/ptmx
            ln -s /proc/self/fd $R/dev/fd
            ln -s fd/0 $R/dev/stdin
            ln -s fd/1 $R/dev/stdout
            ln -s fd/2 $R/dev/stderr
            mount -t tmpfs tmpfs $R/dev/shm
            mount -t tmpfs -o mode=755 tmpfs $R/run
            mount -t tmpfs -o mode=1777 tmpfs $R/tmp
            mount -t tmpfs -o mode=755 tmpfs $R/srv
            for b in $BINDS; do
                mkdir -p $R${b#*:}
                mount --bind ${b%%:*} $R${b#*:}
            done
            rm -rf $R/etc/systemd/system
            mkdir -p $R/etc/systemd/system $R/var/log/journal
            cp -r $U/. $R/etc/systemd/system/
            printf '[Unit]\\nRequires=basic.target\\nAfter=basic.target\\nAllowIsolate=yes\\n' \\
                > $R/etc/systemd/system/takeup-test.target
            rm -f $R/etc/machine-id
            systemd-id128 new > $R/etc/machine-id
            echo takeup-test > $R/etc/hostname
            systemd-sysusers --root=$R $USERS
            ip link set lo up 2> /dev/null || true
            cd $R
            mkdir -p oldroot
            pivot_root . oldroot
            exec chroot . /bin/bash -c 'umount -l /oldroot; mount --make-rshared /
                exec env -i container=takeup-test PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \\
                    /lib/systemd/systemd --system --unit=takeup-test.target' ;;
        esac
        """
}
