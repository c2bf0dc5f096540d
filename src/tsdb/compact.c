/* compact.c - few large blocks instead of many small ones.
 *
 * Blocks of one level that lie next to each other in time are merged once there are enough of them:
 * every sample is written again only a few times in its life.  A merged block never spans more than
 * a tenth of the retention, because blocks expire as a whole, nor more bytes than can be merged in
 * reasonable time.
 * SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/mem.h"
#include "tsdb/rewrite.h"

enum { ENOUGH = 4, MOST = 8, SPAN_PART = 10 };
static const uint64_t bytes_most = 512ULL << 20;
static const int64_t span_forever_ms = 31LL * 86400000;

static int64_t span_most(const mw_tsdb *db)
{
    return db->opt.retention_ms ? db->opt.retention_ms / SPAN_PART : span_forever_ms;
}

/* How many blocks from AT on belong together. */
static size_t group_at(const mw_tsdb *db, const mw_block_set *set, size_t at)
{
    uint64_t bytes = 0;
    int64_t min = mw_mblock_meta_of(set->block[at].b)->min_t, max = INT64_MIN;
    size_t n = 0;
    for (; at + n < set->n && n < MOST; n++) {
        const mw_live *l = &set->block[at + n];
        const mw_mblock_meta *m = mw_mblock_meta_of(l->b);
        if (m->max_t > max) max = m->max_t;
        bytes += m->bytes;
        if (l->level != set->block[at].level || bytes > bytes_most) break;
        if ((uint64_t)max - (uint64_t)min > (uint64_t)span_most(db)) break;
    }
    return n;
}

int mw_compact_some(mw_tsdb *db, mw_err *err)
{
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    int code = MW_OK;
    bool hurry = __atomic_load_n(&db->hurry, __ATOMIC_RELAXED);
    for (size_t i = 0; i < set->n && !hurry; i++) {
        size_t n = group_at(db, set, i);
        if (n < ENOUGH) continue;
        code = mw_rewrite_blocks(db, &(mw_rewrite){&set->block[i], n, NULL}, err);
        if (code == MW_ECANCEL)
            code = MW_OK;
        else if (!code)
            __atomic_fetch_add(&db->compactions, 1, __ATOMIC_RELAXED);
        break;
    }
    mw_blocks_release(&db->blocks, set);
    return code;
}
