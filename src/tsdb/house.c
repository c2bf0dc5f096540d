/* house.c - keeping the store within its retention and its budgets.
 *
 * With a data folder: samples are sealed after a while, or earlier when the journal grows long or
 * memory is over its budget; blocks are merged and expire.  The tick also finds out whether a disk
 * that took nothing takes something again.
 *
 * Without one: a closed chunk goes when its newest sample is too old, and a series that was idle
 * for a while has its open chunk closed.  Over the budget, closed chunks are counted by the time
 * they end, into SLICES slices of the time that is held; slices leave from the oldest until enough
 * is free.  Two walks over the series, no sorting.
 * SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/mem.h"
#include "tsdb/store.h"

enum { SLICES = 1024, IDLE_MS = 30 * 60 * 1000, WEIGH_EVERY = 64, SEAL_MS = 30 * 60 * 1000 };
static const uint64_t journal_most = 512ULL << 20;

/* Bytes in memory; takes every shard's lock in turn. */
static uint64_t weigh(mw_tsdb *db)
{
    uint64_t bytes = mw_index_bytes(db->index) + sizeof *db;
    for (unsigned i = 0; i < db->n_shards; i++) {
        pthread_mutex_lock(&db->shards[i].lock);
        bytes += db->shards[i].tally.bytes;
        pthread_mutex_unlock(&db->shards[i].lock);
    }
    return bytes;
}

/* -- shedding ------------------------------------------------------------------------------- */

/* Closed chunks by the time they end: bytes[i] of those in slice i of min..max. */
typedef struct ages {
    int64_t min, max;
    uint64_t bytes[SLICES];
} ages;

static uint64_t width_of(const ages *a)
{
    return ((uint64_t)a->max - (uint64_t)a->min) / SLICES + 1;
}

static void age_chunk(void *arg, int64_t end, size_t bytes)
{
    ages *a = arg;
    if (end < a->min || end > a->max) return; /* came after min and max were read */
    a->bytes[((uint64_t)end - (uint64_t)a->min) / width_of(a)] += bytes;
}

static void age_shard(mw_shard *sh, ages *a)
{
    pthread_mutex_lock(&sh->lock);
    for (uint32_t i = 0; i < sh->n_slots; i++)
        if (mw_shard_at(sh, i)) mw_stream_ages(mw_shard_at(sh, i), age_chunk, a);
    pthread_mutex_unlock(&sh->lock);
}

static int64_t slice_start(const ages *a, uint64_t slice)
{
    uint64_t span = (uint64_t)a->max - (uint64_t)a->min, reach = slice * width_of(a);
    return reach > span ? INT64_MAX : (int64_t)((uint64_t)a->min + reach);
}

/* So that WANTED bytes come free, all chunks that end before ALL leave, and of those that end
 * before SOME as many as are still needed. */
static void shed_before(mw_tsdb *db, size_t wanted, int64_t *all, int64_t *some)
{
    ages *a = mw_zalloc(sizeof *a);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(db, &st);
    a->min = st.min_t;
    a->max = st.max_t;
    for (unsigned i = 0; i < db->n_shards; i++) age_shard(&db->shards[i], a);
    uint64_t sum = 0, slices = 0;
    while (slices < SLICES && sum < wanted) sum += a->bytes[slices++];
    *all = slice_start(a, slices ? slices - 1 : 0);
    *some = slice_start(a, slices);
    mw_free(a);
}

static bool is_empty(const mw_stream *s, void *arg) { return mw_stream_empty(s); }

static void shed_shard(mw_tsdb *db, unsigned number, int64_t before, size_t *wanted)
{
    mw_shard *sh = &db->shards[number];
    size_t dropped = 0;
    pthread_mutex_lock(&sh->lock);
    for (uint32_t i = 0; i < sh->n_slots && *wanted; i++)
        if (mw_shard_at(sh, i))
            dropped += mw_stream_shed(mw_shard_slot(sh, i), before, wanted, &sh->tally);
    sh->dropped_chunks += dropped;
    if (dropped) mw_shard_measure(sh);
    pthread_mutex_unlock(&sh->lock);
}

/* Under the house lock.  True when the store is within its budget. */
static bool shed(mw_tsdb *db)
{
    uint64_t bytes = weigh(db);
    for (unsigned rounds = 0; bytes > db->opt.max_bytes && rounds < 4; rounds++) {
        /* A little more than needed, or every tick would walk all series for one chunk. */
        size_t wanted = bytes - db->opt.max_bytes + db->opt.max_bytes / 64;
        int64_t before[2];
        shed_before(db, wanted, &before[0], &before[1]);
        for (unsigned i = 0; i < 2 * db->n_shards && wanted; i++)
            shed_shard(db, i % db->n_shards, before[i / db->n_shards], &wanted);
        mw_tsdb_sweep(db, is_empty, NULL);
        uint64_t now = weigh(db);
        if (now >= bytes) break;
        bytes = now;
    }
    return bytes <= db->opt.max_bytes;
}

static void note_room(mw_tsdb *db, bool room)
{
    __atomic_store_n(&db->full, !room, __ATOMIC_RELAXED);
}

enum { OVER_MOST = 10 }; /* ticks over the budget, after which it will not pass by itself */

static void count_over(mw_tsdb *db)
{
    int over = __atomic_load_n(&db->full, __ATOMIC_RELAXED) ? db->over + 1 : 0;
    __atomic_store_n(&db->over, over < OVER_MOST ? over : OVER_MOST, __ATOMIC_RELAXED);
}

/* Over the budget.  Where samples can be sealed that will pass, unless it has been so for long. */
static int no_room(const mw_tsdb *db)
{
    bool may_pass = db->dir && __atomic_load_n(&db->over, __ATOMIC_RELAXED) < OVER_MOST;
    return may_pass ? MW_EBUSY : MW_ELIMIT;
}

int mw_tsdb_room(mw_tsdb *db)
{
    if (db->opt.max_series && __atomic_load_n(&db->series, __ATOMIC_RELAXED) >= db->opt.max_series)
        return MW_ELIMIT;
    if (db->opt.max_bytes == 0) return MW_OK;
    if (__atomic_load_n(&db->full, __ATOMIC_RELAXED)) return no_room(db);
    if (__atomic_fetch_add(&db->births, 1, __ATOMIC_RELAXED) % WEIGH_EVERY) return MW_OK;
    uint64_t bytes = weigh(db), most = db->opt.max_bytes + db->opt.max_bytes / 4;
    if (bytes <= db->opt.max_bytes) return MW_OK;
    /* On disk a seal is due.  Otherwise who keeps house may be waiting for this very batch to end,
     * and is not waited for. */
    if (db->dir || pthread_mutex_trylock(&db->house)) return bytes <= most ? MW_OK : no_room(db);
    bool room = shed(db);
    note_room(db, room);
    pthread_mutex_unlock(&db->house);
    return room ? MW_OK : no_room(db);
}

/* -- tick ----------------------------------------------------------------------------------- */

static void expire_shard(mw_tsdb *db, unsigned number, int64_t floor, int64_t idle)
{
    mw_shard *sh = &db->shards[number];
    size_t dropped = 0;
    pthread_mutex_lock(&sh->lock);
    for (uint32_t i = 0; i < sh->n_slots; i++)
        if (mw_shard_at(sh, i))
            dropped += mw_stream_expire(mw_shard_slot(sh, i), floor, idle, &sh->tally);
    sh->dropped_chunks += dropped;
    if (sh->min_t < floor) mw_shard_measure(sh);
    pthread_mutex_unlock(&sh->lock);
}

static void tick_memory(mw_tsdb *db)
{
    int64_t floor = mw_tsdb_floor(db), idle = mw_now_ms(db->opt.clock) - IDLE_MS;
    if (floor > idle) idle = floor;
    for (unsigned i = 0; i < db->n_shards; i++) expire_shard(db, i, floor, idle);
    mw_tsdb_sweep(db, is_empty, NULL);
    note_room(db, db->opt.max_bytes == 0 || shed(db));
    count_over(db);
}

static bool seal_is_due(mw_tsdb *db)
{
    mw_journal_stats j;
    int64_t every = db->opt.seal_ms ? db->opt.seal_ms : SEAL_MS;
    mw_journal_stats_read(db->journal, &j);
    if (mw_mono_ns() / 1000000 - db->last_seal_ms >= every) return true;
    return j.bytes >= journal_most || (db->opt.max_bytes && weigh(db) > db->opt.max_bytes);
}

/* Told once when it begins, not with every tick. */
static void note(mw_tsdb *db, int code, const char *what, const mw_err *err)
{
    if (code && __atomic_exchange_n(&db->troubled, 1, __ATOMIC_RELAXED) == 0)
        mw_log(MW_ERROR, what, "error=\"%s\"", err->msg);
    else if (!code)
        __atomic_store_n(&db->troubled, 0, __ATOMIC_RELAXED);
}

/* Does the disk take something again?  An empty frame is as good as any. */
static void try_disk(mw_tsdb *db)
{
    int was = __atomic_load_n(&db->read_only, __ATOMIC_RELAXED);
    if (!was) return;
    int code = mw_write_defs(db, NULL);
    if (!code) code = mw_journal_append(db->journal, MW_STR(""), NULL);
    if (!code) code = mw_journal_sync(db->journal, NULL);
    if (code) return;
    __atomic_store_n(&db->read_only, 0, __ATOMIC_RELAXED);
    mw_log(MW_INFO, "the disk takes samples again", "folder=%s", db->dir);
}

static void tick_disk(mw_tsdb *db)
{
    mw_err err;
    mw_err_init(&err);
    try_disk(db);
    mw_drop_sealed(db);
    mw_scrub(db);
    mw_retain_blocks(db); /* first: it may be what makes room on the disk */
    int code = seal_is_due(db) ? mw_seal(db, &err) : MW_OK;
    note(db, code, "samples could not be sealed", &err);
    if (code) return;
    code = mw_compact_some(db, &err);
    note(db, code, "blocks could not be merged", &err);
    note_room(db, db->opt.max_bytes == 0 || weigh(db) <= db->opt.max_bytes);
    count_over(db);
}

void mw_tsdb_tick(mw_tsdb *db)
{
    pthread_mutex_lock(&db->house);
    if (db->dir)
        tick_disk(db);
    else
        tick_memory(db);
    pthread_mutex_unlock(&db->house);
}
