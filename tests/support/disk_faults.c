/* Makes calls fail that write to the folder of stored runs, or kills the process at one of them.

   Loaded with LD_PRELOAD. drawer_fault() says which calls are concerned; drawer_calls() returns how many there were. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { NONE, KILL, NOSPC, IO, SHORT };

static int kind = NONE;
static long first = 0, last = 0, calls = 0;

void drawer_fault(int new_kind, long at, long count) {
    kind = new_kind;
    first = at;
    last = at + count;
    calls = 0;
}

long drawer_calls(void) { return calls; }

static int concerns(const char *path) { return path != NULL && strstr(path, "/runs/") != NULL; }

static int concerns_fd(int fd) {
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return concerns(path);
}

/* Counts a call; returns what happens to it. */
static int fate(int concerned) {
    if (!concerned) return NONE;
    long now = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (now < first || now >= last) return NONE;
    if (kind == KILL) kill(getpid(), SIGKILL);
    if (kind == NOSPC) errno = ENOSPC;
    if (kind == IO) errno = EIO;
    return kind;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define WRITE(name, offset_type)                                                        \
    ssize_t name(int fd, const void *data, size_t size, offset_type offset) {           \
        REAL(name);                                                                     \
        int happens = fate(concerns_fd(fd));                                            \
        if (happens == SHORT) { real(fd, data, size / 2, offset); errno = ENOSPC; return -1; } \
        return happens ? -1 : real(fd, data, size, offset);                             \
    }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    int happens = fate(concerns_fd(fd));
    if (happens == SHORT) return real(fd, data, (size + 1) / 2);
    return happens ? -1 : real(fd, data, size);
}

#define SIMPLE(name)                                                                    \
    int name(int fd) {                                                                  \
        REAL(name);                                                                     \
        int happens = fate(concerns_fd(fd));                                            \
        return happens && happens != SHORT ? -1 : real(fd);                             \
    }
SIMPLE(fsync)
SIMPLE(fdatasync)

#define TRUNCATE(name, length_type)                                                     \
    int name(int fd, length_type length) {                                              \
        REAL(name);                                                                     \
        int happens = fate(concerns_fd(fd));                                            \
        return happens && happens != SHORT ? -1 : real(fd, length);                     \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int unlink(const char *path) {
    REAL(unlink);
    int happens = fate(concerns(path));
    return happens && happens != SHORT ? -1 : real(path);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    int happens = fate(concerns(to));
    return happens && happens != SHORT ? -1 : real(from, to);
}

#define OPEN(name)                                                                      \
    int name(const char *path, int flags, ...) {                                        \
        REAL(name);                                                                     \
        va_list more;                                                                   \
        va_start(more, flags);                                                          \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;                       \
        va_end(more);                                                                   \
        int happens = fate((flags & O_CREAT) && concerns(path));                        \
        return happens && happens != SHORT ? -1 : real(path, flags, mode);              \
    }
OPEN(open)
OPEN(open64)
