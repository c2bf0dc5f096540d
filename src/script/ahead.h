/* ahead.h - instant queries over data that does not change, answered out of range queries.
 *
 * Rules over stored data ask the same expression at one moment after the other, at equal distances.
 * Whoever was asked twice at the same distance is evaluated for many moments to come in one go; a
 * range query gives at each step what an instant query gives there.  Not for expressions that read
 * series which change while the rules run, or that say something about their own range: those are
 * asked moment by moment, as are those that fail, so that each moment fails for itself.
 * For one thread at a time.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_AHEAD_H
#define MW_SCRIPT_AHEAD_H
#include "script/host.h"

typedef struct mw_ahead mw_ahead;
typedef struct mw_ahead_item mw_ahead_item; /* of one expression; lives as its mw_ahead */

/* CHANGING: names of metrics that change, N of them, copied.  UNTIL: no moment after it is asked.
 * BESIDE: a thread of its own makes windows before they are wanted, out of the store of this host,
 * borrowed; NULL: nobody does. */
mw_ahead *mw_ahead_new(const mw_str *changing, size_t n, int64_t until, mw_host *beside);
void mw_ahead_free(mw_ahead *a);         /* NULL is fine */
uint64_t mw_ahead_id(const mw_ahead *a); /* no other has had it */

/* What is known of EXPR, with HISTOGRAMS in its rows or not; ABOVE and BELOW are for
 * mw_ahead_is_quiet, NaN when not given.  NULL: A is, EXPR is no expression, or there are too many
 * of them. */
mw_ahead_item *mw_ahead_find(mw_ahead *a, mw_str expr, bool histograms, double above, double below);
/* The instant query at T.  The rows are good until the next question about the same item. */
mw_promql_result *mw_ahead_at(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t, mw_err *err);
/* Does it give nothing at T, or nothing beyond its bounds?  False when it fails. */
bool mw_ahead_is_quiet(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t);

typedef struct mw_ahead_stats {
    uint64_t ranges, steps; /* range queries, and the moments that they were for */
    uint64_t instants;      /* moments that were asked by themselves */
} mw_ahead_stats;
void mw_ahead_stats_read(const mw_ahead *a, mw_ahead_stats *out);

#endif
