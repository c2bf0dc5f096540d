/* window.h - what a range function sees of one series at one step.
 * SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_WINDOW_H
#define MW_PROMQL_WINDOW_H
#include "promql/eval.h"

struct window {
    const int64_t *t;
    const double *v;
    size_t n;
    int64_t from, to; /* the range asked for, milliseconds */
    int64_t now;      /* time of evaluation */
    int64_t range, lookback;
    bool closed, resets;   /* resets: the series has some (counter functions) */
    enum window_kind kind; /* not plain: n may be 0 and samples beyond the window count */
    const struct samples *all;
    size_t lo, hi;      /* the window in all */
    const double *args; /* scalars of the call at this step */
    double *scratch;    /* room for n values */
    struct run *run;
};

/* extended.c: rate, increase and delta, and resets and changes, of ranges that are not plain. */
double mw_pq_extended(const struct window *w, bool counter, bool per_second);
double mw_pq_extended_count(const struct window *w, bool resets);

#endif
