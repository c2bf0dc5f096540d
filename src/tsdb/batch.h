/* batch.h - a few series in memory, looked at together.
 *
 * What is far apart in memory is asked for before it is needed, and whatever takes time is done
 * outside the locks.  For one thread.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_BATCH_H
#define MW_TSDB_BATCH_H
#include "tsdb/labelling.h"
#include "tsdb/store.h"

enum { MW_BATCH = 128 }; /* fits the numbers of order */

/* What is wanted of each series. */
typedef struct mw_wanted {
    int64_t min_t, max_t;
    int64_t blocks_max;  /* no block has anything newer */
    uint64_t last_birth; /* series born later are others */
    bool labels_only;    /* whether there is a sample in the range */
    bool newest;         /* the newest in the range is enough */
    mw_digest digest;
    mw_labelling *labelling; /* NULL: no labels */
} mw_wanted;

typedef struct mw_batched {
    bool there;              /* something of it may be in the range */
    bool surely;             /* with labels_only: there certainly is */
    bool single;             /* NEWEST is the one that was wanted; nothing is to be decoded */
    const mw_labels *labels; /* of one that is there */
    mw_sample newest;
    mw_extract extract;
} mw_batched;

typedef struct mw_batch {
    mw_batched *of;
    size_t cap;
    uint8_t order[MW_BATCH]; /* places by shard, of those that are in memory */
    size_t n;
} mw_batch;

mw_batch *mw_batch_new(size_t n); /* for N series at most */
void mw_batch_free(mw_batch *b);  /* NULL is fine */
/* N series by ID, of which UINT32_MAX is none, into the same places of B. */
void mw_batch_look(mw_batch *b, mw_tsdb *db, const mw_wanted *w, const uint32_t *id, size_t n);

#endif
