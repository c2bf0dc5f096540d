/* rewrite.h - blocks written again as one: merged, or without what is not wanted any more.
 *
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_REWRITE_H
#define MW_TSDB_REWRITE_H
#include "tsdb/store.h"

typedef struct mw_rewrite {
    const mw_live
        *from; /* oldest first: where two have a sample at one time, the first one's stays */
    size_t n;
    const mw_select *without; /* NULL, or samples that are left out */
} mw_rewrite;

/* Under the house lock.  The blocks of R leave and what is left of them comes, in one step.  On
 * failure everything is as it was. */
int mw_rewrite_blocks(mw_tsdb *db, const mw_rewrite *r, mw_err *err);

#endif
