/* window.h - what a range function sees of one series.
 *
 * A function of plain ranges of floats may work on all steps at once (a sweep); every function can
 * be asked for one step (a window).
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
    bool closed;
    enum window_kind kind; /* not plain: n may be 0 and samples beyond the window count */
    const struct samples *all;
    size_t lo, hi;      /* the window in all */
    const double *args; /* scalars of the call at this step */
    double *scratch;    /* room for n values */
    struct run *run;
};

/* How rate and its kin stretch what the samples of a window show to its whole range. */
struct stretch {
    double factor;  /* of the growth; not a number: fewer than two samples */
    double sampled; /* seconds between the first and last sample */
    double reach;   /* seconds before the first sample, beyond which zero may lie unnoticed */
};

/* Where the windows of all steps begin and end in a series' samples.  Series that were scraped
 * together have the same times, and share it. */
struct frame {
    uint32_t *lo, *hi;       /* samples lo to hi - 1 are in the window; none: lo = hi */
    size_t total;            /* samples in all windows */
    struct stretch *stretch; /* of each step, once asked for */
    bool stretched;
    int64_t *t; /* what it was made for */
    size_t n, cap, left_out;
};

enum { PQ_FRAME_BITS = 6 };
struct frames { /* those that were needed lately, by hash of the times */
    struct frame *f[1 << PQ_FRAME_BITS];
};

struct sweep {
    const struct samples *s;
    struct frame *f;
    struct ev *ev;
    const struct node *range;
    const double *const *args; /* scalars of the call, each for all steps */
    double *scratch;           /* room for 5 n values */
};

/* extended.c: rate, increase and delta, and resets and changes, of ranges that are not plain. */
double mw_pq_extended(const struct window *w, bool counter, bool per_second);
double mw_pq_extended_count(const struct window *w, bool resets);

#endif
