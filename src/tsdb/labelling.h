/* labelling.h - the labels of selected series, or those of them that a reader keeps.
 *
 * Whoever keeps a few labels of many series meets the same sets again and again: each is built once
 * and found again by the numbers of its pairs.  For one thread.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_LABELLING_H
#define MW_TSDB_LABELLING_H
#include "tsdb/mblock.h"
#include "tsdb/series.h"

typedef struct mw_labelling mw_labelling;

/* KEEP NULL: all labels.  Label sets are made in ARENA, or live as long as the labelling when it is
 * NULL.  Both are borrowed. */
mw_labelling *mw_labelling_new(mw_index *ix, const mw_keep *keep, mw_arena *arena);
void mw_labelling_free(mw_labelling *l);          /* NULL is fine */
bool mw_labelling_is_full(const mw_labelling *l); /* the arena took no more: sets are NULL */

/* Under the lock of the series' shard; S was born before the labelling was made. */
const mw_labels *mw_labelling_of_stream(mw_labelling *l, const mw_stream *s);
/* BLOCK is a number of the caller's for B.  NULL: damaged. */
const mw_labels *mw_labelling_of_block(mw_labelling *l, const mw_mblock *b, uint32_t block,
                                       uint32_t series);

#endif
