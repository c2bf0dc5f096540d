/* fold.h - rows folded into one per group: sum, avg, min, max, count, group, stddev, stdvar.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_FOLD_H
#define MW_PROMQL_FOLD_H
#include "promql/hist.h"

/* What is known of one group, one entry per step.  Only what its kind needs is there. */
struct acc {
    double
        *v; /* the sum, the mean once it is kept as such, the extreme or the count; absent: none */
    double *c; /* what rounding took from v */
    double *n; /* rows so far */
    struct spread *spread;
    bool nameless; /* some row lost its name, which shows at the end */
};

struct fold_kind;
struct fold {
    struct ev *ev;
    const struct fold_kind *kind;
    struct grouper *groups;
    struct acc *acc; /* of each group */
    size_t cap;
    struct hist_rows histograms;
};

const struct fold_kind *mw_pq_fold_kind(enum tok op,
                                        bool version_2); /* NULL: no aggregation of this kind */
struct fold *mw_pq_fold(struct ev *e, const struct fold_kind *kind, const struct grouping *by);
void mw_pq_fold_row(struct ev *e, struct series *s, void *fold); /* a pq_row_fn */
/* What FROM, of other rows, came to; its memory may go afterwards. */
void mw_pq_fold_merge(struct fold *f, const struct fold *from);
struct vec mw_pq_fold_rows(struct fold *f);

#endif
