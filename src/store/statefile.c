/* statefile.c - small files that are replaced as a whole.
 *
 * The new bytes go to NAME.tmp, which is synced and then takes the name: there is never a moment
 * at which the name stands for half a file.  The checksum covers the name, so that one file copied
 * over another is noticed.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "store/le.h"
#include "store/manifest.h"

enum { HEADER = 24 }; /* magic, length, checksum, 0 */

static const char magic[8] = "mwstate";

static void put_header(char *to, const char *name, mw_str bytes)
{
    memcpy(to, magic, 8);
    mw_le64_put(to + 8, bytes.n);
    uint32_t sum = mw_crc32c(mw_crc32c(0, name, strlen(name)), to, 16);
    mw_le32_put(to + 16, mw_crc32c(sum, bytes.p, bytes.n));
    mw_le32_put(to + 20, 0);
}

/* -- saving --------------------------------------------------------------------------------- */

static int put_file(const mw_io *io, const char *path, const char *name, mw_str bytes,
                    const char **what)
{
    char header[HEADER];
    put_header(header, name, bytes);
    *what = "cannot create";
    int fd = io->open(io, path, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd < 0) return fd;
    *what = "cannot write";
    ssize_t rc = io->pwrite(io, fd, header, sizeof header, 0);
    if (rc >= 0 && bytes.n) rc = io->pwrite(io, fd, bytes.p, bytes.n, sizeof header);
    if (rc >= 0) {
        *what = "cannot sync";
        rc = io->sync(io, fd);
    }
    int closed = io->close(io, fd);
    return rc < 0 ? (int)rc : closed;
}

int mw_statefile_save(const mw_io *io, const char *dir, const char *name, mw_str bytes, mw_err *err)
{
    const char *what;
    char *path = mw_sprintf("%s/%s", dir, name), *tmp = mw_sprintf("%s/%s.tmp", dir, name);
    if (!io) io = &mw_io_system;
    int rc = put_file(io, tmp, name, bytes, &what);
    if (!rc) {
        what = "cannot rename";
        rc = io->rename(io, tmp, path);
    }
    if (rc) {
        io->unlink(io, tmp);
    } else {
        what = "cannot sync the folder of";
        rc = mw_io_sync_parent(io, path);
    }
    int code = rc ? mw_io_fail(err, rc, what, path) : MW_OK;
    mw_free(path);
    mw_free(tmp);
    return code;
}

/* -- loading -------------------------------------------------------------------------------- */

static int bad(const char *path, const char *what, mw_err *err)
{
    return mw_fail(err, MW_ECORRUPT, 0, 0, "%s is damaged: %s", path, what);
}

static int read_all(int fd, const char *path, size_t limit, mw_buf *out, mw_err *err)
{
    struct stat st;
    if (fstat(fd, &st)) return mw_io_fail(err, -errno, "cannot stat", path);
    if (!S_ISREG(st.st_mode)) return bad(path, "it is not a file", err);
    if (st.st_size < HEADER) return bad(path, "it is too short", err);
    if ((uint64_t)st.st_size - HEADER > limit) return bad(path, "it is too long", err);
    size_t n = (size_t)st.st_size;
    mw_buf_room(out, n);
    while (out->n < n) {
        ssize_t rc = pread(fd, out->p + out->n, n - out->n, (off_t)out->n);
        if (rc < 0 && errno == EINTR) continue;
        if (rc < 0) return mw_io_fail(err, -errno, "cannot read", path);
        if (rc == 0) return bad(path, "it became shorter while it was read", err);
        out->n += (size_t)rc;
    }
    return MW_OK;
}

static int check(const mw_buf *file, const char *path, const char *name, mw_err *err)
{
    char want[HEADER];
    mw_str bytes = {file->p + HEADER, file->n - HEADER};
    if (memcmp(file->p, magic, sizeof magic)) return bad(path, "it begins with other bytes", err);
    if (mw_le64_get(file->p + 8) != bytes.n) return bad(path, "it was cut off", err);
    put_header(want, name, bytes);
    if (memcmp(file->p, want, HEADER)) return bad(path, "it does not match its checksum", err);
    return MW_OK;
}

int mw_statefile_load(const char *dir, const char *name, size_t limit, mw_buf *out, mw_err *err)
{
    mw_buf file;
    char *path = mw_sprintf("%s/%s", dir, name);
    int code, fd = open(path, O_RDONLY | O_CLOEXEC);
    mw_buf_init(&file);
    if (fd < 0)
        code = errno == ENOENT ? mw_fail(err, MW_ENOENT, 0, 0, "there is no %s", path)
                               : mw_io_fail(err, -errno, "cannot open", path);
    else
        code = read_all(fd, path, limit, &file, err);
    if (!code) code = check(&file, path, name, err);
    if (!code) mw_buf_add(out, file.p + HEADER, file.n - HEADER);
    if (fd >= 0) close(fd);
    mw_buf_deinit(&file);
    mw_free(path);
    return code;
}
