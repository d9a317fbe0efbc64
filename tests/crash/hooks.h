/* What the preloaded libraries of the tests share: which files lie below the watched folder, and the real functions. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[PATH_MAX];
static size_t root_length;

static void watch(const char *folder) {
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
}

static int is_below(const char *path) {
    return root_length && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

/* The path in full, if it lies below the folder. */
static int find(int folder, const char *path, char *full) {
    int kept = errno, found = 0;
    if (root_length == 0) return 0;
    if (path[0] == '/') {
        found = snprintf(full, PATH_MAX, "%s", path) < PATH_MAX;
    } else {
        char above[PATH_MAX], link[64];
        ssize_t length;
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        length = readlink(link, above, sizeof above - 1);
        if (length > 0) {
            above[length] = 0;
            found = snprintf(full, PATH_MAX, "%s/%s", above, path) < PATH_MAX;
        }
    }
    errno = kept;
    return found && is_below(full);
}

/* Whether a descriptor is a file or directory below the folder; its inode, and its path. */
static int held(int descriptor, uint64_t *inode, char *full) {
    struct stat about;
    char link[64];
    ssize_t length;
    int kept = errno, found = 0;
    if (root_length && fstat(descriptor, &about) == 0 && (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        length = readlink(link, full, PATH_MAX - 1);
        if (length > 0) {
            full[length] = 0;
            *inode = about.st_ino;
            found = is_below(full);
        }
    }
    errno = kept;
    return found;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
