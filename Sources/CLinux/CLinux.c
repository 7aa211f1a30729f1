#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
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
const int takeup_SEEK_HOLE = SEEK_HOLE;
const int takeup_O_PATH = O_PATH;
const int takeup_O_DIRECT = O_DIRECT;
const int takeup_O_NOATIME = O_NOATIME;
const int takeup_AT_EMPTY_PATH = AT_EMPTY_PATH;
const int takeup_AT_STATX_FORCE_SYNC = AT_STATX_FORCE_SYNC;
const int takeup_AT_STATX_DONT_SYNC = AT_STATX_DONT_SYNC;
// Newer than the headers of Debian 12.
const unsigned takeup_STATX_MNT_ID_UNIQUE = 0x4000;
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

int takeup_set_status_flags(int descriptor, int flags) { return fcntl(descriptor, F_SETFL, flags); }

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

int64_t takeup_resident_pages(int descriptor, uint64_t begin, uint64_t end) {
    const size_t window = (size_t)64 << 20;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    begin -= begin % page;
    if (begin >= end) return 0;
    int64_t resident = 0;
    unsigned char *map = malloc(window / page);
    if (!map) return -1;
    for (uint64_t offset = begin; offset < end; offset += window) {
        size_t part = end - offset < window ? (size_t)(end - offset) : window;
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

int takeup_idle_io(void) {
    const int of_this_thread = 1 /* IOPRIO_WHO_PROCESS */, idle = 3 << 13 /* IOPRIO_CLASS_IDLE */;
    return (int)syscall(SYS_ioprio_set, of_this_thread, 0, idle);
}

int takeup_thread_id(void) { return gettid(); }

static void limit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit both;
    if (soft == 0 || getrlimit(resource, &both)) return;
    // A limit already in force is never raised; asking to would fail and set nothing.
    if (both.rlim_max == RLIM_INFINITY || hard < both.rlim_max) both.rlim_max = hard;
    both.rlim_cur = soft < both.rlim_max ? soft : both.rlim_max;
    setrlimit(resource, &both);
}

enum { most_descriptors = 256 };

/// The child's side of takeup_spawn_guarded, between fork and exec: only async-signal-safe calls, as other threads of
/// the parent may have held locks. Returns with errno when the program was not started; `*report` is where to say so.
static void become(const char *path, char *const arguments[], char *const environment[], const int *descriptors,
                   int count, const char *working_directory, const struct takeup_guard *guard, pid_t parent,
                   int *report) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);

    // All are moved out of the way first, since a number may be both a source and a target.
    int kept[most_descriptors];
    *report = fcntl(*report, F_DUPFD_CLOEXEC, count + 1);
    if (*report < 0) return;
    for (int i = 0; i < count; i++) {
        int from = descriptors[i] >= 0 ? descriptors[i] : open("/dev/null", O_RDWR | O_CLOEXEC);
        kept[i] = fcntl(from, F_DUPFD_CLOEXEC, count + 1);
        if (kept[i] < 0) return;
    }
    for (int i = 0; i < count; i++)
        if (dup2(kept[i], i) < 0) return;
    if (dup3(*report, count, O_CLOEXEC) < 0) return;
    *report = count;
    if (syscall(SYS_close_range, count + 1, ~0U, 0)) return;
    if (working_directory && chdir(working_directory)) return;

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (guard->no_network && unshare(CLONE_NEWNET)) unshare(CLONE_NEWUSER | CLONE_NEWNET);
    // After the namespaces, since a change of credentials clears it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        // The parent died before it was asked for.
        errno = ESRCH;
        return;
    }
    if (guard->niceness) setpriority(PRIO_PROCESS, 0, guard->niceness);
    limit(RLIMIT_CPU, guard->cpu_seconds, guard->cpu_seconds + 1);
    limit(RLIMIT_AS, guard->address_space_bytes, guard->address_space_bytes);
    limit(RLIMIT_FSIZE, guard->file_bytes, guard->file_bytes);
    limit(RLIMIT_NOFILE, guard->open_files, guard->open_files);
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    // Where the kernel has neither, the other guards stand alone.
    if (guard->confined) {
        // What fails here fails each time, and takeup_try_confinement tells of it.
        takeup_confine_files(path, 3, count);
        takeup_refuse_calls();
    }
    execve(path, arguments, environment);
}

int takeup_try_confinement(void) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        int done = takeup_confine_files("/usr/bin/ffmpeg", 3, 3) == 0 ? takeup_confined_files : 0;
        if (takeup_refuse_calls() == 0) done |= takeup_confined_calls;
        _exit(done);
    }
    int number = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    int status = 0;
    if (child > 0) {
        pid_t ended;
        do ended = waitpid(child, &status, 0);
        while (ended < 0 && errno == EINTR);
        return ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    }
    errno = number;
    return -1;
}

pid_t takeup_spawn_guarded(const char *path, char *const arguments[], char *const environment[],
                           const int *descriptors, int descriptor_count, const char *working_directory,
                           const struct takeup_guard *guard) {
    int report[2];
    if (descriptor_count < 3 || descriptor_count > most_descriptors) {
        errno = EINVAL;
        return -1;
    }
    if (pipe2(report, O_CLOEXEC)) return -1;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        become(path, arguments, environment, descriptors, descriptor_count, working_directory, guard, parent,
               &report[1]);
        int number = errno;
        (void)!write(report[1], &number, sizeof number);
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

int takeup_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

int takeup_exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
int takeup_exit_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

/* Two arenas, set before there are threads: each that meets another one in the allocator would get one of its own for good,
   and what was freed in it serves no other. Of one alone, threads that copy small files wait for each other. */
__attribute__((constructor)) static void limit_arenas(void) { mallopt(M_ARENA_MAX, 2); }

void takeup_give_memory_back(void) {
    /* Else the largest block that was ever freed decides which are kept. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
}
