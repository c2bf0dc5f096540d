/* scrub.c - blocks are looked over in the background, and damaged ones set aside.
 *
 * A page is compared with its checksum when it is first read; what nobody reads is compared here, a
 * piece with every tick, so that damage is heard of while there may still be another copy.
 * SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/mem.h"
#include "tsdb/store.h"

enum { PIECE = 8 << 20 };

static void set_aside(mw_tsdb *db, const mw_live *l)
{
    mw_err err;
    mw_err_init(&err);
    mw_log(MW_ERROR, "a damaged block is set aside", "block=%s",
           mw_block_path(mw_mblock_file(l->b)));
    mw_quarantine(db->io, db->dir, l->id, NULL);
    if (mw_swap_blocks(db, &l->id, 1, NULL, &err) != MW_OK)
        mw_log(MW_ERROR, "the list of blocks was not written", "error=\"%s\"", err.msg);
    __atomic_fetch_add(&db->quarantined, 1, __ATOMIC_RELAXED);
}

/* The next piece of block B from db->scrub_at on; true when its end is reached. */
static bool look_over(mw_tsdb *db, mw_mblock *b)
{
    mw_str all = mw_block_body(mw_mblock_file(b));
    if (db->scrub_at >= all.n) return true;
    size_t n = all.n - db->scrub_at < PIECE ? all.n - db->scrub_at : PIECE;
    mw_block_check(mw_mblock_file(b), all.p + db->scrub_at, n, NULL);
    db->scrub_at += n;
    return db->scrub_at >= all.n;
}

void mw_scrub(mw_tsdb *db)
{
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    const mw_live *next = NULL;
    for (size_t i = 0; i < set->n; i++) {
        const mw_live *l = &set->block[i];
        if (mw_block_is_damaged(mw_mblock_file(l->b)))
            set_aside(db, l);
        else if (l->id > db->scrubbed && (!next || l->id < next->id))
            next = l;
    }
    if (next && look_over(db, next->b)) {
        db->scrubbed = next->id;
        db->scrub_at = 0;
    }
    mw_blocks_release(&db->blocks, set);
}
