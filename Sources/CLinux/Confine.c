#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Rights newer than the headers of Debian 12; what the kernel does not know of is masked out below.
enum {
    right_refer = 1 << 13,     // ABI 2
    right_truncate = 1 << 14,  // ABI 3
    right_ioctl = 1 << 15,     // ABI 5
};

/// struct landlock_ruleset_attr as it is from ABI 6 on.
struct rules {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
};

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t every_file_right = (1 << 13) - 1;

/// Allows `rights` at what is open as `descriptor`, and beneath it.
static void allow(int rules, int descriptor, uint64_t rights) {
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = descriptor};
    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void allow_path(int rules, const char *path, uint64_t rights) {
    int descriptor = open(path, O_PATH | O_CLOEXEC);
    if (descriptor < 0) return;
    allow(rules, descriptor, rights);
    close(descriptor);
}

long takeup_landlock_version(void) {
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

int takeup_confine_files(const char *program, int first, int count) {
    long version = takeup_landlock_version();
    if (version < 1) return -1;
    struct rules handled = {.files = every_file_right};
    if (version >= 2) handled.files |= right_refer;
    if (version >= 3) handled.files |= right_truncate;
    if (version >= 5) handled.files |= right_ioctl;
    if (version >= 4) handled.network = 3;  // binding and connecting of TCP
    if (version >= 6) handled.scoped = 3;   // abstract sockets, signals to others
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, size, 0);
    if (rules < 0) return -1;
    // Programs, libraries and what these are set up with.
    static const char *const code[] = {"/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/opt"};
    for (size_t i = 0; i < sizeof code / sizeof *code; i++)
        allow_path(rules, code[i], reading | LANDLOCK_ACCESS_FS_EXECUTE);
    allow_path(rules, program, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE);
    // Not all of /etc, where keys lie, nor of /proc, where other processes of the same user do.
    static const char *const places[] = {"/etc/fonts", "/etc/ld.so.conf.d", "/proc/self", "/sys/devices/system"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) allow_path(rules, places[i], reading);
    static const char *const facts[] = {
        "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.preload", "/etc/localtime", "/proc/cpuinfo",
        "/proc/meminfo", "/proc/stat", "/dev/urandom", "/dev/zero"};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        allow_path(rules, facts[i], LANDLOCK_ACCESS_FS_READ_FILE);
    const uint64_t writing = LANDLOCK_ACCESS_FS_WRITE_FILE | (handled.files & right_truncate);
    allow_path(rules, "/dev/null", LANDLOCK_ACCESS_FS_READ_FILE | writing);
    // What was lent, by the way in which it was opened: opening it again by its number gives no more.
    for (int descriptor = first; descriptor < count; descriptor++) {
        int flags = fcntl(descriptor, F_GETFL);
        if (flags < 0) continue;
        int mode = flags & O_ACCMODE;
        uint64_t rights = mode == O_WRONLY ? 0 : LANDLOCK_ACCESS_FS_READ_FILE;
        if (mode != O_RDONLY) rights |= writing;
        allow(rules, descriptor, rights);
    }
    int failed = (int)syscall(SYS_landlock_restrict_self, rules, 0);
    int number = errno;
    close(rules);
    errno = number;
    return failed;
}

// A filter of calls that no tool for media has a use for: each ends with EPERM.

#define CALL(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, refuse)
// A call whose first argument has to be `value`: a process, which is 32 bits wide. The call's number is not needed after it.
#define CALL_ONLY_OF(number, value)                                                          \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),                                       \
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + low_half), \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),                                    \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, refuse)
enum {
    refuse = SECCOMP_RET_ERRNO | EPERM,
    low_half = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4,
};

#if defined __x86_64__
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

int takeup_refuse_calls(void) {
#ifdef OWN_ARCHITECTURE
    // Not the text of the program: it knows its own process.
    const struct sock_filter calls[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, refuse),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef __x86_64__
        // The numbers of x32 go round the list.
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, refuse),
#endif
        CALL(SYS_socket), CALL(SYS_socketpair), CALL(SYS_connect), CALL(SYS_bind), CALL(SYS_listen),
        CALL(SYS_ptrace), CALL(SYS_process_vm_readv), CALL(SYS_process_vm_writev), CALL(SYS_pidfd_getfd),
        CALL(SYS_mount), CALL(SYS_umount2), CALL(SYS_pivot_root), CALL(SYS_chroot), CALL(SYS_setns),
        CALL(SYS_unshare), CALL(SYS_bpf), CALL(SYS_perf_event_open), CALL(SYS_userfaultfd),
        CALL(SYS_io_uring_setup), CALL(SYS_keyctl), CALL(SYS_add_key), CALL(SYS_request_key),
        CALL(SYS_init_module), CALL(SYS_finit_module), CALL(SYS_delete_module), CALL(SYS_kexec_load),
        CALL(SYS_setsid), CALL(SYS_setpgid), CALL(SYS_kill), CALL(SYS_tkill), CALL(SYS_rt_sigqueueinfo),
        CALL(SYS_rt_tgsigqueueinfo), CALL(SYS_pidfd_send_signal),
        CALL_ONLY_OF(SYS_tgkill, (uint32_t)getpid()), CALL_ONLY_OF(SYS_prlimit64, 0),
        CALL(SYS_open_by_handle_at), CALL(SYS_personality), CALL(SYS_setuid), CALL(SYS_setgid),
        CALL(SYS_setresuid), CALL(SYS_setresgid), CALL(SYS_fsopen), CALL(SYS_move_mount), CALL(SYS_open_tree),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {
        .len = sizeof calls / sizeof *calls, .filter = (struct sock_filter *)calls};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
#else
    errno = ENOSYS;
    return -1;
#endif
}
