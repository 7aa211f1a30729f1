internal import CLinux
internal import Glibc

/// What keeps ffmpeg and ffprobe from all that they were not given, as far as this kernel and this service's sandbox let it.
package struct Confinement: Hashable, Sendable {
    /// By Landlock: no other files.
    package let hasFiles: Bool
    /// By seccomp: no sockets, no tracing, no signals to others.
    package let hasCalls: Bool

    /// Tries both, in a process that ends at once.
    package static func tried() -> Confinement {
        let done = takeup_try_confinement()
        return Confinement(
            hasFiles: done > 0 && done & CInt(takeup_confined_files) != 0,
            hasCalls: done > 0 && done & CInt(takeup_confined_calls) != 0)
    }

    /// What a tool that was taken over could do, for people; nil: nothing of that.
    package var gap: String? {
        switch (hasFiles, hasCalls) {
        case (true, true): nil
        case (false, true): "it can open files that this service can read, as Landlock does not work here"
        case (true, false): "it can call for sockets and signal other processes, as seccomp does not work here"
        case (false, false):
            "it can open files that this service can read, call for sockets and signal other processes, as neither Landlock "
                + "nor seccomp works here"
        }
    }
}
