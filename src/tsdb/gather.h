/* gather.h - the same series in several places, brought together by its key.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_GATHER_H
#define MW_TSDB_GATHER_H
#include "tsdb/store.h"

enum { MW_NOWHERE = UINT32_MAX };

/* One series of one block. */
typedef struct mw_spot {
    uint32_t block; /* index into the set */
    uint32_t series;
    uint32_t next; /* of the same series, in a later block; MW_NOWHERE: none */
} mw_spot;

typedef struct mw_gathered {
    uint32_t head;  /* id in memory, or MW_NOWHERE */
    uint32_t spots; /* first of its places in blocks, or MW_NOWHERE */
} mw_gathered;

typedef struct mw_gather {
    mw_gathered *series;
    mw_key *keys; /* only while there is more than one source */
    mw_spot *spots;
    size_t n, cap, cap_keys, n_spots, cap_spots;
    uint32_t *table; /* index + 1 by key */
    size_t mask;
    uint64_t last_birth; /* of the ids in memory: later ones are others */
} mw_gather;

void mw_gather_deinit(mw_gather *g);
static inline bool mw_select_cancelled(const mw_select *sel)
{
    return sel->cancel && __atomic_load_n(sel->cancel, __ATOMIC_RELAXED);
}
/* All series that SEL matches in SET and in memory; blocks outside its range are not looked at. */
int mw_gather_series(mw_gather *g, mw_tsdb *db, const mw_block_set *set, const mw_select *sel,
                     mw_err *err);

/* By mw_labels_cmp; the keys are not moved along (order.c).  MW_ELIMIT, MW_ECANCEL. */
int mw_gather_sort(mw_gather *g, mw_tsdb *db, const mw_block_set *set, const mw_select *sel,
                   mw_err *err);

#endif
