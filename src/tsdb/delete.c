/* delete.c - samples that somebody wants gone.
 *
 * The wish is journaled first, so that a crash in the middle is finished at the next start.  What
 * stands in memory is written again without the samples; then every block that holds some is.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/rewrite.h"
#include "tsdb/runs.h"
#include "tsdb/store.h"

/* -- memory --------------------------------------------------------------------------------- */

typedef void visit_stream(mw_tsdb *db, mw_shard *sh, mw_stream *s, const mw_select *sel);

/* Every series in memory that SEL matches, under its shard's lock. */
static int each_in_memory(mw_tsdb *db, const mw_select *sel, visit_stream *visit, mw_err *err)
{
    mw_ids ids = {0};
    uint64_t last_birth;
    int code = mw_index_select(db->index, sel, &ids, &last_birth, err);
    for (size_t i = 0; i < ids.n && !code; i++) {
        mw_shard *sh = &db->shards[ids.v[i] & (db->n_shards - 1)];
        pthread_mutex_lock(&sh->lock);
        mw_stream *s = mw_shard_at(sh, ids.v[i] >> db->shift);
        if (s && s->birth <= last_birth) visit(db, sh, s, sel);
        pthread_mutex_unlock(&sh->lock);
    }
    mw_ids_deinit(&ids);
    return code;
}

static void delete_samples(mw_tsdb *db, mw_shard *sh, mw_stream *s, const mw_select *sel)
{
    mw_stream_delete(s, sel->min_t, sel->max_t, db->gen, &sh->tally);
}

int mw_delete_from_head(mw_tsdb *db, const mw_select *sel, mw_err *err)
{
    int code = each_in_memory(db, sel, delete_samples, err);
    mw_exemplars_delete(db->exemplars, sel);
    return code;
}

static void forget_newest(mw_tsdb *db, mw_shard *sh, mw_stream *s, const mw_select *sel)
{
    mw_stream_forget_newest(s, sel->min_t, sel->max_t);
}

/* -- blocks --------------------------------------------------------------------------------- */

/* Does RUN hold a sample in the range of SEL?  One that reaches over both ends of it need not. */
static bool is_in_run(const mw_run_ref *run, const mw_select *sel)
{
    int64_t min = run->stats.min_t, max = run->stats.max_t;
    if (max < sel->min_t || min > sel->max_t) return false;
    if (min >= sel->min_t || max <= sel->max_t) return true;
    mw_samples s = {0};
    mw_arena *arena = mw_arena_new(0);
    bool in = true; /* of one that cannot be read, the rewriting tells */
    if (mw_run_read(run, arena, &s, NULL) == MW_OK) {
        size_t at = mw_samples_seek(&s, sel->min_t);
        in = at < s.n && s.t[at] <= sel->max_t;
    }
    mw_samples_deinit(&s);
    mw_arena_free(arena);
    return in;
}

/* Nothing is written again in vain: a deletion that was done before a crash asks no room of the
 * disk at the next start. */
static bool touches(const mw_live *l, const mw_select *sel)
{
    const mw_mblock_meta *m = mw_mblock_meta_of(l->b);
    mw_ids ids = {0};
    mw_run_ref *runs = NULL;
    size_t n = 0, cap = 0;
    bool some = false;
    if (m->max_t < sel->min_t || m->min_t > sel->max_t) return false;
    if (mw_mblock_select(l->b, sel, &ids, NULL) != MW_OK) ids.n = 0;
    for (size_t i = 0; i < ids.n && !some; i++, n = 0) {
        some =
            mw_mblock_runs(l->b, ids.v[i], sel->min_t, sel->max_t, &runs, &n, &cap, NULL) != MW_OK;
        for (size_t k = 0; k < n && !some; k++) some = is_in_run(&runs[k], sel);
    }
    mw_free(runs);
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

/* -- all of it ------------------------------------------------------------------------------ */

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
    /* A series that came meanwhile has its newest sample from a block that may be another now. */
    int rest = each_in_memory(db, sel, forget_newest, code ? NULL : err);
    if (!code) code = rest;
    if (code) __atomic_store_n(&db->wished, true, __ATOMIC_RELAXED);
    if (!code) __atomic_fetch_add(&db->deletions, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&db->house);
    return code;
}
