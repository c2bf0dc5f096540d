/* appender.c - writing samples.
 *
 * A reference is the birth of its series (32 bits) above its id: when the series has left and the
 * slot is another one's, the birth differs and the labels are looked up again.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/store.h"

struct mw_appender {
    mw_tsdb *db;
    int64_t floor; /* oldest time taken, as of the last commit */
};

mw_appender *mw_appender_new(mw_tsdb *db)
{
    mw_appender *a = mw_zalloc(sizeof *a);
    a->db = db;
    a->floor = mw_tsdb_floor(db);
    return a;
}

void mw_appender_free(mw_appender *a) { mw_free(a); }

int mw_appender_commit(mw_appender *a, mw_err *err)
{
    a->floor = mw_tsdb_floor(a->db);
    return MW_OK;
}

/* -- finding the series --------------------------------------------------------------------- */

static mw_shard *shard_of_hash(mw_tsdb *db, uint64_t hash)
{
    return &db->shards[hash & (db->n_shards - 1)];
}

static uint64_t make_ref(const mw_tsdb *db, const mw_shard *sh, uint32_t slot, const mw_stream *s)
{
    uint32_t id = (slot << db->shift) | (uint32_t)(sh - db->shards);
    return s->birth << 32 | id;
}

/* The series of an earlier reference with its shard locked, or NULL with nothing locked. */
static mw_stream *lock_by_ref(mw_tsdb *db, uint64_t ref, mw_shard **out)
{
    if (ref == 0) return NULL;
    uint32_t id = (uint32_t)ref, birth = (uint32_t)(ref >> 32);
    mw_shard *sh = &db->shards[id & (db->n_shards - 1)];
    pthread_mutex_lock(&sh->lock);
    mw_stream *s = mw_shard_at(sh, id >> db->shift);
    if (s && (uint32_t)s->birth == birth) {
        *out = sh;
        return s;
    }
    pthread_mutex_unlock(&sh->lock);
    return NULL;
}

static mw_stream *create(mw_tsdb *db, mw_shard *sh, const mw_labels *ls, uint32_t *slot)
{
    *slot = mw_shard_reserve(sh);
    mw_stream *s = mw_stream_new(ls->n, ls->hash, &sh->tally);
    uint32_t id = (*slot << db->shift) | (uint32_t)(sh - db->shards);
    s->birth = mw_index_add(db->index, id, ls, s->labels);
    mw_shard_put(sh, *slot, s);
    __atomic_fetch_add(&db->series, 1, __ATOMIC_RELAXED);
    return s;
}

/* The series with these labels, made when it is new; its shard comes back locked.  NULL with
 * nothing locked when there is no room for it. */
static mw_stream *lock_by_labels(mw_tsdb *db, const mw_labels *ls, uint64_t *ref, mw_shard **out)
{
    mw_shard *sh = shard_of_hash(db, ls->hash);
    uint32_t slot;
    pthread_mutex_lock(&sh->lock);
    mw_stream *s = mw_shard_find(sh, ls, &slot);
    if (!s) {
        pthread_mutex_unlock(&sh->lock); /* making room takes other locks */
        if (!mw_tsdb_has_room(db)) {
            __atomic_fetch_add(&db->refused_series, 1, __ATOMIC_RELAXED);
            return NULL;
        }
        pthread_mutex_lock(&sh->lock);
        s = mw_shard_find(sh, ls, &slot);
        if (!s) s = create(db, sh, ls, &slot);
    }
    *ref = make_ref(db, sh, slot, s);
    *out = sh;
    return s;
}

/* -- appending ------------------------------------------------------------------------------ */

static void count(mw_shard *sh, int rc, bool late, int64_t t)
{
    if (rc == MW_OK) {
        sh->appended++;
        sh->late += late;
        mw_shard_note(sh, t);
    } else if (rc == MW_EDUP) {
        sh->duplicates++;
    } else {
        sh->out_of_order++;
    }
}

int mw_appender_add(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t, double v)
{
    mw_tsdb *db = a->db;
    if (t < a->floor) {
        __atomic_fetch_add(&db->too_old, 1, __ATOMIC_RELAXED);
        return MW_EOLD;
    }
    mw_shard *sh;
    mw_stream *s = lock_by_ref(db, *ref, &sh);
    if (!s) s = lock_by_labels(db, ls, ref, &sh);
    if (!s) return MW_ELIMIT;
    bool late = false;
    int rc = mw_stream_append(s, t, v, db->opt.out_of_order_ms, &late, &sh->tally);
    count(sh, rc, late, t);
    pthread_mutex_unlock(&sh->lock);
    return rc;
}
