internal import Glibc

/// A mount namespace of a test's own, held by a process and seen through /proc: nothing that is mounted in it is left
/// behind, however the test ends.
package final class PrivateMounts: Sendable {
    private let holder: ChildProcess
    /// Closed with this process at the latest, which ends the holder. It never ends before: children that ended and that
    /// nobody waits for keep Swift Testing from seeing the ends of its own.
    private let lifeline: CInt

    package init() throws {
        let namespaces = geteuid() == 0 ? "-m" : "-Urm"
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw ChildProcess.Failure(description: "no pipe for a namespace: errno \(errno)")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        do {
            holder = try ChildProcess(
                ["/usr/bin/unshare", namespaces, "--propagation", "private", "/bin/cat"], input: ends[0])
        } catch {
            close(ends[1])
            throw error
        }
        lifeline = ends[1]
    }

    deinit {
        close(lifeline)
        holder.send(SIGKILL)
        holder.wait()
    }

    /// The path as this process can see it.
    package func seen(_ path: String) -> String { "/proc/\(holder.id)/root" + path }

    /// Waits until the namespace is there.
    package func isReady() async -> Bool {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if namespace(of: "\(holder.id)") != namespace(of: "self") && (try? run("true")) != nil { return true }
            try? await Task.sleep(for: .milliseconds(3))
        }
        return false
    }

    package func run(_ script: String) throws {
        try ChildProcess.run(entering + ["/bin/sh", "-ec", script])
    }

    /// What stands before a command that is to live in the namespace; the process that is started becomes the command.
    package var entering: [String] {
        let user = geteuid() == 0 ? [] : ["-U", "--preserve-credentials"]
        return ["/usr/bin/nsenter", "-t", "\(holder.id)", "-m"] + user
    }

    package static var isPossible: Bool {
        (try? ChildProcess.run(["/usr/bin/unshare", geteuid() == 0 ? "-m" : "-Urm", "/bin/true"])) != nil
    }

    /// A FUSE mount is seen only by its own user namespace.
    package static var hasRemoteMounts: Bool {
        isPossible && geteuid() == 0 && access("/usr/bin/bindfs", X_OK) == 0 && access("/dev/fuse", W_OK) == 0
    }
}

private func namespace(of process: String) -> [CChar] {
    var target = [CChar](repeating: 0, count: 64)
    _ = readlink("/proc/\(process)/ns/mnt", &target, 63)
    return target
}
