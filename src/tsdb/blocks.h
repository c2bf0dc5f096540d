/* blocks.h - the blocks that are alive, as readers see them.
 *
 * A set of blocks never changes; a change makes a new set.  A reader holds the set it began with,
 * so that what it reads stays where it was until it lets go.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_BLOCKS_H
#define MW_TSDB_BLOCKS_H
#include <pthread.h>

#include "store/manifest.h"
#include "tsdb/mblock.h"

typedef struct mw_live {
    uint64_t id;
    uint32_t level;
    mw_mblock *b;
} mw_live;

typedef struct mw_block_set mw_block_set;
struct mw_block_set {
    mw_block_set *older; /* sets that are still held, newest first */
    uint64_t version;
    unsigned holders;
    int64_t max_t; /* INT64_MIN when empty */
    size_t n;
    mw_live block[]; /* by min_t, then id */
};

typedef struct mw_blocks {
    pthread_mutex_t lock;
    mw_block_set *now;
    int64_t max_t; /* of the present set; atomic, for a look without the lock */
} mw_blocks;

void mw_blocks_init(mw_blocks *bs);
void mw_blocks_deinit(mw_blocks *bs); /* nobody holds a set any more */
mw_block_set *mw_blocks_hold(mw_blocks *bs);
void mw_blocks_release(mw_blocks *bs, mw_block_set *set);

/* The present set without the blocks whose id is among LEAVE (N_LEAVE of them) and with COME (NULL:
 * none), whose reference is taken.  The answer is the version of the new set. */
uint64_t mw_blocks_change(mw_blocks *bs, const uint64_t *leave, size_t n_leave,
                          const mw_live *come);
/* Does anybody still hold a set older than VERSION? */
bool mw_blocks_held_before(mw_blocks *bs, uint64_t version);
/* The newest float or histogram sample of the series with KEY in all blocks; false: none.  VALUE is
 * not set for a histogram. */
bool mw_block_set_newest(const mw_block_set *set, mw_key key, int64_t *t, double *value,
                         bool *hist);
/* Is there a sample at T of that series in a block?  MW_OK: the same one, by the BITS of its value
 * or by the bytes of HIST (p NULL: a float).  MW_EDUP: another one.  MW_ENOENT: none. */
int mw_block_set_look(const mw_block_set *set, mw_key key, int64_t t, uint64_t bits, mw_str hist);

#endif
