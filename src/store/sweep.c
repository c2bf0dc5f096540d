/* sweep.c - which files lie in a folder of blocks, and which of them should not.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/manifest.h"

enum { DIGITS = 16 };

/* "0123456789abcdef.blk", or .blk.tmp while it was being written -> its id.  Numbers that leave no
 * room for later ones were not given by a store. */
static bool is_block(const char *name, const char *suffix, uint64_t *id)
{
    if (strspn(name, "0123456789abcdef") != DIGITS || strcmp(name + DIGITS, suffix)) return false;
    *id = strtoull(name, NULL, 16);
    return *id < UINT64_MAX / 2;
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t *mw_manifest_list(const char *dir, size_t *n)
{
    char *blocks = mw_sprintf("%s/blocks", dir);
    uint64_t *ids = NULL, id;
    size_t cap = 0;
    DIR *d = opendir(blocks);
    *n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_block(e->d_name, ".blk", &id)) MW_PUSH(ids, *n, cap, id);
    if (d) closedir(d);
    if (*n) qsort(ids, *n, sizeof *ids, by_id);
    mw_free(blocks);
    return ids;
}

static bool is_named(const mw_manifest *m, uint64_t id)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->block[i].id == id) return true;
    return false;
}

static bool is_left_over(const mw_manifest *m, const char *file)
{
    uint64_t id;
    if (is_block(file, ".blk.tmp", &id)) return true;
    return is_block(file, ".blk", &id) && !is_named(m, id);
}

void mw_manifest_sweep(const mw_manifest *m, const mw_io *io, const char *dir)
{
    char *blocks = mw_sprintf("%s/blocks", dir);
    DIR *d = opendir(blocks);
    if (!io) io = &mw_io_system;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!is_left_over(m, e->d_name)) continue;
        char *path = mw_sprintf("%s/%s", blocks, e->d_name);
        io->unlink(io, path);
        mw_free(path);
    }
    if (d) closedir(d);
    mw_free(blocks);
}
