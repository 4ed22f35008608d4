/* A disk that forgets and fails, for one process: loaded with LD_PRELOAD, it needs nothing of the program.
 *
 * Forgetting. Each write, ftruncate, creation, unlink and rename below STORAGE_FAULTS_DIR is noted, with what it replaced, in
 * an undo log below STORAGE_FAULTS_JOURNAL: one log for each file and directory, by inode, shared by all processes.
 * fsync or fdatasync of the file or directory empties its log. What a log still holds is what a power cut may take;
 * storage_faults.py takes it. Not noted: mkdir, links, xattrs, times, and files whose name ends in -shm (SQLite's
 * index, which is rebuilt) or .log. A file's fsync does not make its name durable, as POSIX allows.
 *
 * It makes no system call that a confined HSM process is not allowed.
 *
 * Failing. STORAGE_FAULTS_JOURNAL/control, shared memory of the test, has an errno with which everything that changes a file
 * below STORAGE_FAULTS_DIR fails, and nanoseconds that are added to CLOCK_REALTIME.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE = 1, TRUNCATE = 2, CREATE = 3, UNLINK = 4, RENAME = 5 };

/* A record: this, then the old bytes, then the new ones. For names: the old name, the new name or none; `offset` is the
 * number of the saved file that lost its name, 0 for none. */
struct record {
    uint32_t kind, old_length, new_length, padding;
    uint64_t offset, old_size, new_size;
};

struct control {
    int32_t error, padding;
    int64_t clock_offset;
};

static const char *directory, *journal;
static struct control *control;
static struct control none;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

__attribute__((constructor)) static void begin(void) {
    char path[PATH_MAX];
    directory = getenv("STORAGE_FAULTS_DIR");
    journal = getenv("STORAGE_FAULTS_JOURNAL");
    control = &none;
    if (!directory || !journal) return;
    snprintf(path, sizeof path, "%s/control", journal);
    int fd = REAL(open64)(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) abort();
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED) abort();
    REAL(close)(fd);
}

static int ends(const char *path, const char *end) {
    size_t length = strlen(path), tail = strlen(end);
    return length >= tail && strcmp(path + length - tail, end) == 0;
}

static int is_below(const char *path) {
    return directory && strncmp(path, directory, strlen(directory)) == 0 && strncmp(path, journal, strlen(journal)) != 0
           && !ends(path, "-shm") && !ends(path, ".log");
}

static int is_watched(int fd) {
    char link[64], path[PATH_MAX];
    struct stat status;
    if (!directory) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlinkat(AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path) && fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

enum change { NEEDS_SPACE, NEEDS_NONE, SYNCS };

/* 1 where the change must fail; errno is set. A full disk refuses what needs space, one that cannot be written all but
 * a sync. */
static int fails(enum change change) {
    int error = __atomic_load_n(&control->error, __ATOMIC_RELAXED);
    if (!error || (error == ENOSPC && change != NEEDS_SPACE) || (error == EROFS && change == SYNCS)) return 0;
    errno = error;
    return 1;
}

/* The undo log of an inode, locked until it is closed: nobody writes or syncs the file meanwhile. */
static int undo_log(const struct stat *status) {
    char path[PATH_MAX];
    struct flock lock = {.l_type = F_WRLCK};
    snprintf(path, sizeof path, "%s/%lu.undo", journal, (unsigned long)status->st_ino);
    int fd = REAL(open64)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fcntl(fd, F_OFD_SETLKW, &lock) != 0) abort();
    return fd;
}

static int undo_log_of(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) abort();
    return undo_log(&status);
}

static void note(int log, struct record record, const void *old, const void *new) {
    size_t size = sizeof record + record.old_length + record.new_length;
    char *all = malloc(size);
    if (!all) abort();
    memcpy(all, &record, sizeof record);
    memcpy(all + sizeof record, old, record.old_length);
    memcpy(all + sizeof record + record.old_length, new, record.new_length);
    /* The log begins with how long it is: a record that its process was killed in does not count. */
    uint64_t used = 0;
    if (pread64(log, &used, sizeof used, 0) < 0 || REAL(pwrite64)(log, all, size, sizeof used + used) != (ssize_t)size) abort();
    used += size;
    if (REAL(pwrite64)(log, &used, sizeof used, 0) != sizeof used) abort();
    free(all);
}

/* Reads by a descriptor of its own where this one only writes. SQLite's are opened for both, so that its POSIX locks,
 * which the closing of another descriptor would end, are safe. */
static size_t read_old(int fd, void *into, size_t length, off64_t offset) {
    ssize_t got = pread64(fd, into, length, offset);
    if (got < 0 && errno == EBADF) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        int reader = REAL(open64)(link, O_RDONLY | O_CLOEXEC);
        if (reader < 0) abort();
        got = pread64(reader, into, length, offset);
        REAL(close)(reader);
    }
    if (got < 0) abort();
    return (size_t)got;
}

static void note_write(int log, int fd, const void *data, size_t length, off64_t offset) {
    struct stat status;
    void *old = malloc(length + 1);
    if (!old || fstat(fd, &status) != 0) abort();
    if (fcntl(fd, F_GETFL) & O_APPEND) offset = status.st_size;
    size_t replaced = read_old(fd, old, length, offset);
    struct record record = {.kind = WRITE, .old_length = replaced, .new_length = length, .offset = offset,
                            .old_size = status.st_size};
    note(log, record, old, data);
    free(old);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    if (!is_watched(fd)) return REAL(pwrite64)(fd, data, length, offset);
    if (fails(NEEDS_SPACE)) return -1;
    int log = undo_log_of(fd);
    note_write(log, fd, data, length, offset);
    ssize_t written = REAL(pwrite64)(fd, data, length, offset);
    int error = errno;
    REAL(close)(log);
    errno = error;
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    if (!is_watched(fd)) return REAL(write)(fd, data, length);
    if (fails(NEEDS_SPACE)) return -1;
    int log = undo_log_of(fd);
    note_write(log, fd, data, length, lseek64(fd, 0, SEEK_CUR));
    ssize_t written = REAL(write)(fd, data, length);
    int error = errno;
    REAL(close)(log);
    errno = error;
    return written;
}

int ftruncate64(int fd, off64_t size) {
    struct stat status;
    if (!is_watched(fd)) return REAL(ftruncate64)(fd, size);
    if (fails(NEEDS_NONE)) return -1;
    int log = undo_log_of(fd);
    if (fstat(fd, &status) != 0) abort();
    size_t cut = status.st_size > size ? status.st_size - size : 0;
    void *old = malloc(cut + 1);
    if (!old || read_old(fd, old, cut, size) != cut) abort();
    struct record record = {.kind = TRUNCATE, .old_length = cut, .offset = size, .old_size = status.st_size, .new_size = size};
    note(log, record, old, "");
    free(old);
    int result = REAL(ftruncate64)(fd, size), error = errno;
    REAL(close)(log);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int synced(int fd, int (*sync)(int)) {
    if (!is_watched(fd)) return sync(fd);
    if (fails(SYNCS)) return -1;
    int log = undo_log_of(fd);
    int result = sync(fd), error = errno;
    if (result == 0 && REAL(ftruncate64)(log, 0) != 0) abort();
    REAL(close)(log);
    errno = error;
    return result;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

/* -- names ---------------------------------------------------------------------------------------------------------- */

/* The directory of a path, opened, with its undo log; -1 where the path is not watched. */
struct place {
    int directory, log;
    char path[PATH_MAX], *name;
};

static int at_place(int base, const char *path, struct place *place) {
    char link[64], start[PATH_MAX] = "";
    if (!directory) return -1;
    if (path[0] != '/') {
        ssize_t length;
        if (base == AT_FDCWD) {
            if (!getcwd(start, sizeof start)) return -1;
            length = strlen(start);
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", base);
            length = readlinkat(AT_FDCWD, link, start, sizeof start - 2);
            if (length < 0) return -1;
        }
        start[length] = '/';
        start[length + 1] = 0;
    }
    if ((size_t)snprintf(place->path, sizeof place->path, "%s%s", start, path) >= sizeof place->path) return -1;
    if (!is_below(place->path)) return -1;
    char *slash = strrchr(place->path, '/');
    *slash = 0;
    place->name = slash + 1;
    place->directory = REAL(open64)(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->directory < 0) return -1;
    place->log = undo_log_of(place->directory);
    return 0;
}

static void leave(struct place *place) {
    int error = errno;
    REAL(close)(place->log);
    REAL(close)(place->directory);
    errno = error;
}

/* Keeps the content of a file that is about to lose its name; 0 when there is none. */
static uint64_t save(struct place *place, const char *name) {
    static uint64_t number;
    char path[PATH_MAX], block[65536];
    struct stat status;
    ssize_t got;
    if (fstatat(place->directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) return 0;
    uint64_t id = ((uint64_t)getpid() << 32) + __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED);
    snprintf(path, sizeof path, "%s/%lu.saved", journal, (unsigned long)id);
    int from = REAL(openat64)(place->directory, name, O_RDONLY | O_CLOEXEC);
    int to = REAL(open64)(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from < 0 || to < 0) abort();
    while ((got = REAL(read)(from, block, sizeof block)) > 0)
        if (REAL(write)(to, block, got) != got) abort();
    if (got < 0) abort();
    REAL(close)(from);
    REAL(close)(to);
    return id;
}

static void note_name(struct place *place, enum kind kind, uint64_t saved, const char *old, const char *new) {
    struct record record = {.kind = kind, .old_length = strlen(old), .new_length = strlen(new), .offset = saved};
    note(place->log, record, old, new);
}

static int opened(int base, const char *path, int flags, mode_t mode) {
    struct place place;
    struct stat status;
    int changes = flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
    if (!changes || at_place(base, path, &place) != 0) return REAL(openat64)(base, path, flags, mode);
    int result = -1, is_new = (flags & O_CREAT) && fstatat(place.directory, place.name, &status, 0) != 0;
    if (!fails(is_new ? NEEDS_SPACE : NEEDS_NONE)) {
        result = REAL(openat64)(base, path, flags & ~O_TRUNC, mode);
        if (result >= 0 && is_new) note_name(&place, CREATE, 0, place.name, "");
    }
    leave(&place);
    if (result >= 0 && (flags & O_TRUNC) && ftruncate64(result, 0) != 0) abort();
    return result;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat64(int base, const char *path, int flags, ...) { MODE(flags) return opened(base, path, flags, mode); }
int openat(int base, const char *path, int flags, ...) { MODE(flags) return opened(base, path, flags, mode); }

int unlinkat(int base, const char *path, int flags) {
    struct place place;
    if ((flags & AT_REMOVEDIR) || at_place(base, path, &place) != 0) return REAL(unlinkat)(base, path, flags);
    int result = -1;
    if (!fails(NEEDS_NONE)) {
        uint64_t saved = save(&place, place.name);
        if (saved) note_name(&place, UNLINK, saved, place.name, "");
        result = REAL(unlinkat)(base, path, flags);
    }
    leave(&place);
    return result;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int renameat(int old_base, const char *old, int new_base, const char *new) {
    struct place place;
    if (at_place(new_base, new, &place) != 0) return REAL(renameat)(old_base, old, new_base, new);
    int result = -1;
    if (!fails(NEEDS_NONE)) {
        const char *slash = strrchr(old, '/');
        note_name(&place, RENAME, save(&place, place.name), slash ? slash + 1 : old, place.name);
        result = REAL(renameat)(old_base, old, new_base, new);
    }
    leave(&place);
    return result;
}

int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

/* -- the clock ------------------------------------------------------------------------------------------------------ */

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = REAL(clock_gettime)(clock, time);
    int64_t offset = control ? __atomic_load_n(&control->clock_offset, __ATOMIC_RELAXED) : 0;
    if (result == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t nanoseconds = time->tv_nsec + offset % 1000000000;
        time->tv_sec += offset / 1000000000 + (nanoseconds >= 1000000000) - (nanoseconds < 0);
        time->tv_nsec = (nanoseconds + 1000000000) % 1000000000;
    }
    return result;
}
