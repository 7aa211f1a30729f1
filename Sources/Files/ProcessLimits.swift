internal import CLinux
internal import Glibc

/// What a process that copies many files at a time asks of the kernel and of the allocator.
package enum ProcessLimits {
    package static func prepare() {
        // A group of files holds two descriptors for each, and service managers give 1,024 where nobody asks for more.
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        takeup_give_memory_back()
    }

    /// How many descriptors more this process may have, up to `most`. Takes one for a moment, and no more, as others need
    /// them: where the whole machine has none left that shows as none.
    package static func spareDescriptors(atMost most: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
            let directory = opendir("/proc/self/fd")
        else { return 0 }
        defer { closedir(directory) }
        var taken = 0
        while readdir(directory) != nil { taken += 1 }
        // Its own two names, and the directory itself.
        return max(0, min(most, Int(clamping: limit.rlim_cur) - (taken - 3)))
    }
}
