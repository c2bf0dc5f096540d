/* order.c - gathered series in the order of their labels.  SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/gather.h"

static const size_t most_bytes = (size_t)512 << 20; /* of labels */

typedef struct sorting {
    const mw_labels *ls;
    mw_gathered g;
} sorting;

static int by_labels(const void *a, const void *b)
{
    return mw_labels_cmp(((const sorting *)a)->ls, ((const sorting *)b)->ls);
}

/* NULL: it has left memory, or the arena is full. */
static const mw_labels *labels_of(const mw_gather *g, const mw_gathered *s, mw_tsdb *db,
                                  const mw_block_set *set, mw_arena *arena)
{
    const mw_labels *ls = NULL;
    if (s->spots != MW_NOWHERE) {
        const mw_spot *spot = &g->spots[s->spots];
        return mw_mblock_labels(set->block[spot->block].b, spot->series, arena);
    }
    mw_shard *sh = &db->shards[s->head & (db->n_shards - 1)];
    pthread_mutex_lock(&sh->lock);
    const mw_stream *stream = mw_shard_at(sh, s->head >> db->shift);
    if (stream && stream->birth <= g->last_birth) ls = mw_stream_labels(db->index, stream, arena);
    pthread_mutex_unlock(&sh->lock);
    return ls;
}

int mw_gather_sort(mw_gather *g, mw_tsdb *db, const mw_block_set *set, const mw_select *sel,
                   mw_err *err)
{
    size_t n = 0;
    int rc = MW_OK;
    mw_arena *arena = mw_arena_new(most_bytes + most_bytes / 8);
    sorting *rows = mw_array(g->n + 1, sizeof *rows);
    for (size_t i = 0; i < g->n && !rc; i++) {
        rows[n] = (sorting){labels_of(g, &g->series[i], db, set, arena), g->series[i]};
        n += rows[n].ls != NULL;
        if (mw_arena_used(arena) > most_bytes)
            rc = mw_fail(err, MW_ELIMIT, 0, 0, "too many series match to be put in order");
        if (mw_select_cancelled(sel))
            rc = mw_fail(err, MW_ECANCEL, 0, 0, "the query was cancelled");
    }
    if (n) qsort(rows, n, sizeof *rows, by_labels);
    for (size_t i = 0; i < n; i++) g->series[i] = rows[i].g;
    g->n = n;
    mw_free(rows);
    mw_arena_free(arena);
    return rc;
}
