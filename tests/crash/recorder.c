/* Writes down, in one order for all processes, what they do to the files below a folder.
 *
 * Loaded by LD_PRELOAD; POWERCUT_ROOT is the folder (a real path), POWERCUT_LOG the log outside it. Every act
 * that changes a file or a name is done and logged under one lock, so the log's order is the kernel's. A sync is logged
 * when it begins, and when it has succeeded or failed: it is about what was logged before it began, and others go on
 * meanwhile.
 *
 * Files are told by their inode, which no descriptor table has to follow; the log says when a name is made, so the
 * reader can tell a new file from an old one whose inode it got. What is written through memory maps is not seen
 * (SQLite's -shm only, which needs no durability), nor what is done by bare system calls: the test that replays the
 * whole log and compares it with the folder would find such a thing.
 *
 * A record that cannot be written ends the process: a log with a hole proves nothing.
 */
#include "hooks.h"

#include <pthread.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/uio.h>

struct record {
    uint32_t size; /* of the whole record */
    uint32_t kind;
    uint64_t inode;
    uint64_t number; /* offset, length, or which sync */
    uint32_t first;  /* bytes of the path that follows */
    uint32_t second; /* bytes of the second path, or of the data, behind it */
};

static char log_path[PATH_MAX];
static int log_descriptor = -1;
static uint64_t syncs;
static pthread_mutex_t ours = PTHREAD_MUTEX_INITIALIZER;

static void forked(void) {
    /* the lock belongs to the open file, so a child needs one of its own */
    if (log_descriptor >= 0) syscall(SYS_close, log_descriptor);
    log_descriptor = -1;
    pthread_mutex_init(&ours, NULL);
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("POWERCUT_ROOT"), *log = getenv("POWERCUT_LOG");
    if (folder == NULL || log == NULL) return;
    watch(folder);
    strncpy(log_path, log, sizeof log_path - 1);
    pthread_atfork(NULL, NULL, forked);
}

static void die(const char *what) {
    dprintf(2, "recorder: %s: %s\n", what, strerror(errno));
    abort();
}

static void lock(int kind) {
    struct flock whole = {.l_type = (short)kind, .l_whence = SEEK_SET};
    while (fcntl(log_descriptor, F_OFD_SETLKW, &whole) != 0)
        if (errno != EINTR) die("lock");
}

static void enter(void) {
    pthread_mutex_lock(&ours);
    if (log_descriptor < 0) {
        log_descriptor = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (log_descriptor < 0) die("open");
    }
    lock(F_WRLCK);
}

static void leave(void) {
    int kept = errno;
    lock(F_UNLCK);
    pthread_mutex_unlock(&ours);
    errno = kept;
}

static void put(char kind, uint64_t inode, uint64_t number, const char *first, const void *second, size_t length) {
    int kept = errno;
    size_t path = first ? strlen(first) : 0;
    struct record head = {(uint32_t)(sizeof head + path + length), (uint32_t)kind, inode, number,
                          (uint32_t)path, (uint32_t)length};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)first, path}, {(void *)second, length}};
    if (syscall(SYS_writev, log_descriptor, parts, 3) != (long)head.size) die("write");
    errno = kept;
}

/* Opening: logged where it may make a file or empty one. */
static int opened(int descriptor, const char *full, int flags) {
    struct stat about;
    if (descriptor >= 0 && fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode))
        put('O', about.st_ino, (flags & O_TRUNC) != 0, full, NULL, 0);
    return descriptor;
}

#define OPEN(name, parameters, folder, call) \
    int name parameters { \
        REAL(name); \
        char full[PATH_MAX]; \
        mode_t mode = 0; \
        int descriptor; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
        if (!(flags & (O_CREAT | O_TRUNC)) || !find(folder, path, full)) return real call; \
        enter(); \
        descriptor = opened(real call, full, flags); \
        leave(); \
        return descriptor; \
    }

OPEN(open, (const char *path, int flags, ...), AT_FDCWD, (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD, (path, flags, mode))
OPEN(openat, (int folder, const char *path, int flags, ...), folder, (folder, path, flags, mode))
OPEN(openat64, (int folder, const char *path, int flags, ...), folder, (folder, path, flags, mode))

int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* Writing. `at` is where it began; negative: where the descriptor stood. */
static void wrote(int descriptor, uint64_t inode, off_t at, const struct iovec *parts, ssize_t done) {
    if (at < 0) at = lseek(descriptor, 0, SEEK_CUR) - done;
    for (; done > 0; parts++) {
        size_t length = parts->iov_len < (size_t)done ? parts->iov_len : (size_t)done;
        if (length) put('W', inode, (uint64_t)at, NULL, parts->iov_base, length);
        at += (off_t)length;
        done -= (ssize_t)length;
    }
}

#define WRITE(name, parameters, call, at, parts) \
    ssize_t name parameters { \
        REAL(name); \
        char full[PATH_MAX]; \
        uint64_t inode; \
        ssize_t done; \
        if (!held(descriptor, &inode, full)) return real call; \
        enter(); \
        done = real call; \
        if (done > 0) wrote(descriptor, inode, at, parts, done); \
        leave(); \
        return done; \
    }

#define ONE (&(struct iovec){(void *)data, size})
WRITE(write, (int descriptor, const void *data, size_t size), (descriptor, data, size), -1, ONE)
WRITE(pwrite, (int descriptor, const void *data, size_t size, off_t at), (descriptor, data, size, at), at, ONE)
WRITE(pwrite64, (int descriptor, const void *data, size_t size, off64_t at), (descriptor, data, size, at), at, ONE)
WRITE(writev, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count), -1, parts)
WRITE(pwritev, (int descriptor, const struct iovec *parts, int count, off_t at), (descriptor, parts, count, at), at,
      parts)
WRITE(pwritev64, (int descriptor, const struct iovec *parts, int count, off64_t at), (descriptor, parts, count, at),
      at, parts)

/* Other acts: done under the lock, and logged when they succeeded. */
#define ACT(name, parameters, wanted, call, log) \
    int name parameters { \
        REAL(name); \
        char full[PATH_MAX], other[PATH_MAX]; \
        uint64_t inode = 0; \
        int code; \
        (void)other; \
        (void)inode; \
        if (!(wanted)) return real call; \
        enter(); \
        code = real call; \
        if (code == 0) log; \
        leave(); \
        return code; \
    }

#define TRUNCATED put('T', inode, (uint64_t)length, NULL, NULL, 0)
#define NAMED(kind) put(kind, 0, 0, full, other, strlen(other))
#define BOTH(above, from, below, to) (find(above, from, full) && find(below, to, other))

ACT(ftruncate, (int descriptor, off_t length), held(descriptor, &inode, full), (descriptor, length), TRUNCATED)
ACT(ftruncate64, (int descriptor, off64_t length), held(descriptor, &inode, full), (descriptor, length), TRUNCATED)
ACT(link, (const char *from, const char *to), BOTH(AT_FDCWD, from, AT_FDCWD, to), (from, to), NAMED('L'))
ACT(linkat, (int above, const char *from, int below, const char *to, int flags), BOTH(above, from, below, to),
    (above, from, below, to, flags), NAMED('L'))
ACT(rename, (const char *from, const char *to), BOTH(AT_FDCWD, from, AT_FDCWD, to), (from, to), NAMED('R'))
ACT(renameat, (int above, const char *from, int below, const char *to), BOTH(above, from, below, to),
    (above, from, below, to), NAMED('R'))
ACT(renameat2, (int above, const char *from, int below, const char *to, unsigned int flags),
    BOTH(above, from, below, to), (above, from, below, to, flags), NAMED('R'))
ACT(unlink, (const char *path), find(AT_FDCWD, path, full), (path), put('U', 0, 0, full, NULL, 0))
ACT(unlinkat, (int above, const char *path, int flags), find(above, path, full), (above, path, flags),
    put('U', 0, 0, full, NULL, 0))
ACT(rmdir, (const char *path), find(AT_FDCWD, path, full), (path), put('U', 0, 0, full, NULL, 0))
ACT(mkdir, (const char *path, mode_t mode), find(AT_FDCWD, path, full), (path, mode),
    put('M', 0, 0, full, NULL, 0))
ACT(mkdirat, (int above, const char *path, mode_t mode), find(above, path, full), (above, path, mode),
    put('M', 0, 0, full, NULL, 0))

/* Syncs: not under the lock while they last, since what comes meanwhile is not covered. */
#define SYNC(name) \
    int name(int descriptor) { \
        REAL(name); \
        char full[PATH_MAX]; \
        uint64_t inode, number; \
        int code; \
        if (!held(descriptor, &inode, full)) return real(descriptor); \
        enter(); \
        number = (uint64_t)getpid() << 32 | ++syncs; \
        put('S', inode, number, full, NULL, 0); \
        leave(); \
        code = real(descriptor); \
        enter(); \
        put(code == 0 ? 'E' : 'F', inode, number, NULL, NULL, 0); \
        leave(); \
        return code; \
    }

SYNC(fsync)
SYNC(fdatasync)
