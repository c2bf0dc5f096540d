/* io.c - the seam as the operating system answers it.  SPDX-License-Identifier: MIT */
#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int answer(int rc) { return rc < 0 ? -errno : rc; }

static int sys_open(const mw_io *io, const char *path, int flags)
{
    return answer(open(path, flags | O_CLOEXEC, 0644));
}

static ssize_t sys_pwrite(const mw_io *io, int fd, const void *p, size_t n, uint64_t at)
{
    size_t done = 0;
    while (done < n) {
        ssize_t rc = pwrite(fd, (const char *)p + done, n - done, (off_t)(at + done));
        if (rc < 0 && errno == EINTR) continue;
        if (rc < 0) return -errno;
        if (rc == 0) return -ENOSPC; /* nothing was taken and nothing is wrong: no room */
        done += (size_t)rc;
    }
    return (ssize_t)done;
}

static int sys_truncate(const mw_io *io, int fd, uint64_t size)
{
    return answer(ftruncate(fd, (off_t)size));
}

static int sys_sync(const mw_io *io, int fd)
{
    int rc;
    do rc = fdatasync(fd);
    while (rc < 0 && errno == EINTR);
    return answer(rc);
}

static int sys_close(const mw_io *io, int fd)
{
    /* Interrupted or not, the descriptor is gone: trying again could close another's. */
    int rc = close(fd);
    return rc < 0 && errno != EINTR ? -errno : 0;
}

static int sys_sync_dir(const mw_io *io, const char *path)
{
    int rc, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -errno;
    do rc = fsync(fd);
    while (rc < 0 && errno == EINTR);
    /* EINVAL: a file system that has no such thing, which is all that can be asked of it. */
    rc = rc < 0 && errno != EINVAL ? -errno : 0;
    close(fd);
    return rc;
}

static int sys_rename(const mw_io *io, const char *from, const char *to)
{
    return answer(rename(from, to));
}

static int sys_link(const mw_io *io, const char *from, const char *to)
{
    return answer(link(from, to));
}

static int sys_unlink(const mw_io *io, const char *path) { return answer(unlink(path)); }

static int sys_mkdir(const mw_io *io, const char *path)
{
    struct stat st;
    if (!mkdir(path, 0755)) return 0;
    if (errno != EEXIST) return -errno;
    return stat(path, &st) ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

const mw_io mw_io_system = {
    .open = sys_open,
    .pwrite = sys_pwrite,
    .truncate = sys_truncate,
    .sync = sys_sync,
    .close = sys_close,
    .sync_dir = sys_sync_dir,
    .rename = sys_rename,
    .link = sys_link,
    .unlink = sys_unlink,
    .mkdir = sys_mkdir,
};

int mw_io_sync_parent(const mw_io *io, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = !slash ? mw_strdup(".") : mw_strndup(path, slash == path ? 1 : slash - path);
    int rc = io->sync_dir(io, dir);
    mw_free(dir);
    return rc;
}

int mw_io_fail(mw_err *err, int minus_errno, const char *what, const char *path)
{
    int e = -minus_errno;
    const char *reason = strerrordesc_np(e);
    int code = e == ENOSPC || e == EDQUOT ? MW_EFULL : MW_EIO;
    return mw_fail(err, code, 0, 0, "%s %s: %s", what, path, reason ? reason : "unknown error");
}
