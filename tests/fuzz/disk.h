/* disk.h - a scratch folder for the bytes of one input, and checksums that are always right.
 *
 * The checksums of base/crc32c.c are replaced in a target that includes this: zero is the right sum
 * of anything, so that damage is not turned away before it gets to what it could break.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_FUZZ_DISK_H
#define MW_TESTS_FUZZ_DISK_H
#include <fcntl.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "fuzz/fuzz.h"
#include "store/io.h"

uint32_t mw_crc32c(uint32_t seed, const void *p, size_t n) { return 0; }
uint32_t mw_crc32c_plain(uint32_t seed, const void *p, size_t n) { return 0; }

static char fuzz_dir[256];
static mw_io fuzz_io; /* the system's, but in no hurry to reach the disk */

static inline int fuzz_no_sync(const mw_io *io, int fd) { return 0; }
static inline int fuzz_no_sync_dir(const mw_io *io, const char *path) { return 0; }
static inline void fuzz_disk_end(void) { rmdir(fuzz_dir); }

static inline void fuzz_disk_start(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(fuzz_dir, sizeof fuzz_dir, "%s/mw-fuzz-XXXXXX", tmp ? tmp : "/tmp");
    MW_ASSERT(mkdtemp(fuzz_dir));
    atexit(fuzz_disk_end);
    fuzz_io = mw_io_system;
    fuzz_io.sync = fuzz_no_sync;
    fuzz_io.sync_dir = fuzz_no_sync_dir;
}

static inline char *fuzz_path(char out[320], const char *name)
{
    snprintf(out, 320, "%s/%s", fuzz_dir, name);
    return out;
}

static inline void fuzz_put(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    MW_ASSERT(fd >= 0 && write(fd, p, n) == (ssize_t)n && close(fd) == 0);
}

/* The file at PATH becomes the seed NAME. */
static inline void fuzz_seed_file(const char *name, const char *path)
{
    char bytes[1 << 16];
    FILE *f = fopen(path, "rb");
    MW_ASSERT(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    fuzz_seed(name, bytes, n);
}

#endif
