internal import CLinux
internal import Glibc

/// What a process that copies many files at a time asks of the kernel and of the allocator.
package enum ProcessLimits {
    /// Before threads are made.
    package static func prepare() {
        // A group of files holds two descriptors for each, and service managers give 1,024 where nobody asks for more.
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        // Each thread that meets another one in the allocator gets an arena of its own, which keeps what it freed.
        takeup_limit_arenas(2)
    }
}
