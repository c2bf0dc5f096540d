/* shard.h - a share of the series, with its own lock and table.
 *
 * A series id is slot * number-of-shards + shard, so that ids over all shards grow together.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_SHARD_H
#define MW_TSDB_SHARD_H
#include <pthread.h>

#include "tsdb/series.h"
#include "tsdb/tsdb.h"

typedef struct mw_shard {
    pthread_mutex_t lock;
    mw_stream **slots;
    size_t n_slots, cap_slots; /* slots ever used */
    uint32_t *free_slots;
    size_t n_free, cap_free;
    uint32_t *heads; /* hash chains of slot + 1 */
    size_t n_heads;
    uint64_t series;
    mw_tally tally;
    uint64_t appended, late, out_of_order, duplicates, dropped_chunks; /* as mw_tsdb_stats */
    int64_t min_t, max_t; /* min_t > max_t while empty */
} __attribute__((aligned(64))) mw_shard;

void mw_shard_init(mw_shard *sh);
void mw_shard_deinit(mw_shard *sh);

/* All of these are called under sh->lock. */
mw_stream *mw_shard_at(const mw_shard *sh, uint32_t slot); /* NULL when the slot is empty */
mw_stream *mw_shard_find(const mw_shard *sh, const mw_labels *ls, uint32_t *slot);
uint32_t mw_shard_reserve(mw_shard *sh); /* a slot for mw_shard_put */
void mw_shard_put(mw_shard *sh, uint32_t slot, mw_stream *s);
void mw_shard_note(mw_shard *sh, int64_t t); /* a sample at T was accepted */
void mw_shard_measure(mw_shard *sh);         /* min_t and max_t anew */
/* Take the empty series out of the shard and the index; how many.  SHIFT and NUMBER make ids. */
size_t mw_shard_sweep(mw_shard *sh, mw_index *ix, unsigned shift, uint32_t number);

#endif
