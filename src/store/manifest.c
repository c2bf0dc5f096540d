/* manifest.c - the list of blocks as bytes of a state file.  SPDX-License-Identifier: MIT */
#include "store/manifest.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/le.h"

enum {
    VERSION = 1,
    HEAD = 24, /* version, blocks, next_id, journal_from */
    ROW = 40,  /* id, min_t, max_t, bytes, level, 0 */
    BLOCKS_MAX = 1 << 20,
};

static const char name[] = "MANIFEST";

void mw_manifest_deinit(mw_manifest *m)
{
    mw_free(m->block);
    *m = (mw_manifest){0};
}

char *mw_manifest_block_path(const char *dir, uint64_t id)
{
    return mw_sprintf("%s/blocks/%016" PRIx64 ".blk", dir, id);
}

/* -- saving --------------------------------------------------------------------------------- */

static void put_row(char *to, const mw_manifest_block *b)
{
    mw_le64_put(to, b->id);
    mw_le64_put(to + 8, (uint64_t)b->min_t);
    mw_le64_put(to + 16, (uint64_t)b->max_t);
    mw_le64_put(to + 24, b->bytes);
    mw_le32_put(to + 32, b->level);
    mw_le32_put(to + 36, 0);
}

int mw_manifest_save(const mw_manifest *m, const mw_io *io, const char *dir, mw_err *err)
{
    if (m->n > BLOCKS_MAX)
        return mw_fail(err, MW_ELIMIT, 0, 0, "%zu blocks are more than a store may have", m->n);
    size_t n = HEAD + m->n * ROW;
    char *bytes = mw_alloc(n);
    mw_le32_put(bytes, VERSION);
    mw_le32_put(bytes + 4, (uint32_t)m->n);
    mw_le64_put(bytes + 8, m->next_id);
    mw_le64_put(bytes + 16, m->journal_from);
    for (size_t i = 0; i < m->n; i++) put_row(bytes + HEAD + i * ROW, &m->block[i]);
    int code = mw_statefile_save(io, dir, name, (mw_str){bytes, n}, err);
    mw_free(bytes);
    return code;
}

/* -- loading -------------------------------------------------------------------------------- */

static mw_manifest_block get_row(const char *from)
{
    return (mw_manifest_block){
        .id = mw_le64_get(from),
        .min_t = (int64_t)mw_le64_get(from + 8),
        .max_t = (int64_t)mw_le64_get(from + 16),
        .bytes = mw_le64_get(from + 24),
        .level = mw_le32_get(from + 32),
    };
}

static int bad(const char *dir, const char *what, mw_err *err)
{
    return mw_fail(err, MW_ECORRUPT, 0, 0, "%s/%s is damaged: %s", dir, name, what);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A block that stands twice would be counted, merged and removed twice. */
static bool has_twins(const mw_manifest *m)
{
    bool twins = false;
    uint64_t *id = mw_array(m->n, sizeof *id);
    for (size_t i = 0; i < m->n; i++) id[i] = m->block[i].id;
    if (m->n) qsort(id, m->n, sizeof *id, by_number);
    for (size_t i = 1; i < m->n && !twins; i++) twins = id[i] == id[i - 1];
    mw_free(id);
    return twins;
}

static int parse(mw_manifest *m, const char *dir, mw_str bytes, mw_err *err)
{
    if (bytes.n < HEAD) return bad(dir, "it is too short", err);
    if (mw_le32_get(bytes.p) != VERSION) return bad(dir, "its version is not known", err);
    size_t n = mw_le32_get(bytes.p + 4);
    if (n > BLOCKS_MAX || bytes.n != HEAD + n * ROW)
        return bad(dir, "it has not as many blocks as it says", err);
    m->next_id = mw_le64_get(bytes.p + 8);
    m->journal_from = mw_le64_get(bytes.p + 16);
    for (size_t i = 0; i < n; i++) {
        const char *row = bytes.p + HEAD + i * ROW;
        mw_manifest_block b = get_row(row);
        if (b.id >= m->next_id || b.min_t > b.max_t || mw_le32_get(row + 36))
            return bad(dir, "a block in it cannot be", err);
        MW_PUSH(m->block, m->n, m->cap, b);
    }
    return has_twins(m) ? bad(dir, "it has a block twice", err) : MW_OK;
}

int mw_manifest_load(mw_manifest *m, const char *dir, mw_err *err)
{
    mw_buf bytes;
    mw_buf_init(&bytes);
    *m = (mw_manifest){0};
    int code = mw_statefile_load(dir, name, HEAD + (size_t)BLOCKS_MAX * ROW, &bytes, err);
    if (!code) code = parse(m, dir, (mw_str){bytes.p, bytes.n}, err);
    if (code) mw_manifest_deinit(m);
    mw_buf_deinit(&bytes);
    return code;
}
