/* seal.c - what stands in memory becomes a block.
 *
 * A new generation begins: from then on samples go to new chunks and to a new segment of the
 * journal.  Chunks of earlier generations are written, series by series in the order of their
 * labels, while appending goes on.  When the manifest names the block, the journal of those
 * generations is not needed any more; the chunks leave memory once no reader is left that began
 * before the block could be seen.
 *
 * Whatever fails on the way leaves everything as it was: the chunks are sealed the next time.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/retain.h"
#include "tsdb/runs.h"
#include "tsdb/store.h"

/* -- a new generation ----------------------------------------------------------------------- */

static uint64_t samples_in_memory(mw_tsdb *db)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < db->n_shards; i++) {
        pthread_mutex_lock(&db->shards[i].lock);
        n += db->shards[i].tally.samples;
        pthread_mutex_unlock(&db->shards[i].lock);
    }
    return n;
}

static bool journal_is_empty(mw_tsdb *db)
{
    mw_journal_stats j;
    mw_journal_stats_read(db->journal, &j);
    return j.segments == 0;
}

static int begin_generation(mw_tsdb *db, uint64_t *segment, mw_err *err)
{
    pthread_rwlock_wrlock(&db->gate);
    int code = mw_write_defs(db, err); /* exemplars, too, that nobody has committed yet */
    if (!code) code = mw_journal_cut(db->journal, segment, err);
    if (code == MW_OK) {
        mw_forget_defs(db); /* everything is defined anew */
        db->gen++;
        for (unsigned i = 0; i < db->n_shards; i++) {
            pthread_mutex_lock(&db->shards[i].lock);
            mw_shard_wake(&db->shards[i]);
            pthread_mutex_unlock(&db->shards[i].lock);
        }
    }
    pthread_rwlock_unlock(&db->gate);
    return code;
}

/* -- the order of series -------------------------------------------------------------------- */

/* PREFIX: the ranks of the first labels, as many as fit.  Mostly it decides. */
struct place {
    uint64_t prefix;
    const mw_stream *s;
    uint32_t shard;
};

struct order {
    struct place *place;
    size_t n, cap;
    uint32_t *ranks;
    unsigned bits; /* of a rank */
};

static uint64_t prefix_of(const struct order *o, const mw_stream *s)
{
    uint64_t prefix = 0;
    unsigned fit = 64 / o->bits;
    for (unsigned i = 0; i < fit; i++)
        prefix = prefix << o->bits | (i < s->n_labels ? o->ranks[s->pairs[i]] : 0);
    return prefix;
}

static int by_labels(const void *a, const void *b, void *arg)
{
    const struct place *x = a, *y = b;
    const struct order *o = arg;
    if (x->prefix != y->prefix) return x->prefix < y->prefix ? -1 : 1;
    for (unsigned i = 64 / o->bits; i < x->s->n_labels && i < y->s->n_labels; i++) {
        uint32_t p = o->ranks[x->s->pairs[i]], q = o->ranks[y->s->pairs[i]];
        if (p != q) return p < q ? -1 : 1;
    }
    return (x->s->n_labels > y->s->n_labels) - (x->s->n_labels < y->s->n_labels);
}

/* Series with something of GENS, in the order of their labels.  Series only leave under the house
 * lock, and their pairs do not change, so both may be looked at without the shard's lock. */
static void list_series(mw_tsdb *db, mw_gens gens, struct order *o)
{
    for (uint32_t k = 0; k < db->n_shards; k++) {
        mw_shard *sh = &db->shards[k];
        pthread_mutex_lock(&sh->lock);
        for (uint32_t i = 0; i < sh->n_slots; i++) {
            const mw_stream *s = mw_shard_at(sh, i);
            if (!s || !mw_stream_holds(s, gens)) continue;
            struct place p = {.s = s, .shard = k};
            MW_PUSH(o->place, o->n, o->cap, p);
        }
        pthread_mutex_unlock(&sh->lock);
    }
    size_t n_ranks; /* after the series: each of their pairs has a rank */
    o->ranks = mw_index_ranks(db->index, &n_ranks);
    o->bits = 64u - (unsigned)__builtin_clzll(n_ranks + 1);
    for (size_t i = 0; i < o->n; i++) o->place[i].prefix = prefix_of(o, o->place[i].s);
    if (o->n) qsort_r(o->place, o->n, sizeof *o->place, by_labels, o);
}

/* -- the block ------------------------------------------------------------------------------ */

struct sealing {
    mw_tsdb *db;
    mw_mblock_writer *w;
    mw_gens gens;
    mw_extract extract;
    mw_samples samples;
    mw_run_maker maker;
    mw_arena *arena;
    size_t series;
};

static void seal_series(struct sealing *x, const struct place *p)
{
    mw_shard *sh = &x->db->shards[p->shard];
    pthread_mutex_lock(&sh->lock);
    bool some = mw_stream_extract(p->s, INT64_MIN, INT64_MAX, x->gens, &x->extract);
    mw_key key = {p->s->key_lo, p->s->key_hi};
    pthread_mutex_unlock(&sh->lock);
    if (!some) return;
    mw_arena_reset(x->arena);
    const mw_labels *ls = mw_stream_labels(x->db->index, p->s, x->arena);
    mw_samples_reset(&x->samples);
    mw_extract_read(&x->extract, &x->samples);
    mw_samples_order(&x->samples);
    mw_samples_cut_before(&x->samples, mw_floor_of_series(x->db, ls));
    if (!x->samples.n) return;
    mw_runs_write(&x->maker, x->w, ls, key, &x->samples);
    x->series++;
}

/* *ID is 0 when nothing was worth a block. */
static int write_block(mw_tsdb *db, mw_gens gens, mw_live *out, mw_err *err)
{
    struct order o = {0};
    uint64_t id = db->manifest.next_id;
    char *path = mw_manifest_block_path(db->dir, id);
    struct sealing x = {.db = db, .gens = gens, .arena = mw_arena_new(0)};
    mw_mblock_meta meta;
    int code = MW_OK;
    *out = (mw_live){0};
    list_series(db, gens, &o);
    x.w = mw_mblock_create(db->io, path, err);
    if (!x.w) code = err->code;
    for (size_t i = 0; i < o.n && !code; i++) seal_series(&x, &o.place[i]);
    if (!code && x.series) {
        code = mw_mblock_finish(x.w, &meta, err);
        mw_mblock *b = code ? NULL : mw_mblock_open(path, err);
        if (b) *out = (mw_live){id, 0, b};
        if (!code && !b) code = err->code;
    } else {
        mw_mblock_abort(x.w);
    }
    mw_free(o.place);
    mw_free(o.ranks);
    mw_extract_deinit(&x.extract);
    mw_samples_deinit(&x.samples);
    mw_run_maker_deinit(&x.maker);
    mw_arena_free(x.arena);
    mw_free(path);
    return code;
}

/* -- all of it ------------------------------------------------------------------------------ */

static bool may_leave(const mw_stream *s, void *arg)
{
    const mw_tsdb *db = arg;
    if (!mw_stream_empty(s)) return false;
    bool ended = s->began && !s->hist && s->last.value == MW_STALE_BITS;
    return s->said + (ended ? 0 : 1) < db->gen;
}

void mw_drop_sealed(mw_tsdb *db)
{
    if (db->closing || !db->drop.waiting || mw_blocks_held_before(&db->blocks, db->drop.version))
        return;
    for (unsigned k = 0; k < db->n_shards; k++) {
        mw_shard *sh = &db->shards[k];
        pthread_mutex_lock(&sh->lock);
        for (uint32_t i = 0; i < sh->n_slots; i++)
            if (mw_shard_at(sh, i))
                mw_stream_drop_sealed(mw_shard_slot(sh, i), db->sealed, &sh->tally);
        mw_shard_measure(sh);
        pthread_mutex_unlock(&sh->lock);
    }
    mw_tsdb_sweep(db, may_leave, db);
    db->drop.waiting = false;
}

int mw_seal(mw_tsdb *db, mw_err *err)
{
    mw_err own;
    mw_err_init(&own);
    if (!err) err = &own;
    uint64_t segment, had = db->manifest.journal_from;
    mw_live block = {0};
    mw_drop_sealed(db);
    db->last_seal_ms = mw_mono_ns() / 1000000;
    /* A journal may be long without samples: of those that were sent again, of deletions. */
    if (!samples_in_memory(db) && journal_is_empty(db)) return MW_OK;
    int code = begin_generation(db, &segment, err);
    if (!code) code = mw_save_notes(db, err); /* while the journal still has what is in them */
    if (code) return code;
    mw_gens gens = {db->sealed, db->gen};
    code = write_block(db, gens, &block, err);
    if (code) return code;
    db->manifest.journal_from = segment;
    code = mw_swap_blocks(db, NULL, 0, block.b ? &block : NULL, err);
    if (code) {
        db->manifest.journal_from = had;
        return code;
    }
    db->sealed = gens.to;
    __atomic_store_n(&db->wished, false, __ATOMIC_RELAXED);
    mw_journal_drop(db->journal, segment);
    db->drop = (mw_pending_drop){true, db->blocks.now->version};
    mw_drop_sealed(db);
    __atomic_fetch_add(&db->seals, 1, __ATOMIC_RELAXED);
    return MW_OK;
}

int mw_tsdb_seal(mw_tsdb *db, mw_err *err)
{
    if (!db->dir) return MW_OK;
    pthread_mutex_lock(&db->house);
    int code = mw_seal(db, err);
    pthread_mutex_unlock(&db->house);
    return code;
}
