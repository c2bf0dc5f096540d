/* recorder.h - a recording rule at work: what an expression gives becomes samples of its own
 * series.
 *
 * It knows the series that it wrote last, with their references: from one time to the next only
 * values move, and what is no longer there gets a stale marker.  Nothing here touches Lua.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_RECORDER_H
#define MW_SCRIPT_RECORDER_H
#include "script/host.h"

typedef struct mw_recorder mw_recorder;

/* Series are called NAME and carry the N labels of EXTRA on top of their own; an empty value takes
 * a label away.  LIMIT: the most series it may write, 0 for any.  NULL with ERR as
 * mw_promql_check. */
mw_recorder *mw_recorder_new(mw_str expr, mw_str name, const mw_label *extra, size_t n,
                             size_t limit, mw_err *err);
void mw_recorder_free(mw_recorder *r); /* NULL is fine; writes nothing */

/* What the store did not take, by reason. */
typedef struct mw_recorded {
    size_t written;
    size_t out_of_order, too_old, duplicates, no_room;
} mw_recorded;

mw_promql_prepared *
mw_recorder_query(mw_recorder *r); /* what to ask, histograms included; borrowed */
/* Write RES, its answer as of T, at T.  After a code nothing was written, and the series are
 * remembered as they were: two that end up with the same labels, more than the limit. */
int mw_recorder_write(mw_recorder *r, mw_host *h, const mw_promql_result *res, int64_t t,
                      mw_recorded *out, mw_err *err);
/* Markers for all of its series, which it forgets; the number. */
int mw_recorder_end(mw_recorder *r, mw_host *h, int64_t t, size_t *markers, mw_err *err);
/* TO is responsible for the series of FROM as well from now on. */
void mw_recorder_take(mw_recorder *to, mw_recorder *from);
size_t mw_recorder_series(const mw_recorder *r); /* remembered */

#endif
