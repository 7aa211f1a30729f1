import Glibc
import Support
import Testing

@testable import Watching

/// A mount namespace of a test's own, held by a process and seen through /proc: nothing that is mounted in it is left
/// behind, however the test ends.
final class PrivateMounts: Sendable {
    private let holder: ChildProcess

    init() throws {
        let namespaces = geteuid() == 0 ? "-m" : "-Urm"
        holder = try ChildProcess([
            "/usr/bin/unshare", namespaces, "--propagation", "private", "/bin/sleep", "600",
        ])
    }

    deinit {
        holder.send(SIGKILL)
        holder.wait()
    }

    /// The path as this process can see it.
    func seen(_ path: String) -> String { "/proc/\(holder.id)/root" + path }

    func isReady() async -> Bool {
        await waitUntil {
            namespace(of: "\(self.holder.id)") != namespace(of: "self")
                && (try? self.run("true")) != nil
        }
    }

    func run(_ script: String) throws {
        let user = geteuid() == 0 ? [] : ["-U", "--preserve-credentials"]
        try ChildProcess.run(
            ["/usr/bin/nsenter", "-t", "\(holder.id)", "-m"] + user + ["/bin/sh", "-ec", script])
    }

    static var isPossible: Bool {
        (try? ChildProcess.run(["/usr/bin/unshare", geteuid() == 0 ? "-m" : "-Urm", "/bin/true"])) != nil
    }

    /// A FUSE mount is seen only by its own user namespace.
    static var hasRemoteMounts: Bool {
        isPossible && geteuid() == 0 && access("/usr/bin/bindfs", X_OK) == 0 && access("/dev/fuse", W_OK) == 0
    }
}

private func namespace(of process: String) -> [CChar] {
    var target = [CChar](repeating: 0, count: 64)
    _ = readlink("/proc/\(process)/ns/mnt", &target, 63)
    return target
}
