/* gather.c - memory and blocks asked one after the other, from the newest to the oldest.
 *
 * With one source that has anything, its series are taken as they come.  With more, they meet in a
 * table by key.  Places in blocks are put in front, so that the oldest block is read first.
 * SPDX-License-Identifier: MIT */
#include "tsdb/gather.h"

#include "base/log.h"
#include "base/mem.h"

void mw_gather_deinit(mw_gather *g)
{
    mw_free(g->series);
    mw_free(g->keys);
    mw_free(g->spots);
    mw_free(g->table);
    *g = (mw_gather){0};
}

/* -- the table ------------------------------------------------------------------------------ */

static uint32_t *seat_of(mw_gather *g, mw_key key)
{
    size_t at = key.hi & g->mask;
    while (g->table[at]) {
        const mw_key *k = &g->keys[g->table[at] - 1];
        if (k->lo == key.lo && k->hi == key.hi) break;
        at = (at + 1) & g->mask;
    }
    return &g->table[at];
}

static void make_room(mw_gather *g)
{
    if (g->table && (g->n + 1) * 2 <= g->mask) return;
    size_t size = g->table ? (g->mask + 1) * 2 : 1024;
    mw_free(g->table);
    g->table = mw_array(size, sizeof *g->table);
    g->mask = size - 1;
    for (size_t i = 0; i < g->n; i++) *seat_of(g, g->keys[i]) = (uint32_t)i + 1;
}

static mw_gathered *add(mw_gather *g)
{
    mw_gathered none = {MW_NOWHERE, MW_NOWHERE};
    MW_PUSH(g->series, g->n, g->cap, none);
    return &g->series[g->n - 1];
}

static mw_gathered *find_or_add(mw_gather *g, mw_key key)
{
    make_room(g);
    uint32_t *seat = seat_of(g, key);
    if (*seat) return &g->series[*seat - 1];
    mw_grow(&g->keys, &g->cap_keys, g->n + 1, sizeof *g->keys);
    g->keys[g->n] = key;
    *seat = (uint32_t)g->n + 1;
    return add(g);
}

/* -- the sources ---------------------------------------------------------------------------- */

static bool key_in_memory(mw_tsdb *db, uint32_t id, uint64_t last_birth, mw_key *key)
{
    mw_shard *sh = &db->shards[id & (db->n_shards - 1)];
    pthread_mutex_lock(&sh->lock);
    const mw_stream *s = mw_shard_at(sh, id >> db->shift);
    bool there = s && s->birth <= last_birth;
    if (there) *key = (mw_key){s->key_lo, s->key_hi};
    pthread_mutex_unlock(&sh->lock);
    return there;
}

enum { CANCEL_EVERY = 4096 };

static bool cancelled(const mw_select *sel, size_t i)
{
    return i % CANCEL_EVERY == 0 && mw_select_cancelled(sel);
}

static void take_memory(mw_gather *g, mw_tsdb *db, const mw_select *sel, const mw_ids *ids,
                        bool alone)
{
    mw_key key;
    if (alone) mw_grow(&g->series, &g->cap, ids->n, sizeof *g->series);
    for (size_t i = 0; i < ids->n && !cancelled(sel, i); i++) {
        if (alone)
            add(g)->head = ids->v[i];
        else if (key_in_memory(db, ids->v[i], g->last_birth, &key))
            find_or_add(g, key)->head = ids->v[i];
    }
}

static void take_block(mw_gather *g, const mw_block_set *set, uint32_t block, const mw_select *sel,
                       const mw_ids *ids, bool alone)
{
    for (size_t i = 0; i < ids->n && !cancelled(sel, i); i++) {
        mw_gathered *s =
            alone ? add(g) : find_or_add(g, mw_mblock_key(set->block[block].b, ids->v[i]));
        mw_spot spot = {block, ids->v[i], s->spots};
        s->spots = (uint32_t)g->n_spots;
        MW_PUSH(g->spots, g->n_spots, g->cap_spots, spot);
    }
}

static bool apart(const mw_mblock_meta *m, const mw_select *sel)
{
    return m->max_t < sel->min_t || m->min_t > sel->max_t;
}

/* IDS[i] of block i, IDS[set->n] of memory. */
static int select_all(mw_gather *g, mw_tsdb *db, const mw_block_set *set, const mw_select *sel,
                      mw_ids *ids, mw_err *err)
{
    int code = mw_index_select(db->index, sel, &ids[set->n], &g->last_birth, err);
    for (size_t i = 0; i < set->n && !code; i++) {
        mw_mblock *b = set->block[i].b;
        if (apart(mw_mblock_meta_of(b), sel)) continue;
        mw_err why;
        mw_err_init(&why);
        code = mw_mblock_select(b, sel, &ids[i], &why);
        if (code == MW_ECANCEL) return mw_fail(err, code, 0, 0, "%s", why.msg);
        if (code) {
            mw_log(MW_ERROR, "a damaged block is passed over", "error=\"%s\"", why.msg);
            ids[i].n = 0;
            code = MW_OK;
        }
    }
    return code;
}

int mw_gather_series(mw_gather *g, mw_tsdb *db, const mw_block_set *set, const mw_select *sel,
                     mw_err *err)
{
    mw_ids *ids = mw_array(set->n + 1, sizeof *ids);
    size_t sources = 0;
    int code = select_all(g, db, set, sel, ids, err);
    for (size_t i = 0; i <= set->n; i++) sources += ids[i].n > 0;
    if (!code) take_memory(g, db, sel, &ids[set->n], sources < 2);
    for (size_t i = set->n; i-- > 0 && !code;)
        take_block(g, set, (uint32_t)i, sel, &ids[i], sources < 2);
    if (!code && mw_select_cancelled(sel))
        code = mw_fail(err, MW_ECANCEL, 0, 0, "the query was cancelled");
    for (size_t i = 0; i <= set->n; i++) mw_ids_deinit(&ids[i]);
    mw_free(ids);
    return code;
}
