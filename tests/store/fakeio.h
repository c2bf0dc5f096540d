/* fakeio.h - a file system that crashes, loses power or is full when a test says so.
 *
 *     fakeio f;
 *     fakeio_init(&f, dir);               DIR and what is in it counts as being on the disk
 *     f.crash_at = 17;                    operation 17 and all later ones fail and change nothing
 *     f.torn = true;                      ... but if it is a write, half of it is done
 *     run(&f.io, dir);                    passes through to real files, without real syncs
 *     fakeio_lose_power(&f, NULL);        optional: DIR now holds what was synced, and no more
 *     fakeio_deinit(&f);
 *     reopen(&mw_io_system, dir);
 *
 * Operations that change something are counted in f.ops, from 1; run once with crash_at = 0 to
 * learn how many there are.  f.full_from and f.full_to: operations in that range that need room are
 * half done and answer -ENOSPC.  f.fail_sync: syncs fail with -EIO; nothing more of that file gets
 * to the disk then, even when a later sync says so (the kernel drops such pages).
 *
 * After a loss of power a folder holds the names it had when it was synced last, and a file the
 * bytes it had when it was synced last.  With a mutator each sector and each name may as well be
 * the newer one.
 *
 * fakeio_revive begins another process on the same file system, crashed or not.
 *
 * Any thread may use the io; the other functions are for one thread after the others are gone.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_STORE_FAKEIO_H
#define MW_TESTS_STORE_FAKEIO_H
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "mutate.h"
#include "store/folder.h"
#include "store/io.h"

/* A file as the disk knows it.  FD stays open, so its inode number is not given to another file. */
struct fakeio_file {
    ino_t ino;
    int fd;
    char *bytes;
    size_t n;
    bool dropped; /* a sync failed; what was written before it never gets to the disk */
};

struct fakeio_name {
    char *path;
    ino_t ino;
    bool is_dir;
};

typedef struct fakeio {
    mw_io io;
    uint64_t ops, crash_at, full_from, full_to;
    bool torn, fail_sync;
    pthread_mutex_t lock;
    char *dir;
    struct fakeio_file *file;
    size_t n_files;
    struct fakeio_name *name; /* durable ones */
    size_t n_names;
} fakeio;

/* -- no faults, but no waiting either ------------------------------------------------------- */

static inline int fakeio_no_sync(const mw_io *io, int fd) { return 0; }
static inline int fakeio_no_sync_dir(const mw_io *io, const char *path) { return 0; }

/* The system's without syncs, for tests in which nothing crashes. */
static inline mw_io fakeio_quick(void)
{
    mw_io io = mw_io_system;
    io.sync = fakeio_no_sync;
    io.sync_dir = fakeio_no_sync_dir;
    return io;
}

/* -- what the disk knows -------------------------------------------------------------------- */

static inline struct fakeio_file *fakeio_file_of(fakeio *f, ino_t ino)
{
    for (size_t i = 0; i < f->n_files; i++)
        if (f->file[i].ino == ino) return &f->file[i];
    return NULL;
}

static inline char *fakeio_read_fd(int fd, size_t *n)
{
    struct stat st;
    if (fstat(fd, &st)) abort();
    *n = (size_t)st.st_size;
    char *bytes = malloc(*n + 1);
    if (pread(fd, bytes, *n, 0) != (ssize_t)*n) abort();
    return bytes;
}

static inline struct fakeio_file *fakeio_know(fakeio *f, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) abort();
    struct fakeio_file *known = fakeio_file_of(f, st.st_ino);
    if (known) {
        close(fd);
        return known;
    }
    f->file = realloc(f->file, (f->n_files + 1) * sizeof *f->file);
    f->file[f->n_files] = (struct fakeio_file){.ino = st.st_ino, .fd = fd};
    return &f->file[f->n_files++];
}

static inline void fakeio_remember(struct fakeio_file *file)
{
    free(file->bytes);
    file->bytes = fakeio_read_fd(file->fd, &file->n);
}

static inline void fakeio_add_name(void *arg, const char *path)
{
    fakeio *f = arg;
    struct stat st;
    if (lstat(path, &st)) abort();
    f->name = realloc(f->name, (f->n_names + 1) * sizeof *f->name);
    f->name[f->n_names++] = (struct fakeio_name){strdup(path), st.st_ino, S_ISDIR(st.st_mode)};
}

static inline bool fakeio_is_in(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return !strncmp(path, dir, n) && path[n] == '/' && !strchr(path + n + 1, '/');
}

static inline void fakeio_sync_names(fakeio *f, const char *dir)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n_names; i++)
        if (fakeio_is_in(f->name[i].path, dir))
            free(f->name[i].path);
        else
            f->name[kept++] = f->name[i];
    f->n_names = kept;
    folder_each(dir, fakeio_add_name, f);
}

/* Everything below PATH as it is now. */
static inline void fakeio_adopt(void *arg, const char *path)
{
    fakeio *f = arg;
    struct stat st;
    if (lstat(path, &st)) abort();
    if (S_ISDIR(st.st_mode)) {
        fakeio_sync_names(f, path);
        folder_each(path, fakeio_adopt, f);
    } else {
        fakeio_remember(fakeio_know(f, path));
    }
}

/* -- the operations ------------------------------------------------------------------------- */

enum fakeio_verdict { FAKEIO_GO, FAKEIO_DEAD, FAKEIO_TORN, FAKEIO_FULL };

static inline enum fakeio_verdict fakeio_count(fakeio *f, bool needs_room)
{
    uint64_t op = ++f->ops;
    if (f->crash_at && op == f->crash_at && f->torn) return FAKEIO_TORN;
    if (f->crash_at && op >= f->crash_at) return FAKEIO_DEAD;
    if (needs_room && op >= f->full_from && op < f->full_to) return FAKEIO_FULL;
    return FAKEIO_GO;
}

static inline bool fakeio_is_dead(const fakeio *f) { return f->crash_at && f->ops >= f->crash_at; }

static inline void fakeio_set_fail_sync(fakeio *f, bool fail)
{
    pthread_mutex_lock(&f->lock);
    f->fail_sync = fail;
    pthread_mutex_unlock(&f->lock);
}

/* A dead process is started again; what it did not sync is still not on the disk. */
static inline void fakeio_revive(fakeio *f)
{
    f->ops = f->crash_at = f->full_from = f->full_to = 0;
    f->torn = false;
}

static inline fakeio *fakeio_enter(const mw_io *io)
{
    fakeio *f = (fakeio *)io;
    pthread_mutex_lock(&f->lock);
    return f;
}

static inline int fakeio_leave(fakeio *f, int rc)
{
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static inline int fakeio_refusal(enum fakeio_verdict v)
{
    return v == FAKEIO_FULL ? -ENOSPC : -EIO;
}

static inline int fakeio_open(const mw_io *io, const char *path, int flags)
{
    fakeio *f = fakeio_enter(io);
    enum fakeio_verdict v = fakeio_is_dead(f) ? FAKEIO_DEAD : FAKEIO_GO;
    if (flags & (O_CREAT | O_TRUNC)) v = fakeio_count(f, access(path, F_OK) != 0);
    if (v != FAKEIO_GO) return fakeio_leave(f, fakeio_refusal(v));
    int fd = mw_io_system.open(&mw_io_system, path, flags);
    if (fd >= 0) fakeio_know(f, path);
    return fakeio_leave(f, fd);
}

static inline ssize_t fakeio_pwrite(const mw_io *io, int fd, const void *p, size_t n, uint64_t at)
{
    struct stat st;
    fakeio *f = fakeio_enter(io);
    if (fstat(fd, &st)) abort();
    enum fakeio_verdict v = fakeio_count(f, at + n > (uint64_t)st.st_size);
    ssize_t rc = v == FAKEIO_GO ? (ssize_t)n : fakeio_refusal(v);
    if (v == FAKEIO_TORN || v == FAKEIO_FULL) n /= 2;
    if (v != FAKEIO_DEAD && mw_io_system.pwrite(&mw_io_system, fd, p, n, at) != (ssize_t)n) abort();
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static inline int fakeio_truncate(const mw_io *io, int fd, uint64_t size)
{
    fakeio *f = fakeio_enter(io);
    if (fakeio_count(f, false) != FAKEIO_GO) return fakeio_leave(f, -EIO);
    return fakeio_leave(f, mw_io_system.truncate(&mw_io_system, fd, size));
}

static inline int fakeio_sync(const mw_io *io, int fd)
{
    struct stat st;
    fakeio *f = fakeio_enter(io);
    if (fakeio_count(f, false) != FAKEIO_GO) return fakeio_leave(f, -EIO);
    if (fstat(fd, &st)) abort();
    struct fakeio_file *file = fakeio_file_of(f, st.st_ino);
    if (f->fail_sync) file->dropped = true;
    if (!file->dropped) fakeio_remember(file);
    return fakeio_leave(f, f->fail_sync ? -EIO : 0);
}

static inline int fakeio_close(const mw_io *io, int fd)
{
    fakeio *f = fakeio_enter(io);
    int rc = mw_io_system.close(&mw_io_system, fd);
    return fakeio_leave(f, fakeio_is_dead(f) ? -EIO : rc);
}

static inline int fakeio_sync_dir(const mw_io *io, const char *path)
{
    fakeio *f = fakeio_enter(io);
    if (fakeio_count(f, false) != FAKEIO_GO || f->fail_sync) return fakeio_leave(f, -EIO);
    if (!strncmp(path, f->dir, strlen(f->dir))) fakeio_sync_names(f, path);
    return fakeio_leave(f, 0);
}

static inline int fakeio_rename(const mw_io *io, const char *from, const char *to)
{
    fakeio *f = fakeio_enter(io);
    if (fakeio_count(f, false) != FAKEIO_GO) return fakeio_leave(f, -EIO);
    return fakeio_leave(f, mw_io_system.rename(&mw_io_system, from, to));
}

static inline int fakeio_link(const mw_io *io, const char *from, const char *to)
{
    fakeio *f = fakeio_enter(io);
    enum fakeio_verdict v = fakeio_count(f, true);
    if (v != FAKEIO_GO) return fakeio_leave(f, fakeio_refusal(v));
    return fakeio_leave(f, mw_io_system.link(&mw_io_system, from, to));
}

static inline int fakeio_unlink(const mw_io *io, const char *path)
{
    fakeio *f = fakeio_enter(io);
    if (fakeio_count(f, false) != FAKEIO_GO) return fakeio_leave(f, -EIO);
    return fakeio_leave(f, mw_io_system.unlink(&mw_io_system, path));
}

static inline int fakeio_mkdir(const mw_io *io, const char *path)
{
    fakeio *f = fakeio_enter(io);
    enum fakeio_verdict v = fakeio_count(f, access(path, F_OK) != 0);
    if (v != FAKEIO_GO) return fakeio_leave(f, fakeio_refusal(v));
    return fakeio_leave(f, mw_io_system.mkdir(&mw_io_system, path));
}

/* -- life ----------------------------------------------------------------------------------- */

static inline void fakeio_init(fakeio *f, const char *dir)
{
    *f = (fakeio){
        .io = {fakeio_open, fakeio_pwrite, fakeio_truncate, fakeio_sync, fakeio_close,
               fakeio_sync_dir, fakeio_rename, fakeio_link, fakeio_unlink, fakeio_mkdir},
        .dir = strdup(dir),
    };
    pthread_mutex_init(&f->lock, NULL);
    fakeio_adopt(f, dir);
}

static inline void fakeio_deinit(fakeio *f)
{
    for (size_t i = 0; i < f->n_files; i++) close(f->file[i].fd), free(f->file[i].bytes);
    for (size_t i = 0; i < f->n_names; i++) free(f->name[i].path);
    free(f->file);
    free(f->name);
    free(f->dir);
    pthread_mutex_destroy(&f->lock);
}

/* -- loss of power -------------------------------------------------------------------------- */

/* Sector by sector the bytes that were synced or those that are newer; M NULL: those synced. */
static inline void fakeio_settle_file(struct fakeio_file *file, mutator *m)
{
    enum { SECTOR = 512 };
    size_t n;
    if (!m || file->dropped) return;
    char *newer = fakeio_read_fd(file->fd, &n);
    if (n != file->n && mutator_below(m, 2)) {
        file->bytes = realloc(file->bytes, n + 1);
        if (n > file->n) memset(file->bytes + file->n, 0, n - file->n);
        file->n = n;
    }
    for (size_t at = 0; at < n && at < file->n; at += SECTOR) {
        size_t some = (n < file->n ? n : file->n) - at;
        if (mutator_below(m, 2))
            memcpy(file->bytes + at, newer + at, some < SECTOR ? some : SECTOR);
    }
    free(newer);
}

static inline int fakeio_by_path(const void *a, const void *b)
{
    return strcmp(((const struct fakeio_name *)a)->path, ((const struct fakeio_name *)b)->path);
}

/* With M some folders are found as they were left instead of as they were synced. */
static inline void fakeio_settle_names(void *arg, const char *path)
{
    void **both = arg;
    struct stat st;
    if (lstat(path, &st) || !S_ISDIR(st.st_mode)) return;
    if (mutator_below(both[1], 2)) fakeio_sync_names(both[0], path);
    folder_each(path, fakeio_settle_names, arg);
}

static inline void fakeio_lose_power(fakeio *f, mutator *m)
{
    void *both[] = {f, m};
    if (m) fakeio_settle_names(both, f->dir);
    for (size_t i = 0; i < f->n_files; i++) fakeio_settle_file(&f->file[i], m);
    folder_clear(f->dir);
    /* A folder's path sorts before those in it; a name in a folder that is lost is lost. */
    if (f->n_names) qsort(f->name, f->n_names, sizeof *f->name, fakeio_by_path);
    for (size_t i = 0; i < f->n_names; i++) {
        const struct fakeio_name *name = &f->name[i];
        struct fakeio_file *file = fakeio_file_of(f, name->ino);
        if (name->is_dir) {
            mkdir(name->path, 0755);
            continue;
        }
        int fd = open(name->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0) continue;
        if (file && write(fd, file->bytes, file->n) != (ssize_t)file->n) abort();
        close(fd);
    }
}

#endif
