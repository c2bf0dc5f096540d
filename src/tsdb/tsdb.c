/* tsdb.c - opening, closing and counting the store.
 *
 * Locks, in the order they are taken: house, one shard, index.  Nobody holds two shards.
 * SPDX-License-Identifier: MIT */
#include "tsdb/tsdb.h"

#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/store.h"

enum { SHARDS_DEFAULT = 64, SHARDS_MAX = 256 };

static unsigned shift_for(unsigned shards)
{
    unsigned shift = 0;
    if (shards == 0) shards = SHARDS_DEFAULT;
    if (shards > SHARDS_MAX) shards = SHARDS_MAX;
    while (1u << shift < shards) shift++;
    return shift;
}

mw_tsdb *mw_tsdb_open(const mw_tsdb_options *o, mw_err *err)
{
    if (o->retention_ms < 0 || o->out_of_order_ms < -1) {
        mw_fail(err, MW_EARG, 0, 0,
                "retention and out-of-order window must not be negative; 0 keeps forever, an "
                "out-of-order window of -1 takes any");
        return NULL;
    }
    mw_tsdb *db = mw_zalloc(sizeof *db);
    db->opt = *o;
    if (!db->opt.clock) db->opt.clock = &mw_clock_system;
    db->shift = shift_for(o->shards);
    db->n_shards = 1u << db->shift;
    db->index = mw_index_new();
    db->shards = aligned_alloc(_Alignof(mw_shard), db->n_shards * sizeof *db->shards);
    MW_ASSERT(db->shards);
    for (unsigned i = 0; i < db->n_shards; i++) mw_shard_init(&db->shards[i]);
    pthread_mutex_init(&db->house, NULL);
    mw_tsdb_source_init(&db->source);
    return db;
}

void mw_tsdb_close(mw_tsdb *db)
{
    if (!db) return;
    for (unsigned i = 0; i < db->n_shards; i++) mw_shard_deinit(&db->shards[i]);
    free(db->shards);
    mw_index_free(db->index);
    pthread_mutex_destroy(&db->house);
    mw_free(db);
}

mw_source *mw_tsdb_source(mw_tsdb *db) { return &db->source; }

/* -- counting ------------------------------------------------------------------------------- */

static void add_shard(mw_shard *sh, mw_tsdb_stats *out)
{
    pthread_mutex_lock(&sh->lock);
    out->series += sh->series;
    out->chunks += sh->tally.chunks;
    out->samples += sh->tally.samples;
    out->bytes += sh->tally.bytes;
    out->appended += sh->appended;
    out->late += sh->late;
    out->out_of_order += sh->out_of_order;
    out->duplicates += sh->duplicates;
    out->dropped_chunks += sh->dropped_chunks;
    if (sh->min_t < out->min_t) out->min_t = sh->min_t;
    if (sh->max_t > out->max_t) out->max_t = sh->max_t;
    pthread_mutex_unlock(&sh->lock);
}

void mw_tsdb_stats_read(mw_tsdb *db, mw_tsdb_stats *out)
{
    *out = (mw_tsdb_stats){.min_t = INT64_MAX, .max_t = INT64_MIN};
    for (unsigned i = 0; i < db->n_shards; i++) add_shard(&db->shards[i], out);
    if (out->min_t > out->max_t) out->min_t = out->max_t = 0;
    out->bytes += mw_index_bytes(db->index) + sizeof *db;
    out->too_old = __atomic_load_n(&db->too_old, __ATOMIC_RELAXED);
    out->refused_series = __atomic_load_n(&db->refused_series, __ATOMIC_RELAXED);
}

static int most_first(const void *a, const void *b)
{
    const mw_index_count *x = a, *y = b;
    if (x->series != y->series) return x->series < y->series ? 1 : -1;
    return mw_str_cmp(x->name, y->name);
}

void mw_tsdb_top(mw_tsdb *db, const char *label, size_t limit, mw_tsdb_top_visit *visit, void *arg)
{
    mw_arena *arena = mw_arena_new(0);
    mw_index_count *rows;
    size_t n = mw_index_counts(db->index, label, arena, &rows);
    if (n) qsort(rows, n, sizeof *rows, most_first);
    for (size_t i = 0; i < n && i < limit; i++) visit(arg, rows[i].name, rows[i].series);
    mw_free(rows);
    mw_arena_free(arena);
}
