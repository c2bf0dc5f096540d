/* late.h - samples of one series that came out of order, sorted, until they are merged.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_LATE_H
#define MW_TSDB_LATE_H
#include <stdbool.h>
#include <stddef.h>

#include "model/sample.h"
#include "tsdb/tally.h"

enum { MW_LATE_MAX = 256 };

struct mw_late {
    uint32_t n, cap;
    mw_sample s[]; /* ascending, each time once */
};
typedef struct mw_late mw_late;

/* First entry at or after T; n when there is none.  LATE may be NULL. */
size_t mw_late_seek(const mw_late *late, int64_t t);
/* Put T, V in at AT, which mw_late_seek answered; *LATE may be NULL and may move. */
void mw_late_insert(mw_late **late, size_t at, int64_t t, double v, mw_tally *tally);
void mw_late_drop_before(mw_late **late, int64_t floor, mw_tally *tally);
void mw_late_free(mw_late **late, mw_tally *tally);

#endif
