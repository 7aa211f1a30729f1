// What Swift cannot import of Linux: GNU extensions, variadic calls, macros.
// This header must not define _GNU_SOURCE: that breaks the importer's view of fd_set. The .c file does.
#ifndef TAKEUP_CLINUX_H
#define TAKEUP_CLINUX_H

#include <linux/openat2.h>
#include <linux/stat.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

extern const int takeup_O_TMPFILE;
extern const int takeup_SEEK_HOLE;
extern const int takeup_O_PATH;
extern const int takeup_O_DIRECT;
extern const int takeup_O_NOATIME;
extern const int takeup_AT_EMPTY_PATH;
extern const int takeup_AT_STATX_FORCE_SYNC;
extern const int takeup_AT_STATX_DONT_SYNC;
extern const unsigned takeup_STATX_MNT_ID_UNIQUE;
extern const unsigned takeup_RENAME_NOREPLACE;
extern const int takeup_FALLOC_FL_KEEP_SIZE;
extern const uint32_t takeup_IN_MASK_ADD;

/// openat2(2). Returns a descriptor, or -1 with errno.
int takeup_openat2(int directory, const char *path, const struct open_how *how);
/// renameat2(2).
int takeup_renameat2(int from, const char *old_name, int to, const char *new_name, unsigned flags);
/// fallocate(2): the real system call, never glibc's emulation that writes zeros.
int takeup_fallocate(int descriptor, int mode, int64_t offset, int64_t length);
/// fcntl(2) with F_SETFL.
int takeup_set_status_flags(int descriptor, int flags);
/// syncfs(2).
int takeup_syncfs(int descriptor);
/// statx(2).
int takeup_statx(int directory, const char *path, int flags, unsigned mask, struct statx *out);
/// getdents64(2): directory entries into `buffer`. Returns bytes filled, 0 at the end, or -1 with errno.
int64_t takeup_directory_entries(int descriptor, void *buffer, uint64_t size);
/// linkat(2) of an open file, named or not. Needs no right beyond those of a plain link.
int takeup_link_descriptor(int descriptor, int directory, const char *name);
/// Number of pages between two offsets of a file that are in the page cache, by mincore(2); -1 with errno.
int64_t takeup_resident_pages(int descriptor, uint64_t begin, uint64_t end);
/// Name of the calling thread, at most 15 bytes.
void takeup_name_thread(const char *name);
/// Lets the calling thread read and write only when nobody else does, by ioprio_set(2); -1 with errno.
int takeup_idle_io(void);
/// gettid(2).
int takeup_thread_id(void);

/// Limits and rights of a guarded child. Zero means: no limit of ours.
struct takeup_guard {
    uint64_t cpu_seconds;
    uint64_t address_space_bytes;
    uint64_t file_bytes;
    uint64_t open_files;
    /// Take the network away (a network namespace of its own) where the kernel allows it.
    int no_network;
    /// Scheduling niceness, 0 to 19.
    int niceness;
    /// Files by Landlock, calls by seccomp, where the kernel has them: see below.
    int confined;
};

/// Leaves to this process, by Landlock: programs and libraries to run, the system's settings to read, and the open
/// descriptors `first` to `count` - 1, each no further than it was opened; no signals to others, no TCP. Nothing else is
/// opened again by any path. -1 with errno where the kernel can't. Needs no_new_privs. Async-signal-safe.
int takeup_confine_files(const char *program, int first, int count);
/// The kernel's version of Landlock; 0 or less where it has none.
long takeup_landlock_version(void);
/// Refuses, by seccomp, what no tool for media calls: sockets, tracing, mounts, namespaces, modules, changes of user, leaving
/// the process group, limits of and signals to other processes (to itself a process may send what abort(3) does).
/// -1 with errno where the kernel can't. Needs no_new_privs. Async-signal-safe.
int takeup_refuse_calls(void);

enum { takeup_confined_files = 1, takeup_confined_calls = 2 };
/// Which of the two ways above work here, as bits, tried in a child that ends at once; -1 with errno where it could not be
/// tried.
int takeup_try_confinement(void);

/// Starts `path` with `arguments` and `environment` (both null-terminated) in a process group of its own, with its
/// descriptors 0 to `descriptor_count` - 1 (at least 3, at most 256) taken from `descriptors` (-1: /dev/null) and all
/// others closed, with the guard's limits, killed by the kernel when the thread that called ends. Past its CPU time it
/// gets SIGXCPU, a second later SIGKILL. Returns the pid, or -1 with errno.
pid_t takeup_spawn_guarded(const char *path, char *const arguments[], char *const environment[],
                           const int *descriptors, int descriptor_count, const char *working_directory,
                           const struct takeup_guard *guard);
/// pidfd_open(2): a descriptor, closed on exec, that polls as readable when the process has ended.
int takeup_pidfd_open(pid_t process);

/// From now on the allocator gives blocks of 128 KiB and more back to the kernel when they are freed.
void takeup_give_memory_back(void);

/// Wait status of waitpid(2), taken apart.
int takeup_exit_code(int status);    // -1 when it did not exit
int takeup_exit_signal(int status);  // 0 when no signal ended it

#endif
