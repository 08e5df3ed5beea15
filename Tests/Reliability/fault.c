// Fails or ends a process at one of its calls that change a folder. Loaded before everything else (LD_PRELOAD).
//
//   FAULT_ROOT   Folder whose changes count: calls that name a place below it, or write to a file that lies there.
//   FAULT_AT     Number of the call, from 1; 0 counts only.
//   FAULT        KILL before the call, AFTER it, or the name of an error: EIO, ENOSPC.
//   FAULT_RANK   Of several processes under mpirun the one that is meant; all of them without it.
//   FAULT_COUNT  File outside of the root that gets the number of calls at the end of a process that ends by itself.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *root;
static size_t root_length;
static long at;
static int kind; // 0: counts only, -1: kills before, -2: kills after, else an errno
static atomic_long calls;

__attribute__((constructor)) static void begin(void) {
    const char *number = getenv("FAULT_AT"), *fault = getenv("FAULT");
    const char *meant = getenv("FAULT_RANK"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    // mpirun itself has no rank, and is none of these processes.
    if (meant && *meant && (!rank || strcmp(meant, rank))) return;
    root = getenv("FAULT_ROOT");
    if (!root) return;
    root_length = strlen(root);
    at = number ? atol(number) : 0;
    if (!fault) return;
    kind = !strcmp(fault, "KILL") ? -1 : !strcmp(fault, "AFTER") ? -2 : !strcmp(fault, "EIO") ? EIO
        : !strcmp(fault, "ENOSPC") ? ENOSPC : 0;
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("FAULT_COUNT");
    // Processes that it starts change nothing, and would overwrite its number.
    if (!root || !path || !atomic_load(&calls)) return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0) return;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls));
    syscall(SYS_write, file, text, (size_t)length);
}

static int below(const char *path) {
    if (!root || !path) return 0;
    char resolved[PATH_MAX * 2];
    if (path[0] != '/') {
        if (!getcwd(resolved, PATH_MAX)) return 0;
        size_t length = strlen(resolved);
        snprintf(resolved + length, sizeof resolved - length, "/%s", path);
        path = resolved;
    }
    return !strncmp(path, root, root_length) && (path[root_length] == '/' || path[root_length] == 0);
}

static int below_at(int folder, const char *path) {
    if (!root || !path) return 0;
    if (path[0] == '/' || folder == AT_FDCWD) return below(path);
    char name[64], target[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(name, target, sizeof target - 1);
    if (length < 0) return 0;
    target[length] = 0;
    return below(target);
}

static int opened_below(int file) {
    if (!root) return 0;
    char name[64], target[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, target, sizeof target - 1);
    if (length < 0) return 0;
    target[length] = 0;
    return below(target);
}

// Whether this call is the one, and fails. It does not return where the process ends before it.
static int fails(int counts, int *is_it) {
    *is_it = 0;
    if (!counts) return 0;
    if (atomic_fetch_add(&calls, 1) + 1 != at) return 0;
    *is_it = 1;
    if (kind == -1) raise(SIGKILL);
    if (kind > 0) {
        errno = kind;
        return 1;
    }
    return 0;
}

static void after(int is_it) {
    if (is_it && kind == -2) raise(SIGKILL);
}


#define CALL(type, name, counts, arguments, values, failed) \
    type name arguments { \
        static type(*real) arguments; \
        if (!real) real = (type(*) arguments)dlsym(RTLD_NEXT, #name); \
        int is_it; \
        if (fails(counts, &is_it)) return failed; \
        type result = real values; \
        int code = errno; \
        after(is_it); \
        errno = code; \
        return result; \
    }

CALL(ssize_t, write, opened_below(file), (int file, const void *bytes, size_t count), (file, bytes, count), -1)
CALL(ssize_t, pwrite, opened_below(file), (int file, const void *bytes, size_t count, off_t offset),
     (file, bytes, count, offset), -1)
CALL(ssize_t, pwrite64, opened_below(file), (int file, const void *bytes, size_t count, off_t offset),
     (file, bytes, count, offset), -1)
CALL(ssize_t, writev, opened_below(file), (int file, const struct iovec *parts, int count), (file, parts, count), -1)
CALL(int, fsync, opened_below(file), (int file), (file), -1)
CALL(int, fdatasync, opened_below(file), (int file), (file), -1)
CALL(int, ftruncate, opened_below(file), (int file, off_t length), (file, length), -1)
CALL(int, ftruncate64, opened_below(file), (int file, off_t length), (file, length), -1)
CALL(int, rename, below(from) || below(to), (const char *from, const char *to), (from, to), -1)
CALL(int, renameat, below_at(a, from) || below_at(b, to), (int a, const char *from, int b, const char *to),
     (a, from, b, to), -1)
CALL(int, renameat2, below_at(a, from) || below_at(b, to),
     (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags), -1)
CALL(int, link, below(to), (const char *from, const char *to), (from, to), -1)
CALL(int, linkat, below_at(b, to), (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags), -1)
CALL(int, symlink, below(to), (const char *from, const char *to), (from, to), -1)
CALL(int, unlink, below(path), (const char *path), (path), -1)
CALL(int, unlinkat, below_at(folder, path), (int folder, const char *path, int flags), (folder, path, flags), -1)
CALL(int, remove, below(path), (const char *path), (path), -1)
CALL(int, rmdir, below(path), (const char *path), (path), -1)
CALL(int, mkdir, below(path), (const char *path, mode_t mode), (path, mode), -1)
CALL(int, mkdirat, below_at(folder, path), (int folder, const char *path, mode_t mode), (folder, path, mode), -1)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        static int (*real)(const char *, int, ...); \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; \
        va_end(list); \
        int is_it; \
        if (fails((flags & (O_CREAT | __O_TMPFILE)) && below(path), &is_it)) return -1; \
        int result = real(path, flags, mode); \
        int code = errno; \
        after(is_it); \
        errno = code; \
        return result; \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        static int (*real)(int, const char *, int, ...); \
        if (!real) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; \
        va_end(list); \
        int is_it; \
        if (fails((flags & (O_CREAT | __O_TMPFILE)) && below_at(folder, path), &is_it)) return -1; \
        int result = real(folder, path, flags, mode); \
        int code = errno; \
        after(is_it); \
        errno = code; \
        return result; \
    }
OPENAT(openat)
OPENAT(openat64)
