/* retention.c - which blocks leave, and where a damaged one goes.  SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/manifest.h"

/* The oldest by max_t first; of the same age the one that was written first. */
static int by_age(const void *a, const void *b)
{
    const mw_manifest_block *x = *(const mw_manifest_block *const *)a;
    const mw_manifest_block *y = *(const mw_manifest_block *const *)b;
    if (x->max_t != y->max_t) return x->max_t < y->max_t ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Sizes come from a file: their sum must not wrap round to a small one. */
static uint64_t sum(uint64_t a, uint64_t b) { return a + b < a ? UINT64_MAX : a + b; }

size_t mw_retention_pick(const mw_manifest *m, int64_t floor, uint64_t max_bytes, bool *leave)
{
    const mw_manifest_block **age = mw_array(m->n, sizeof *age);
    for (size_t i = 0; i < m->n; i++) age[i] = &m->block[i];
    if (m->n) qsort(age, m->n, sizeof *age, by_age);
    size_t keep = m->n; /* index of the oldest that stays */
    uint64_t total = 0;
    while (keep && age[keep - 1]->max_t >= floor) {
        total = sum(total, age[keep - 1]->bytes);
        if (max_bytes && total > max_bytes) break;
        keep--;
    }
    for (size_t i = 0; i < m->n; i++) leave[age[i] - m->block] = i < keep;
    mw_free(age);
    return keep;
}

/* Where there is no room for another folder it stays where it is, under a name that nobody removes.
 */
static int rename_in_place(const mw_io *io, const char *from)
{
    char *to = mw_sprintf("%s.damaged", from);
    int rc = io->rename(io, from, to);
    if (!rc) rc = mw_io_sync_parent(io, from);
    mw_free(to);
    return rc;
}

static int move(const mw_io *io, const char *from, const char *folder)
{
    char *to = mw_sprintf("%s%s", folder, strrchr(from, '/'));
    int rc = io->mkdir(io, folder);
    if (!rc) rc = io->rename(io, from, to);
    mw_free(to);
    if (rc) return rename_in_place(io, from) ? rc : MW_OK;
    rc = mw_io_sync_parent(io, folder);
    if (!rc) rc = io->sync_dir(io, folder);
    return rc ? rc : mw_io_sync_parent(io, from);
}

int mw_quarantine(const mw_io *io, const char *dir, uint64_t id, mw_err *err)
{
    if (!io) io = &mw_io_system;
    char *from = mw_manifest_block_path(dir, id);
    char *folder = mw_sprintf("%s/quarantine", dir);
    int rc = move(io, from, folder);
    int code = rc ? mw_io_fail(err, rc, "cannot set aside", from) : MW_OK;
    mw_free(from);
    mw_free(folder);
    return code;
}
