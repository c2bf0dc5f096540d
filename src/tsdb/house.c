/* house.c - keeping the store within its retention and its budget.
 *
 * Retention: a closed chunk goes when its newest sample is too old.  A series that was idle for a
 * while has its open chunk closed, so that what ended can be forgotten like anything else.
 *
 * Budget: closed chunks are counted by the time they end, into SLICES slices of the time that is
 * held; slices leave from the oldest until enough is free.  Two walks over the series, no sorting.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/store.h"

enum { SLICES = 1024, IDLE_MS = 30 * 60 * 1000, WEIGH_EVERY = 64 };

int64_t mw_tsdb_floor(const mw_tsdb *db)
{
    if (db->opt.retention_ms == 0) return INT64_MIN;
    return mw_now_ms(db->opt.clock) - db->opt.retention_ms;
}

uint64_t mw_tsdb_weigh(mw_tsdb *db)
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

static void age_shard(mw_shard *sh, ages *a)
{
    pthread_mutex_lock(&sh->lock);
    for (size_t i = 0; i < sh->n_slots; i++) {
        const mw_stream *s = sh->slots[i];
        for (uint32_t k = 0; s && k < s->n_chunks; k++) {
            int64_t end = s->chunks[k]->max_t;
            if (end < a->min || end > a->max) continue; /* came after min and max were read */
            a->bytes[((uint64_t)end - (uint64_t)a->min) / width_of(a)] +=
                mw_chunk_cost(s->chunks[k]);
        }
    }
    pthread_mutex_unlock(&sh->lock);
}

/* Chunks that end before this leave, so that WANTED bytes come free. */
static int64_t shed_before(mw_tsdb *db, size_t wanted)
{
    ages *a = mw_zalloc(sizeof *a);
    mw_tsdb_stats st;
    mw_tsdb_stats_read(db, &st);
    a->min = st.min_t;
    a->max = st.max_t;
    for (unsigned i = 0; i < db->n_shards; i++) age_shard(&db->shards[i], a);
    uint64_t sum = 0, slices = 0;
    while (slices < SLICES && sum < wanted) sum += a->bytes[slices++];
    uint64_t span = (uint64_t)a->max - (uint64_t)a->min, reach = slices * width_of(a);
    int64_t before = reach > span ? INT64_MAX : (int64_t)((uint64_t)a->min + reach);
    mw_free(a);
    return before;
}

static void sweep(mw_tsdb *db, unsigned number)
{
    mw_shard *sh = &db->shards[number];
    size_t gone = mw_shard_sweep(sh, db->index, db->shift, number);
    if (gone) __atomic_fetch_sub(&db->series, gone, __ATOMIC_RELAXED);
}

static void shed_shard(mw_tsdb *db, unsigned number, int64_t before, size_t *wanted)
{
    mw_shard *sh = &db->shards[number];
    size_t dropped = 0;
    pthread_mutex_lock(&sh->lock);
    for (size_t i = 0; i < sh->n_slots && *wanted; i++)
        if (sh->slots[i]) dropped += mw_stream_shed(sh->slots[i], before, wanted, &sh->tally);
    sh->dropped_chunks += dropped;
    if (dropped) {
        sweep(db, number);
        mw_shard_measure(sh);
    }
    pthread_mutex_unlock(&sh->lock);
}

/* Under the house lock.  True when the store is within its budget. */
static bool shed(mw_tsdb *db)
{
    uint64_t bytes = mw_tsdb_weigh(db);
    for (unsigned rounds = 0; bytes > db->opt.max_bytes && rounds < 4; rounds++) {
        /* A little more than needed, or every tick would walk all series for one chunk. */
        size_t wanted = bytes - db->opt.max_bytes + db->opt.max_bytes / 64;
        int64_t before = shed_before(db, wanted);
        for (unsigned i = 0; i < db->n_shards && wanted; i++) shed_shard(db, i, before, &wanted);
        uint64_t now = mw_tsdb_weigh(db);
        if (now >= bytes) break;
        bytes = now;
    }
    return bytes <= db->opt.max_bytes;
}

bool mw_tsdb_has_room(mw_tsdb *db)
{
    if (db->opt.max_series && __atomic_load_n(&db->series, __ATOMIC_RELAXED) >= db->opt.max_series)
        return false;
    if (db->opt.max_bytes == 0) return true;
    if (__atomic_load_n(&db->full, __ATOMIC_RELAXED)) return false;
    if (__atomic_fetch_add(&db->births, 1, __ATOMIC_RELAXED) % WEIGH_EVERY) return true;
    if (mw_tsdb_weigh(db) <= db->opt.max_bytes) return true;
    pthread_mutex_lock(&db->house);
    bool room = shed(db);
    __atomic_store_n(&db->full, !room, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&db->house);
    return room;
}

/* -- tick ----------------------------------------------------------------------------------- */

static void expire_shard(mw_tsdb *db, unsigned number, int64_t floor, int64_t idle)
{
    mw_shard *sh = &db->shards[number];
    size_t dropped = 0;
    pthread_mutex_lock(&sh->lock);
    for (size_t i = 0; i < sh->n_slots; i++)
        if (sh->slots[i]) dropped += mw_stream_expire(sh->slots[i], floor, idle, &sh->tally);
    sh->dropped_chunks += dropped;
    sweep(db, number);
    if (sh->min_t < floor) mw_shard_measure(sh);
    pthread_mutex_unlock(&sh->lock);
}

void mw_tsdb_tick(mw_tsdb *db)
{
    pthread_mutex_lock(&db->house);
    int64_t floor = mw_tsdb_floor(db), idle = mw_now_ms(db->opt.clock) - IDLE_MS;
    if (floor > idle) idle = floor;
    for (unsigned i = 0; i < db->n_shards; i++) expire_shard(db, i, floor, idle);
    bool room = db->opt.max_bytes == 0 || shed(db);
    __atomic_store_n(&db->full, !room, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&db->house);
}
