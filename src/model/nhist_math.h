/* nhist_math.h - computing with native histograms, as Prometheus 3 does.
 *
 * Histograms themselves never change; what is computed grows in an mw_nwork, which is set anew as
 * often as one likes and keeps its room.  All of it is in an arena: when that is full the work is
 * spoilt, further calls do nothing and mw_nwork_take answers NULL.
 * Source: prometheus/prometheus model/histogram/float_histogram.go, promql/quantile.go.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_NHIST_MATH_H
#define MW_MODEL_NHIST_MATH_H
#include "model/nhist.h"

/* -- buckets (nhist_bucket.c) --------------------------------------------------------------- */

double mw_nhist_bound(const mw_nhist *h, int64_t index); /* upper one of positive bucket INDEX */

/* Every bucket from the lowest to the highest, or down; the zero bucket only with a count above 0.
 * Buckets that the zero bucket reaches into begin where it ends. */
typedef struct mw_nbuckets {
    const mw_nhist *h;
    bool down;
    int stage, sign; /* sign of what it is at: -1, 0, 1 */
    uint32_t span, left, at;
    int64_t index;
    double count; /* of what it is at */
} mw_nbuckets;
void mw_nbuckets_init(mw_nbuckets *b, const mw_nhist *h, bool down);
bool mw_nbuckets_next(mw_nbuckets *b);
void mw_nbuckets_bounds(const mw_nbuckets *b, double *lower, double *upper);

/* -- what a histogram says (nhist_quantile.c) ----------------------------------------------- */

/* Things to tell about an answer: observations of NaN took part and spoilt or shifted it. */
enum { MW_NHIST_NAN_RESULT = 1, MW_NHIST_NAN_SKEW = 2 };
double mw_nhist_quantile(double q, const mw_nhist *h, unsigned *notes);
double mw_nhist_fraction(double lower, double upper, const mw_nhist *h, unsigned *notes);
double mw_nhist_variance(const mw_nhist *h);

/* -- two histograms (nhist_reset.c) --------------------------------------------------------- */

/* Did the counter start anew between BEFORE and H?  H's hint answers when it has one. */
bool mw_nhist_was_reset(const mw_nhist *h, const mw_nhist *before);
/* The same to the last bit; neither hints nor empty buckets matter. */
bool mw_nhist_equal(const mw_nhist *a, const mw_nhist *b);
bool mw_nhist_same_bounds(const mw_nhist *a, const mw_nhist *b); /* of custom buckets */

/* -- arithmetic (nhist_work.c, nhist_add.c, nhist_trim.c) ----------------------------------- */

typedef struct mw_nwork mw_nwork;

/* What an addition met on its way. */
enum {
    MW_NHIST_MIXED = 1,     /* custom and exponential buckets: nothing was added */
    MW_NHIST_COLLISION = 2, /* one says that the counter was reset, the other that it was not */
    MW_NHIST_RECONCILED = 4 /* custom bounds differed: those of both were kept */
};

mw_nwork *mw_nwork_new(mw_arena *a); /* NULL: full */
/* W becomes H.  The bounds of custom buckets are borrowed from H. */
void mw_nwork_set(mw_nwork *w, const mw_nhist *h);
void mw_nwork_copy(mw_nwork *w, const mw_nwork *from);
unsigned mw_nwork_add(mw_nwork *w, const mw_nhist *h);
unsigned mw_nwork_sub(mw_nwork *w, const mw_nhist *h);
unsigned mw_nwork_sum(mw_nwork *w, const mw_nhist *h); /* add, and keep what rounding lost */
void mw_nwork_scale(mw_nwork *w, double factor);
void mw_nwork_divide(mw_nwork *w, double by);
void mw_nwork_reduce(mw_nwork *w, int schema); /* to a lower resolution, if it is one */
/* Cut off what is ABOVE AT, or else below; whether anything was. */
bool mw_nwork_trim(mw_nwork *w, double at, bool above);
void mw_nwork_hint(mw_nwork *w, mw_reset_hint hint);
bool mw_nwork_overflows(const mw_nwork *w); /* some number is infinite */
double mw_nwork_count(const mw_nwork *w);
/* What W is now, in ARENA; without its empty buckets when COMPACT.  NULL: no room. */
const mw_nhist *mw_nwork_take(mw_nwork *w, mw_arena *arena, bool compact);

#endif
