/* sweep.c - which files lie in a folder of blocks, and which of them should not.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/manifest.h"

enum { ID_DIGITS = 16 };

/* "0123456789abcdef.blk" -> its id. */
static bool id_of(const char *name, uint64_t *id)
{
    if (strspn(name, "0123456789abcdef") != ID_DIGITS || strcmp(name + ID_DIGITS, ".blk"))
        return false;
    *id = strtoull(name, NULL, 16);
    return true;
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
        if (id_of(e->d_name, &id)) MW_PUSH(ids, *n, cap, id);
    if (d) closedir(d);
    if (*n) qsort(ids, *n, sizeof *ids, by_id);
    mw_free(blocks);
    return ids;
}

static bool is_named(const mw_manifest *m, const char *file)
{
    uint64_t id;
    if (!id_of(file, &id)) return false;
    for (size_t i = 0; i < m->n; i++)
        if (m->block[i].id == id) return true;
    return false;
}

/* Ours: a block, or one that was being written.  Other files are left alone. */
static bool is_ours(const char *file)
{
    size_t n = strlen(file);
    return (n > 4 && !strcmp(file + n - 4, ".blk")) || (n > 8 && !strcmp(file + n - 8, ".blk.tmp"));
}

void mw_manifest_sweep(const mw_manifest *m, const mw_io *io, const char *dir)
{
    char *blocks = mw_sprintf("%s/blocks", dir);
    DIR *d = opendir(blocks);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!is_ours(e->d_name) || is_named(m, e->d_name)) continue;
        char *path = mw_sprintf("%s/%s", blocks, e->d_name);
        io->unlink(io, path);
        mw_free(path);
    }
    if (d) closedir(d);
    mw_free(blocks);
}
