/* hist.h - native histograms in evaluation: what the files that know numbers call.
 *
 * A step of a series holds a number or a histogram.  Files that compute numbers see a step with a
 * histogram as absent, and hand rows that have any to the functions below.  Rows without any
 * (series.h is NULL) never come here.  SPDX-License-Identifier: MIT */
#ifndef MW_PROMQL_HIST_H
#define MW_PROMQL_HIST_H
#include "model/nhist_math.h"
#include "promql/eval.h"

static inline const mw_nhist *mw_pq_h(const struct series *s, size_t step)
{
    return s->h ? s->h[step] : NULL;
}
static inline bool mw_pq_there(const struct series *s, size_t step)
{
    return !mw_pq_absent(s->v[step]) || mw_pq_h(s, step);
}

/* -- hist.c --------------------------------------------------------------------------------- */

/* The samples of a row of a subquery, whose steps E has, into S. */
void mw_pq_hist_subquery(struct ev *e, const struct series *row, struct samples *s);
/* Work of the run, of which there are three to be used at a time. */
mw_nwork *mw_pq_work(struct run *r, int which);
/* What W is now; throws when there is no room. */
const mw_nhist *mw_pq_take(struct ev *e, mw_nwork *w, bool compact);
void mw_pq_set_h(struct ev *e, struct series *s, size_t step, const mw_nhist *h);
void mw_pq_drop_h(struct vec *v); /* only numbers stay */
/* Steps with histograms get a number, too, so that they count as present; whether there are any. */
bool mw_pq_expose(struct ev *e, struct vec *v);
/* A histogram with the hint HINT. */
const mw_nhist *mw_pq_hinted(struct ev *e, const mw_nhist *h, mw_reset_hint hint);

/* Things to tell.  WHAT is a metric name or a word, as the text asks for. */
enum hist_note {
    HN_MIXED_RANGE,   /* floats and histograms of metric WHAT */
    HN_MIXED_GROUP,   /* floats and histograms in an aggregation */
    HN_MIXED_BUCKETS, /* exponential and custom buckets of metric WHAT */
    HN_MIXED_CLASSIC, /* classic and native histograms of metric WHAT */
    HN_NO_COUNTER,
    HN_NO_GAUGE,
    HN_IGNORED_RANGE,
    HN_IGNORED_GROUP, /* by aggregation WHAT */
    HN_COLLISION,     /* during WHAT */
    HN_RECONCILED,    /* during WHAT */
    HN_LAYOUT,        /* operator WHAT */
    HN_NAN_RESULT,
    HN_NAN_SKEW,
    HN_NAN_FRACTION
};
void mw_pq_hist_note(struct ev *e, const struct node *node, enum hist_note note, mw_str what);

/* The sum of N histograms, or their mean.  NULL: number *BAD has other buckets than those before,
 * which is for the caller to tell; all else is told here. */
const mw_nhist *mw_pq_hist_sum(struct ev *e, const struct node *node, const mw_nhist *const *h,
                               size_t n, bool mean, bool compact, size_t *bad);

/* -- hist_select.c -------------------------------------------------------------------------- */

/* The hint of histogram K of a series, for those who want to know whether it was reset. */
mw_reset_hint mw_pq_told_hint(const mw_nhist *const *h, size_t k);
/* A smoothed selector over a series with histograms; ROW has what its numbers alone give. */
bool mw_pq_smooth_histograms(struct ev *e, const struct node *n, const mw_series_view *view,
                             struct series *row);

/* -- hist_range.c, hist_rate.c -------------------------------------------------------------- */

/* S without its histograms. */
struct samples mw_pq_numbers_of(struct ev *e, const struct samples *s);
enum { PQ_HAS_NUMBERS = 1, PQ_HAS_HISTOGRAMS = 2 };
/* CALL over the windows of S, which has histograms.  ROW has what it makes of the numbers alone;
 * afterwards it is complete.  What it has then. */
unsigned mw_pq_hist_windows(struct ev *e, const struct node *call, const struct node *range,
                            const struct samples *s, struct series *row);

/* The name that all series of a selector have, or that of this one. */
mw_str mw_pq_range_name(const struct node *range, const struct samples *s); /* sweep.c */

/* One window. */
struct hwindow {
    struct ev *e;
    const struct node *range;
    const struct samples *s;
    size_t lo, hi; /* all that is in it; with more than the range when that is not plain */
    size_t n, n_numbers;
    const int64_t *t; /* of its N histograms */
    const mw_nhist *const *h;
    int64_t from, to;
    enum window_kind kind;
};
struct hanswer { /* v is first what the numbers alone gave */
    double v;
    const mw_nhist *h;
};
typedef void hist_window_fn(const struct hwindow *w, struct hanswer *a);
hist_window_fn mw_pq_hist_rate, mw_pq_hist_increase, mw_pq_hist_delta, mw_pq_hist_irate,
    mw_pq_hist_idelta;
mw_str mw_pq_window_name(const struct hwindow *w);
void mw_pq_window_note(const struct hwindow *w, enum hist_note note);

/* hist_extended.c: of ranges that are anchored or smoothed. */
void mw_pq_hist_extended(const struct hwindow *w, bool counter, bool per_second, struct hanswer *a);
/* B at T between A at T_A and B at T_B; NULL: they do not go together. */
const mw_nhist *mw_pq_hist_between(struct ev *e, const struct node *node, const mw_nhist *a,
                                   int64_t t_a, const mw_nhist *b, int64_t t_b, int64_t t,
                                   bool counter);

/* -- hist_fold.c ---------------------------------------------------------------------------- */

/* Rows with histograms, and the group of each. */
struct hist_rows {
    struct vec rows;
    size_t *of, cap;
};
void mw_pq_hist_row(struct ev *e, struct hist_rows *r, const struct series *s, size_t group);
/* The same of a row whose memory will go. */
void mw_pq_hist_row_copy(struct ev *e, struct hist_rows *r, const struct series *s, size_t group);
/* What they add to OUT, which has one row for each group, made of numbers alone. */
void mw_pq_hist_fold(struct ev *e, const struct node *n, const struct hist_rows *r,
                     struct vec *out);
/* For an aggregation that leaves histograms out: tells so if IN has any. */
void mw_pq_hist_ignored(struct ev *e, const struct node *n, const struct vec *in);

/* -- hist_binary.c -------------------------------------------------------------------------- */

struct operand {
    double v;
    const mw_nhist *h; /* not NULL: v does not count */
};
/* L op R of which one at least is a histogram, or should be; false: nothing comes of it. */
bool mw_pq_hist_operate(struct ev *e, const struct node *n, struct operand l, struct operand r,
                        struct operand *out);
void mw_pq_hist_scalar_row(struct ev *e, const struct node *n, struct series *s,
                           const double *number, bool swapped);
void mw_pq_hist_negate_row(struct ev *e, struct series *s);

/* -- hist_quantile.c ------------------------------------------------------------------------ */

/* One number of histogram H at STEP; *NOTE is told when it is set to something. */
typedef double hist_number_fn(const mw_nhist *h, size_t step, const void *arg, int *note);
void mw_pq_hist_numbers(struct ev *e, const struct vec *in, const struct node *node,
                        hist_number_fn *fn, const void *arg, struct vec *out);
hist_number_fn mw_pq_hist_quantile; /* arg: one quantile for each step */
hist_number_fn mw_pq_hist_fraction; /* arg: two arrays, of lower and upper ends */

#endif
