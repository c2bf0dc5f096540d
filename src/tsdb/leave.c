/* leave.c - series leave memory, many at a time.
 *
 * They are taken out of the tables of their shards, then out of the index all at once, because each
 * list of the index is written again for that; then their places are given back.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/store.h"

void mw_tsdb_sweep(mw_tsdb *db, mw_shard_leaves *leaves, void *arg)
{
    mw_leavers gone = {0};
    for (unsigned i = 0; i < db->n_shards; i++) {
        pthread_mutex_lock(&db->shards[i].lock);
        mw_shard_unseat(&db->shards[i], db->shift, i, leaves, arg, &gone);
        pthread_mutex_unlock(&db->shards[i].lock);
    }
    mw_index_remove(db->index, gone.v, gone.n);
    for (size_t i = 0; i < gone.n; i++) {
        mw_shard *sh = &db->shards[gone.v[i].id & (db->n_shards - 1)];
        pthread_mutex_lock(&sh->lock);
        mw_shard_vacate(sh, gone.v[i].id >> db->shift);
        if (!db->dir) mw_shard_wake(sh); /* there is no journal that names the slot */
        pthread_mutex_unlock(&sh->lock);
    }
    __atomic_fetch_sub(&db->series, gone.n, __ATOMIC_RELAXED);
    mw_free(gone.v);
}
