#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

const int takeup_O_TMPFILE = O_TMPFILE;
const int takeup_O_PATH = O_PATH;
const int takeup_O_DIRECT = O_DIRECT;
const int takeup_O_NOATIME = O_NOATIME;
const int takeup_AT_EMPTY_PATH = AT_EMPTY_PATH;
const int takeup_AT_STATX_FORCE_SYNC = AT_STATX_FORCE_SYNC;
const unsigned takeup_RENAME_NOREPLACE = RENAME_NOREPLACE;
const int takeup_FALLOC_FL_KEEP_SIZE = FALLOC_FL_KEEP_SIZE;
const uint32_t takeup_IN_MASK_ADD = IN_MASK_ADD;

int takeup_openat2(int directory, const char *path, const struct open_how *how) {
    return (int)syscall(SYS_openat2, directory, path, how, sizeof *how);
}

int takeup_renameat2(int from, const char *old_name, int to, const char *new_name, unsigned flags) {
    return renameat2(from, old_name, to, new_name, flags);
}

int takeup_fallocate(int descriptor, int mode, int64_t offset, int64_t length) {
    return fallocate(descriptor, mode, offset, length);
}

int takeup_syncfs(int descriptor) { return syncfs(descriptor); }

int takeup_statx(int directory, const char *path, int flags, unsigned mask, struct statx *out) {
    // glibc's wrapper is not used: its struct comes from another header than linux/stat.h.
    return (int)syscall(SYS_statx, directory, path, flags, mask, out);
}

int64_t takeup_directory_entries(int descriptor, void *buffer, uint64_t size) {
    return syscall(SYS_getdents64, descriptor, buffer, (size_t)size);
}

int takeup_link_descriptor(int descriptor, int directory, const char *name) {
    // AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH on older kernels; the way through /proc wants a mounted /proc.
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    int result = linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW);
    if (result && errno == ENOENT) result = linkat(descriptor, "", directory, name, AT_EMPTY_PATH);
    return result;
}

int64_t takeup_resident_pages(int descriptor, uint64_t length) {
    if (length == 0) return 0;
    const size_t window = (size_t)64 << 20;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int64_t resident = 0;
    unsigned char *map = malloc(window / page);
    if (!map) return -1;
    for (uint64_t offset = 0; offset < length; offset += window) {
        size_t part = length - offset < window ? (size_t)(length - offset) : window;
        void *address = mmap(NULL, part, PROT_READ, MAP_SHARED, descriptor, (off_t)offset);
        if (address == MAP_FAILED) {
            free(map);
            return -1;
        }
        int failed = mincore(address, part, map);
        int number = errno;
        munmap(address, part);
        if (failed) {
            free(map);
            errno = number;
            return -1;
        }
        for (size_t i = 0; i < (part + page - 1) / page; i++) resident += map[i] & 1;
    }
    free(map);
    return resident;
}

void takeup_name_thread(const char *name) {
    char cut[16];
    strncpy(cut, name, 15);
    cut[15] = 0;
    pthread_setname_np(pthread_self(), cut);
}

int takeup_thread_id(void) { return gettid(); }

static void limit(int resource, uint64_t value) {
    if (value) {
        struct rlimit both = {value, value};
        setrlimit(resource, &both);
    }
}

pid_t takeup_spawn_guarded(const char *path, char *const arguments[], char *const environment[],
                           const int descriptors[3], const char *working_directory, const struct takeup_guard *guard) {
    int report[2];
    if (pipe2(report, O_CLOEXEC)) return -1;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pid_t child = fork();
    if (child == 0) {
        // Only async-signal-safe calls from here on: other threads of the parent may have held locks.
        for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        prctl(PR_SET_DUMPABLE, 0);
        if (guard->no_network) {
            uid_t user = geteuid();
            if (unshare(CLONE_NEWNET) && user != 0) unshare(CLONE_NEWUSER | CLONE_NEWNET);
        }
        if (guard->niceness) setpriority(PRIO_PROCESS, 0, guard->niceness);
        limit(RLIMIT_CPU, guard->cpu_seconds);
        limit(RLIMIT_AS, guard->address_space_bytes);
        limit(RLIMIT_FSIZE, guard->file_bytes);
        limit(RLIMIT_NOFILE, guard->open_files);
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        int failed = 0;
        int keep[3];
        for (int i = 0; i < 3 && !failed; i++) {
            int from = descriptors[i] >= 0 ? descriptors[i] : open("/dev/null", O_RDWR | O_CLOEXEC);
            keep[i] = fcntl(from, F_DUPFD_CLOEXEC, 10);
            failed = keep[i] < 0;
        }
        for (int i = 0; i < 3 && !failed; i++) failed = dup2(keep[i], i) < 0;
        if (!failed && working_directory) failed = chdir(working_directory) != 0;
        if (!failed) {
            int kept = fcntl(report[1], F_DUPFD_CLOEXEC, 3);
            if (kept >= 0 && kept != 3) {
                dup3(kept, 3, O_CLOEXEC);
                kept = 3;
            }
            syscall(SYS_close_range, 4, ~0U, 0);
            execve(path, arguments, environment);
            int number = errno;
            (void)!write(kept, &number, sizeof number);
        } else {
            int number = errno;
            (void)!write(report[1], &number, sizeof number);
        }
        _exit(127);
    }
    int number = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    close(report[1]);
    if (child > 0) {
        int failure = 0;
        ssize_t got;
        do got = read(report[0], &failure, sizeof failure);
        while (got < 0 && errno == EINTR);
        if (got == (ssize_t)sizeof failure) {
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
            child = -1;
            number = failure;
        }
    }
    close(report[0]);
    errno = number;
    return child;
}

int takeup_exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
int takeup_exit_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
