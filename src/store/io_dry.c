/* io_dry.c - the seam to the file system for whoever only looks: every change is said to be done,
 * and is not.
 *
 * Files are opened as /dev/null, so that what is written goes nowhere.  A folder that should be
 * made must be there already: looking into one that does not exist is a mistake of whoever asks.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/io.h"

static int dry_open(const mw_io *io, const char *path, int flags)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static ssize_t dry_pwrite(const mw_io *io, int fd, const void *p, size_t n, uint64_t at)
{
    return (ssize_t)n;
}

static int dry_truncate(const mw_io *io, int fd, uint64_t size) { return 0; }
static int dry_sync(const mw_io *io, int fd) { return 0; }
static int dry_close(const mw_io *io, int fd) { return close(fd) ? -errno : 0; }
static int dry_sync_dir(const mw_io *io, const char *path) { return 0; }
static int dry_rename(const mw_io *io, const char *from, const char *to) { return 0; }
static int dry_link(const mw_io *io, const char *from, const char *to) { return 0; }
static int dry_unlink(const mw_io *io, const char *path) { return 0; }

static int dry_mkdir(const mw_io *io, const char *path)
{
    struct stat st;
    if (stat(path, &st)) return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

const mw_io mw_io_dry = {
    .open = dry_open,
    .pwrite = dry_pwrite,
    .truncate = dry_truncate,
    .sync = dry_sync,
    .close = dry_close,
    .sync_dir = dry_sync_dir,
    .rename = dry_rename,
    .link = dry_link,
    .unlink = dry_unlink,
    .mkdir = dry_mkdir,
};
