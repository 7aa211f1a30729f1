internal import Glibc

/// Where scratch clusters live, and the files of a fresh cluster that each begins with.
struct ScratchHome {
    /// `/usr/lib/postgresql/15/bin`: the newest that is installed.
    let binaries: String
    /// A data directory as `initdb` leaves it, made once for each user and server version.
    let template: String
    private let root: String

    init() throws {
        guard let version = ScratchHome.names(in: "/usr/lib/postgresql").compactMap(Int.init).max() else {
            throw ChildProcess.Failure(description: "no PostgreSQL server below /usr/lib/postgresql")
        }
        binaries = "/usr/lib/postgresql/\(version)/bin"
        root = ScratchHome.base + "/takeup-scratch-\(geteuid())"
        template = root + "/template-\(version)-1"
        try ScratchHome.makeDirectory(root)
        removeStale()
        if access(template, F_OK) != 0 { try makeTemplate() }
    }

    /// Memory, where there is enough of it: a database is copied in half the time, and no disk is in the way.
    private static let base: String = {
        var space = statvfs()
        guard statvfs("/dev/shm", &space) == 0, access("/dev/shm", W_OK) == 0 else { return "/tmp" }
        return UInt64(space.f_bavail) * UInt64(space.f_frsize) >= 4 << 30 ? "/dev/shm" : "/tmp"
    }()

    /// PostgreSQL refuses to run as root.
    static func unprivileged(_ command: [String]) -> [String] {
        let start = ["/usr/bin/env", "--chdir=/"]
        guard geteuid() == 0 else { return start + command }
        return start + ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + command
    }

    func makeClusterDirectory(isDurable: Bool) throws -> String {
        let root = isDurable ? "/tmp/takeup-scratch-\(geteuid())" : root
        try ScratchHome.makeDirectory(root)
        let path = root + "/cluster-\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 36))"
        try ScratchHome.makeDirectory(path)
        return path
    }

    private func makeTemplate() throws {
        let draft = root + "/draft-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try ScratchHome.makeDirectory(draft)
        try ChildProcess.run(
            ScratchHome.unprivileged([
                binaries + "/initdb", "-D", draft + "/data", "-A", "trust", "-U", "postgres", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-sync",
            ]))
        try ChildProcess.run([
            "/bin/sed", "-i", "1i local all \(ScratchCluster.passwordRole) scram-sha-256",
            draft + "/data/pg_hba.conf",
        ])
        // Of two that make it at the same time one is first; the other's is as good and goes.
        _ = rename(draft + "/data", template)
        try ChildProcess.run(["/bin/rm", "-rf", draft])
    }

    /// Clusters whose process is gone, and whose guard went with it.
    private func removeStale() {
        for name in ScratchHome.names(in: root) where name.hasPrefix("cluster-") || name.hasPrefix("draft-") {
            guard let owner = name.split(separator: "-").dropFirst().first, access("/proc/\(owner)", F_OK) != 0 else {
                continue
            }
            let path = root + "/" + name
            _ = try? ChildProcess.run([
                "/bin/sh", "-c",
                """
                server=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
                [ -n "$server" ] && grep -qs "$1" "/proc/$server/cmdline" && kill -QUIT "$server"
                rm -rf "$1"
                """, "clean", path,
            ])
        }
    }

    private static func makeDirectory(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw ChildProcess.Failure(description: "\(path) cannot be made")
        }
        guard geteuid() == 0, let user = getpwnam("postgres") else { return }
        chown(path, user.pointee.pw_uid, user.pointee.pw_gid)
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
