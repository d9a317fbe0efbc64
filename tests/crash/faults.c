/* Makes calls on the files below a folder fail as a bad or full disk does, and sets the wall clock wrong.
 *
 * Loaded by LD_PRELOAD; FAULTS_ROOT is the folder (a real path), FAULTS_CONTROL a file outside it of the form of
 * `struct control`, which all processes of the gateway and the test share in memory: what the test writes there
 * holds at once, in every process. A call that is to fail is not done; of a write half may be done, as on a disk
 * that fills. Only the wall clock is moved: what measures durations (CLOCK_MONOTONIC) goes on as it is.
 */
#include "hooks.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

/* The order of both lists is that of tests/crash/faulty.py. */
enum kind { WRITE, SYNC, CREATE, NAME, TRUNCATE, MKDIR, MAP, READ, KINDS };
enum place { SPOOL, BODY, WAL, SHM, DATABASE, OTHER, PLACES };

struct control {
    _Atomic uint32_t kinds;   /* bits of what fails; 0: nothing */
    _Atomic uint32_t places;
    _Atomic uint32_t error;
    _Atomic int32_t skip;     /* calls that go well before the first that fails */
    _Atomic int32_t left;     /* calls that fail; below zero: all of them, until told otherwise */
    _Atomic uint32_t failed;
    _Atomic int64_t offset;   /* of the wall clock, nanoseconds */
    _Atomic uint32_t seen[KINDS][PLACES];
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("FAULTS_ROOT"), *path = getenv("FAULTS_CONTROL");
    int descriptor;
    if (folder == NULL || path == NULL) return;
    descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) abort();
    /* the bare call: our own mmap looks at `control` */
    control = (struct control *)syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor,
                                        0);
    syscall(SYS_close, descriptor);
    if (control == MAP_FAILED) abort();
    watch(folder);
}

static int ends(const char *path, const char *tail) {
    size_t length = strlen(path), less = strlen(tail);
    return length >= less && strcmp(path + length - less, tail) == 0;
}

static enum place place_of(const char *full) {
    const char *rest = full + root_length;
    if (strncmp(rest, "/spool/", 7) == 0) return SPOOL;
    if (strncmp(rest, "/bodies/", 8) == 0) return BODY;
    if (ends(rest, ".sqlite-wal")) return WAL;
    if (ends(rest, ".sqlite-shm")) return SHM;
    if (ends(rest, ".sqlite")) return DATABASE;
    return OTHER;
}

/* Whether this call is one that fails; errno is set then. */
static int fails(enum kind kind, const char *full) {
    enum place place = place_of(full);
    atomic_fetch_add(&control->seen[kind][place], 1);
    if (!(atomic_load(&control->kinds) >> kind & 1) || !(atomic_load(&control->places) >> place & 1)) return 0;
    if (atomic_fetch_sub(&control->skip, 1) > 0) return 0;
    if (atomic_load(&control->left) >= 0 && atomic_fetch_sub(&control->left, 1) <= 0) {
        atomic_store(&control->left, 0);
        return 0;
    }
    atomic_fetch_add(&control->failed, 1);
    errno = (int)atomic_load(&control->error);
    return 1;
}

static int fails_held(enum kind kind, int descriptor) {
    char full[PATH_MAX];
    uint64_t inode;
    return held(descriptor, &inode, full) && fails(kind, full);
}

static int fails_named(enum kind kind, int folder, const char *path) {
    char full[PATH_MAX];
    return find(folder, path, full) && fails(kind, full);
}

#define OPEN(name, parameters, folder, call) \
    int name parameters { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
        if ((flags & O_CREAT) && fails_named(CREATE, folder, path)) return -1; \
        return real call; \
    }

OPEN(open, (const char *path, int flags, ...), AT_FDCWD, (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD, (path, flags, mode))
OPEN(openat, (int folder, const char *path, int flags, ...), folder, (folder, path, flags, mode))
OPEN(openat64, (int folder, const char *path, int flags, ...), folder, (folder, path, flags, mode))

#define CALL(type, name, parameters, condition, failed, call) \
    type name parameters { \
        REAL(name); \
        if (condition) return failed; \
        return real call; \
    }

/* A full disk takes what there is room for. */
#define HALF(name, parameters, half, call) \
    ssize_t name parameters { \
        REAL(name); \
        if (fails_held(WRITE, descriptor)) { \
            if (errno == ENOSPC && size > 1 && (size & 64) && real half > 0) errno = ENOSPC; \
            return -1; \
        } \
        return real call; \
    }

HALF(write, (int descriptor, const void *data, size_t size), (descriptor, data, size / 2), (descriptor, data, size))
HALF(pwrite, (int descriptor, const void *data, size_t size, off_t at), (descriptor, data, size / 2, at),
     (descriptor, data, size, at))
HALF(pwrite64, (int descriptor, const void *data, size_t size, off64_t at), (descriptor, data, size / 2, at),
     (descriptor, data, size, at))
CALL(ssize_t, writev, (int descriptor, const struct iovec *parts, int count), fails_held(WRITE, descriptor), -1,
     (descriptor, parts, count))
CALL(ssize_t, read, (int descriptor, void *data, size_t size), fails_held(READ, descriptor), -1,
     (descriptor, data, size))
CALL(ssize_t, pread, (int descriptor, void *data, size_t size, off_t at), fails_held(READ, descriptor), -1,
     (descriptor, data, size, at))
CALL(ssize_t, pread64, (int descriptor, void *data, size_t size, off64_t at), fails_held(READ, descriptor), -1,
     (descriptor, data, size, at))
CALL(int, fsync, (int descriptor), fails_held(SYNC, descriptor), -1, (descriptor))
CALL(int, fdatasync, (int descriptor), fails_held(SYNC, descriptor), -1, (descriptor))
CALL(int, ftruncate, (int descriptor, off_t length), fails_held(TRUNCATE, descriptor), -1, (descriptor, length))
CALL(int, ftruncate64, (int descriptor, off64_t length), fails_held(TRUNCATE, descriptor), -1, (descriptor, length))
CALL(int, link, (const char *from, const char *to), fails_named(NAME, AT_FDCWD, to), -1, (from, to))
CALL(int, linkat, (int above, const char *from, int below, const char *to, int flags), fails_named(NAME, below, to), -1,
     (above, from, below, to, flags))
CALL(int, rename, (const char *from, const char *to), fails_named(NAME, AT_FDCWD, to), -1, (from, to))
CALL(int, renameat, (int above, const char *from, int below, const char *to), fails_named(NAME, below, to), -1,
     (above, from, below, to))
CALL(int, mkdir, (const char *path, mode_t mode), fails_named(MKDIR, AT_FDCWD, path), -1, (path, mode))
CALL(int, mkdirat, (int above, const char *path, mode_t mode), fails_named(MKDIR, above, path), -1,
     (above, path, mode))
CALL(void *, mmap, (void *at, size_t length, int protection, int flags, int descriptor, off_t offset),
     control != NULL && descriptor >= 0 && fails_held(MAP, descriptor), MAP_FAILED,
     (at, length, protection, flags, descriptor, offset))
CALL(void *, mmap64, (void *at, size_t length, int protection, int flags, int descriptor, off64_t offset),
     control != NULL && descriptor >= 0 && fails_held(MAP, descriptor), MAP_FAILED,
     (at, length, protection, flags, descriptor, offset))

/* The wall clock. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime);
    int code = real(clock, now);
    if (code == 0 && control != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t all = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + atomic_load(&control->offset);
        now->tv_sec = all / 1000000000;
        now->tv_nsec = all % 1000000000;
    }
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
    if (where != NULL) *where = exact.tv_sec;
    return exact.tv_sec;
}
