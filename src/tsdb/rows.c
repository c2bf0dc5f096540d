/* rows.c - many samples at once.
 *
 * What a sample costs in a large store is waiting for memory: the seat in the table, the series,
 * its chunk, the end of the chunk.  So the rows of a batch are gathered by shard, each shard is
 * locked once, and its rows go through these four steps together: while one row waits, the others
 * have asked already.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/store.h"

/* -- by shard ------------------------------------------------------------------------------- */

static inline unsigned shard_of(const mw_tsdb *db, const mw_row *row)
{
    uint64_t bits = row->ref ? row->ref : row->key.lo;
    return (unsigned)bits & (db->n_shards - 1);
}

void mw_rows_gather(const mw_tsdb *db, const mw_row *rows, size_t n, mw_row_groups *g)
{
    uint32_t next[MW_SHARDS_MAX];
    memset(g->start, 0, (db->n_shards + 1) * sizeof *g->start);
    for (size_t i = 0; i < n; i++) g->start[shard_of(db, &rows[i]) + 1]++;
    for (unsigned i = 0; i < db->n_shards; i++) g->start[i + 1] += g->start[i];
    memcpy(next, g->start, db->n_shards * sizeof *next);
    for (size_t i = 0; i < n; i++) g->order[next[shard_of(db, &rows[i])]++] = (uint32_t)i;
}

/* -- the steps ------------------------------------------------------------------------------ */

/* The series that a row probably means; whether it does is seen when it has arrived. */
static mw_stream *guess(const mw_tsdb *db, const mw_shard *sh, const mw_row *row)
{
    if (row->ref) {
        uint32_t slot = (uint32_t)row->ref >> db->shift;
        return slot < sh->n_slots ? mw_shard_slot(sh, slot) : NULL;
    }
    for (uint32_t at = row->key.hi & sh->mask; sh->table[at].slot; at = (at + 1) & sh->mask)
        if (sh->table[at].tag == row->key.hi) return mw_shard_slot(sh, sh->table[at].slot - 1);
    return NULL;
}

static void ask_seats(const mw_shard *sh, const mw_row *rows, const uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rows[order[i]].ref) __builtin_prefetch(&sh->table[rows[order[i]].key.hi & sh->mask]);
}

static void ask_series(const mw_appender *a, const mw_shard *sh, const mw_row *rows,
                       const uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        a->found[i] = guess(a->db, sh, &rows[order[i]]);
        if (a->found[i]) __builtin_prefetch(a->found[i], 1);
    }
}

static void ask_chunks(const mw_appender *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a->found[i] && a->found[i]->open) __builtin_prefetch(a->found[i]->open, 1);
}

static void ask_ends(const mw_appender *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const mw_chunk *c = a->found[i] ? a->found[i]->open : NULL;
        if (c) __builtin_prefetch(&c->words[c->bits >> 6], 1);
    }
}

/* The series that a row means, and its slot; NULL when it is not known. */
static mw_stream *settle(const mw_tsdb *db, const mw_shard *sh, const mw_row *row, uint32_t *slot)
{
    if (!row->ref) return mw_shard_find(sh, row->key, slot);
    *slot = (uint32_t)row->ref >> db->shift;
    mw_stream *s = mw_shard_at(sh, *slot);
    return s && s->birth == (uint32_t)(row->ref >> 32) ? s : NULL;
}

static void append_row(mw_appender *a, mw_shard *sh, mw_row *row)
{
    uint32_t slot;
    if (row->t < a->floor) {
        __atomic_fetch_add(&a->db->too_old, 1, __ATOMIC_RELAXED);
        row->code = MW_EOLD;
        return;
    }
    mw_stream *s = settle(a->db, sh, row, &slot);
    if (!s) {
        row->code = MW_ENOENT;
        return;
    }
    row->ref = mw_make_ref(a->db, sh, slot, s);
    row->code = mw_appender_put(a, sh, slot, s, row->t, row->v);
}

static void append_shard(mw_appender *a, mw_shard *sh, mw_row *rows, const uint32_t *order,
                         size_t n)
{
    pthread_mutex_lock(&sh->lock);
    ask_seats(sh, rows, order, n);
    ask_series(a, sh, rows, order, n);
    ask_chunks(a, n);
    ask_ends(a, n);
    for (size_t i = 0; i < n; i++) append_row(a, sh, &rows[order[i]]);
    pthread_mutex_unlock(&sh->lock);
}

enum { BATCH = 4096 };

void mw_rows_append(mw_appender *a, mw_row *rows, const mw_row_groups *g, unsigned from,
                    unsigned to)
{
    size_t most = 0;
    for (unsigned i = from; i < to; i++)
        if (g->start[i + 1] - g->start[i] > most) most = g->start[i + 1] - g->start[i];
    if (most > a->cap_found) mw_grow(&a->found, &a->cap_found, most, sizeof *a->found);
    for (unsigned i = from; i < to; i++)
        if (g->start[i + 1] > g->start[i])
            append_shard(a, &a->db->shards[i], rows, g->order + g->start[i],
                         g->start[i + 1] - g->start[i]);
}

static void append_batch(mw_appender *a, mw_row *rows, size_t n)
{
    if (n > a->cap_order) mw_grow(&a->order, &a->cap_order, n, sizeof *a->order);
    mw_row_groups g = {.order = a->order};
    mw_aliases_resolve(a->db->aliases, rows, n);
    mw_rows_gather(a->db, rows, n, &g);
    mw_rows_append(a, rows, &g, 0, a->db->n_shards);
}

void mw_appender_rows(mw_appender *a, mw_row *rows, size_t n)
{
    int code = mw_appender_enter(a);
    for (size_t i = 0; code && i < n; i++) rows[i].code = code;
    for (size_t at = 0; !code && at < n; at += BATCH) {
        append_batch(a, rows + at, n - at < BATCH ? n - at : BATCH);
        mw_appender_relieve(a, MW_OK);
    }
}

void mw_appender_alias(mw_appender *a, mw_key key, uint64_t ref)
{
    mw_aliases_set(a->db->aliases, key, ref);
}
