/* delete.c - samples that somebody wants gone.
 *
 * The wish is journaled first, so that a crash in the middle is finished at the next start.  What
 * stands in memory is written again without the samples; then every block that holds some is.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/rewrite.h"
#include "tsdb/store.h"

int mw_delete_from_head(mw_tsdb *db, const mw_select *sel, mw_err *err)
{
    mw_ids ids = {0};
    uint64_t last_birth;
    int code = mw_index_select(db->index, sel, &ids, &last_birth, err);
    for (size_t i = 0; i < ids.n && !code; i++) {
        mw_shard *sh = &db->shards[ids.v[i] & (db->n_shards - 1)];
        pthread_mutex_lock(&sh->lock);
        mw_stream *s = mw_shard_at(sh, ids.v[i] >> db->shift);
        if (s && s->birth <= last_birth)
            mw_stream_delete(s, sel->min_t, sel->max_t, db->gen, &sh->tally);
        pthread_mutex_unlock(&sh->lock);
    }
    mw_ids_deinit(&ids);
    mw_exemplars_delete(db->exemplars, sel);
    return code;
}

static bool touches(const mw_live *l, const mw_select *sel)
{
    const mw_mblock_meta *m = mw_mblock_meta_of(l->b);
    mw_ids ids = {0};
    if (m->max_t < sel->min_t || m->min_t > sel->max_t) return false;
    bool some = mw_mblock_select(l->b, sel, &ids, NULL) == MW_OK && ids.n > 0;
    mw_ids_deinit(&ids);
    return some;
}

int mw_delete_from_blocks(mw_tsdb *db, const mw_select *sel, mw_err *err)
{
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    int code = MW_OK;
    for (size_t i = 0; i < set->n && !code; i++)
        if (touches(&set->block[i], sel))
            code = mw_rewrite_blocks(db, &(mw_rewrite){&set->block[i], 1, sel}, err);
    mw_blocks_release(&db->blocks, set);
    return code;
}

static int journal_wish(mw_tsdb *db, const mw_select *sel, mw_err *err)
{
    mw_buf frame = {0};
    mw_record_delete(&frame, sel);
    int code = mw_write_frame(db, (mw_str){frame.p, frame.n}, err);
    mw_buf_deinit(&frame);
    return code;
}

int mw_tsdb_delete(mw_tsdb *db, const mw_select *sel, mw_err *err)
{
    pthread_mutex_lock(&db->house);
    /* Alone, so that no sample stands in memory without being in the journal before the wish. */
    pthread_rwlock_wrlock(&db->gate);
    int code = journal_wish(db, sel, err);
    if (!code) code = mw_delete_from_head(db, sel, err);
    pthread_rwlock_unlock(&db->gate);
    if (!code) code = mw_delete_from_blocks(db, sel, err);
    if (!code) __atomic_fetch_add(&db->deletions, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&db->house);
    return code;
}
