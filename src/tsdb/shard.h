/* shard.h - a share of the series in memory, with its own lock and table.
 *
 * A series id is slot * number-of-shards + shard, so that ids over all shards grow together.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_SHARD_H
#define MW_TSDB_SHARD_H
#include <pthread.h>

#include "tsdb/series.h"

typedef struct mw_seat { /* of the table; slot is one more than the slot, 0: free */
    uint32_t tag, slot;
} mw_seat;

enum { MW_SLOT_PAGE = 16 };

typedef struct mw_shard {
    pthread_mutex_t lock;
    mw_stream **pages; /* MW_SLOT_PAGE series each; a series never moves */
    size_t n_slots, cap_pages;
    uint32_t *free_slots, *resting; /* resting: free from the next generation on */
    size_t n_free, cap_free, n_resting, cap_resting;
    mw_seat *table; /* open addressing by tag, a power of two */
    uint32_t mask;
    uint64_t series;
    mw_tally tally;
    uint64_t appended, late, out_of_order, duplicates, dropped_chunks, histograms; /* statistics */
    int64_t min_t, max_t; /* min_t > max_t while empty */
} __attribute__((aligned(64))) mw_shard;

void mw_shard_init(mw_shard *sh, mw_slab *slab);
void mw_shard_deinit(mw_shard *sh);

/* All of these are called under sh->lock. */

static inline mw_stream *mw_shard_slot(const mw_shard *sh, uint32_t slot)
{
    return &sh->pages[slot / MW_SLOT_PAGE][slot % MW_SLOT_PAGE];
}
mw_stream *mw_shard_at(const mw_shard *sh, uint32_t slot); /* NULL when the slot is empty */
mw_stream *mw_shard_find(const mw_shard *sh, mw_key key, uint32_t *slot);
mw_stream *mw_shard_take(mw_shard *sh, uint32_t *slot);             /* a free place */
void mw_shard_put(mw_shard *sh, uint32_t slot, const mw_stream *s); /* it is found from now on */
void mw_shard_note(mw_shard *sh, int64_t t);                        /* a sample at T was accepted */
void mw_shard_measure(mw_shard *sh);                                /* min_t and max_t anew */
void mw_shard_wake(mw_shard *sh); /* a generation began: resting slots may be used */

/* Leaving is done in two steps, because the index forgets all that leave at once: first they cannot
 * be found any more, then their places are free. */
typedef bool mw_shard_leaves(const mw_stream *s, void *arg);
typedef struct mw_leavers {
    mw_indexed *v;
    size_t n, cap;
} mw_leavers;
/* Series that LEAVES picks go behind OUT; SHIFT and NUMBER make ids. */
void mw_shard_unseat(mw_shard *sh, unsigned shift, uint32_t number, mw_shard_leaves *leaves,
                     void *arg, mw_leavers *out);
/* A slot rests until the next generation, because the journal of this one may name it. */
void mw_shard_vacate(mw_shard *sh, uint32_t slot);

#endif
