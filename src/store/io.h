/* io.h - the seam between the stores and the file system.
 *
 * Everything that changes a file goes through here, so that a test can count the operations, stop
 * at any of them as a crash would, or answer with a full disk.  Reading does not.
 * Functions answer 0 (or what is said) and -errno.  Any thread.
 * SPDX-License-Identifier: MIT */
#ifndef MW_STORE_IO_H
#define MW_STORE_IO_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

typedef struct mw_io mw_io;
struct mw_io {
    int (*open)(const mw_io *io, const char *path, int flags); /* file descriptor; mode 0644 */
    ssize_t (*pwrite)(const mw_io *io, int fd, const void *p, size_t n,
                      uint64_t at); /* all of it */
    int (*truncate)(const mw_io *io, int fd, uint64_t size);
    int (*sync)(const mw_io *io, int fd); /* fdatasync */
    int (*close)(const mw_io *io, int fd);
    int (*sync_dir)(const mw_io *io, const char *path);
    int (*rename)(const mw_io *io, const char *from, const char *to);
    int (*link)(const mw_io *io, const char *from, const char *to);
    int (*unlink)(const mw_io *io, const char *path);
    int (*mkdir)(const mw_io *io, const char *path); /* one that is there already is fine */
};

extern const mw_io mw_io_system;
extern const mw_io mw_io_dry; /* says that all is done, and changes nothing */

/* Syncs the folder that holds PATH, so that the name of a new file survives a loss of power. */
int mw_io_sync_parent(const mw_io *io, const char *path);

/* MW_EFULL for ENOSPC and EDQUOT, MW_EIO otherwise, with "WHAT PATH: reason" in ERR. */
int mw_io_fail(mw_err *err, int minus_errno, const char *what, const char *path);

#endif
