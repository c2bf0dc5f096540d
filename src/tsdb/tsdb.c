/* tsdb.c - opening, closing and counting the store.  SPDX-License-Identifier: MIT */
#include "tsdb/tsdb.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "tsdb/store.h"

enum { SHARDS_DEFAULT = 64, LATE_MS = 300000 };

static unsigned shift_for(unsigned shards)
{
    unsigned shift = 0;
    if (shards == 0) shards = SHARDS_DEFAULT;
    if (shards > MW_SHARDS_MAX) shards = MW_SHARDS_MAX;
    while (1u << shift < shards) shift++;
    return shift;
}

static void make_secret(mw_tsdb *db)
{
    for (size_t n = 0; n < sizeof db->secret;) {
        ssize_t got = getrandom(db->secret + n, sizeof db->secret - n, 0);
        if (got > 0) n += (size_t)got;
    }
}

/* Whoever begins a generation must not wait behind an endless row of appenders. */
static void make_gate(mw_tsdb *db)
{
    pthread_rwlockattr_t a;
    pthread_rwlockattr_init(&a);
    pthread_rwlockattr_setkind_np(&a, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&db->gate, &a);
    pthread_rwlockattr_destroy(&a);
}

static void make_shards(mw_tsdb *db)
{
    db->shift = shift_for(db->opt.shards);
    db->n_shards = 1u << db->shift;
    db->shards = aligned_alloc(_Alignof(mw_shard), db->n_shards * sizeof *db->shards);
    MW_ASSERT(db->shards);
    for (unsigned i = 0; i < db->n_shards; i++) mw_shard_init(&db->shards[i], db->slab);
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
    db->late.after_ms = LATE_MS;
    db->io = o->read_only ? &mw_io_dry : o->io ? o->io : &mw_io_system;
    db->dir = mw_strdup(o->dir);
    db->lock = -1;
    db->opened_ms = mw_now_ms(db->opt.clock);
    db->opened_boot_ms = mw_boot_ms();
    db->gen = db->sealed = 1;
    db->manifest.next_id = 1;
    db->last_seal_ms = mw_mono_ns() / 1000000;
    db->slab = mw_slab_new();
    db->index = mw_index_new();
    db->exemplars = mw_exemplars_new(o->max_exemplars);
    db->metadata = mw_metabook_new();
    db->aliases = mw_aliases_new();
    mw_blocks_init(&db->blocks);
    pthread_mutex_init(&db->house, NULL);
    pthread_mutex_init(&db->defs_lock, NULL);
    make_secret(db);
    make_gate(db);
    make_shards(db);
    mw_tsdb_source_init(&db->source);
    return db;
}

static void seal_last(mw_tsdb *db)
{
    mw_err err;
    mw_err_init(&err);
    db->closing = true;
    if (mw_tsdb_seal(db, &err) != MW_OK)
        mw_log(MW_WARN, "samples were not sealed at the end; the next start reads the journal",
               "error=\"%s\"", err.msg);
}

void mw_tsdb_close(mw_tsdb *db)
{
    if (!db) return;
    if (db->journal && !db->opt.read_only && mw_tsdb_progress(db) == 1) seal_last(db);
    mw_journal_close(db->journal);
    for (unsigned i = 0; i < db->n_shards; i++) mw_shard_deinit(&db->shards[i]);
    free(db->shards);
    mw_slab_free(db->slab);
    mw_blocks_deinit(&db->blocks);
    mw_manifest_deinit(&db->manifest);
    mw_index_free(db->index);
    mw_exemplars_free(db->exemplars);
    mw_metabook_free(db->metadata);
    mw_aliases_free(db->aliases);
    mw_forget_defs(db);
    mw_free(db->defs.frame);
    pthread_mutex_destroy(&db->house);
    pthread_mutex_destroy(&db->defs_lock);
    pthread_rwlock_destroy(&db->gate);
    if (db->lock >= 0) close(db->lock);
    mw_free(db->dir);
    mw_free(db);
}

void mw_tsdb_hurry(mw_tsdb *db) { __atomic_store_n(&db->hurry, 1, __ATOMIC_RELAXED); }
bool mw_tsdb_commit_waits(const mw_tsdb *db) { return db->dir && db->opt.sync_ms == 0; }
mw_source *mw_tsdb_source(mw_tsdb *db) { return &db->source; }

mw_hours *mw_tsdb_late(mw_tsdb *db) { return &db->late; }

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
    out->histograms += sh->histograms;
    if (sh->min_t < out->min_t) out->min_t = sh->min_t;
    if (sh->max_t > out->max_t) out->max_t = sh->max_t;
    pthread_mutex_unlock(&sh->lock);
}

static void add_blocks(mw_tsdb *db, mw_tsdb_stats *out)
{
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    out->blocks = set->n;
    for (size_t i = 0; i < set->n; i++) {
        const mw_mblock_meta *m = mw_mblock_meta_of(set->block[i].b);
        out->block_bytes += mw_block_bytes(mw_mblock_file(set->block[i].b));
        out->block_series += m->series;
        out->block_samples += m->samples;
        if (m->min_t < out->min_t) out->min_t = m->min_t;
        if (m->max_t > out->max_t) out->max_t = m->max_t;
    }
    mw_blocks_release(&db->blocks, set);
}

static void add_journal(mw_tsdb *db, mw_tsdb_stats *out)
{
    mw_journal_stats j;
    if (!db->journal) return;
    mw_journal_stats_read(db->journal, &j);
    out->journal_bytes = j.bytes;
    out->journal_segments = j.segments;
    out->journal_syncs = j.syncs;
}

static uint64_t now_of(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void mw_tsdb_stats_read(mw_tsdb *db, mw_tsdb_stats *out)
{
    *out = (mw_tsdb_stats){.min_t = INT64_MAX, .max_t = INT64_MIN};
    for (unsigned i = 0; i < db->n_shards; i++) add_shard(&db->shards[i], out);
    add_blocks(db, out);
    add_journal(db, out);
    if (out->min_t > out->max_t) out->min_t = out->max_t = 0;
    out->bytes += mw_index_bytes(db->index) + sizeof *db;
    mw_exemplars_count(db->exemplars, out);
    out->too_old = now_of(&db->too_old);
    out->refused_series = now_of(&db->refused_series);
    out->seals = now_of(&db->seals);
    out->compactions = now_of(&db->compactions);
    out->deletions = now_of(&db->deletions);
    out->dropped_blocks = now_of(&db->dropped_blocks);
    out->quarantined_blocks = now_of(&db->quarantined);
    out->write_failures = now_of(&db->write_failures);
    out->read_only = __atomic_load_n(&db->read_only, __ATOMIC_RELAXED) != 0;
    out->replayed_frames = db->replayed_frames;
    out->recovery_ms = db->recovery_ms;
}

void mw_tsdb_places(mw_source *self, int64_t min_t, int64_t max_t, mw_places *out)
{
    mw_tsdb *db = (mw_tsdb *)self;
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    *out = (mw_places){0};
    for (size_t i = 0; i < set->n; i++) {
        const mw_mblock_meta *m = mw_mblock_meta_of(set->block[i].b);
        out->blocks += m->min_t <= max_t && m->max_t >= min_t;
    }
    mw_blocks_release(&db->blocks, set);
    for (unsigned i = 0; i < db->n_shards; i++) {
        mw_shard *sh = &db->shards[i];
        pthread_mutex_lock(&sh->lock);
        out->memory |= sh->tally.samples && sh->min_t <= max_t && sh->max_t >= min_t;
        pthread_mutex_unlock(&sh->lock);
    }
}

static int most_first(const void *a, const void *b)
{
    const mw_index_count *x = a, *y = b;
    if (x->series != y->series) return x->series < y->series ? 1 : -1;
    return mw_str_cmp(x->name, y->name);
}

static void visit_most(mw_index_count *rows, size_t n, size_t limit, mw_tsdb_top_visit *visit,
                       void *arg)
{
    if (n) qsort(rows, n, sizeof *rows, most_first);
    for (size_t i = 0; i < n && i < limit; i++) visit(arg, rows[i].name, rows[i].series);
    mw_free(rows);
}

void mw_tsdb_top(mw_tsdb *db, const char *label, size_t limit, mw_tsdb_top_visit *visit, void *arg)
{
    mw_arena *arena = mw_arena_new(0);
    mw_index_count *rows;
    size_t n = mw_index_counts(db->index, label, arena, &rows);
    visit_most(rows, n, limit, visit, arg);
    mw_arena_free(arena);
}

void mw_tsdb_top_pairs(mw_tsdb *db, size_t limit, mw_tsdb_top_visit *visit, void *arg)
{
    mw_arena *arena = mw_arena_new(0);
    mw_index_count *rows;
    size_t n = mw_index_pair_counts(db->index, limit, arena, &rows);
    visit_most(rows, n, limit, visit, arg);
    mw_arena_free(arena);
}

void mw_tsdb_each_block(mw_tsdb *db, mw_tsdb_block_visit *visit, void *arg)
{
    mw_block_set *set = mw_blocks_hold(&db->blocks);
    for (size_t i = 0; i < set->n; i++) {
        const mw_live *live = &set->block[i];
        const mw_mblock_meta *m = mw_mblock_meta_of(live->b);
        mw_tsdb_block b = {.id = live->id,
                           .series = m->series,
                           .samples = m->samples,
                           .bytes = mw_block_bytes(mw_mblock_file(live->b)),
                           .level = live->level,
                           .min_t = m->min_t,
                           .max_t = m->max_t};
        visit(arg, &b);
    }
    mw_blocks_release(&db->blocks, set);
}

/* -- beside samples ------------------------------------------------------------------------- */

int mw_tsdb_exemplars(mw_tsdb *db, const mw_select *sel, size_t n, mw_exemplar_visit *visit,
                      void *arg)
{
    return mw_exemplars_each(db->exemplars, sel, n, visit, arg);
}

void mw_tsdb_metadata(mw_tsdb *db, mw_str name, mw_metadata_visit *visit, void *arg)
{
    mw_metabook_each(db->metadata, name, visit, arg);
}
