/* nhist_quantile.c - quantiles, fractions and spread of one native histogram.
 *
 * Within a bucket observations are taken to lie evenly: on a logarithmic scale, but on a linear one
 * in the zero bucket and in buckets with bounds of their own.  The zero bucket of a histogram
 * without negative buckets begins at zero, and the other way round.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "model/nhist_inside.h"

struct place { /* one bucket */
    double lower, upper, count;
};

static bool is_custom(const mw_nhist *h) { return h->schema == MW_HIST_CUSTOM; }

static void half_of_zero(const mw_nhist *h, struct place *p)
{
    if (!h->neg.n_counts && h->pos.n_counts)
        p->lower = 0;
    else if (!h->pos.n_counts && h->neg.n_counts)
        p->upper = 0;
}

static double share_below(const struct place *p, double v, bool linear)
{
    if (linear) return (v - p->lower) / (p->upper - p->lower);
    double low = log2(fabs(p->lower)), high = log2(fabs(p->upper)), at = log2(fabs(v));
    return v > 0 ? (at - low) / (high - low) : 1 - (at - high) / (low - high);
}

/* -- quantile ------------------------------------------------------------------------------- */

static double within(const mw_nhist *h, const struct place *p, double share)
{
    if (is_custom(h) || (p->lower <= 0 && p->upper >= 0))
        return p->lower + (p->upper - p->lower) * share;
    double low = log2(fabs(p->lower)), high = log2(fabs(p->upper));
    if (p->lower > 0) return exp2(low + (high - low) * share);
    return -exp2(high + (low - high) * (1 - share));
}

/* Walks until RANK observations are passed; their number. */
static double walk_to(mw_nbuckets *b, double rank, struct place *p)
{
    double passed = 0;
    bool any = false;
    while (mw_nbuckets_next(b)) {
        any = true;
        passed += b->count;
        if (b->count != 0 && passed >= rank) break;
    }
    if (any) mw_nbuckets_bounds(b, &p->lower, &p->upper);
    p->count = b->count;
    return passed;
}

/* All that is in buckets; observations of NaN are counted, but in none. */
static double rest_of(mw_nbuckets *b, double passed)
{
    while (mw_nbuckets_next(b)) passed += b->count;
    return passed;
}

double mw_nhist_quantile(double q, const mw_nhist *h, unsigned *notes)
{
    struct place p = {0, 0, 0};
    mw_nbuckets b;
    *notes = 0;
    if (q < 0) return -INFINITY;
    if (q > 1) return INFINITY;
    if (h->count == 0 || isnan(q)) return NAN;
    bool nans = isnan(h->sum), up = nans || q < 0.5;
    double rank = (up ? q : 1 - q) * h->count;
    mw_nbuckets_init(&b, h, !up);
    double passed = walk_to(&b, rank, &p);
    if (!is_custom(h) && p.lower < 0 && p.upper > 0) half_of_zero(h, &p);
    if (is_custom(h) && p.lower == -INFINITY) {
        if (p.upper <= 0) return p.upper;
        p.lower = 0;
    } else if (is_custom(h) && p.upper == INFINITY) {
        return p.lower;
    }
    if (passed > h->count) passed = h->count;
    if (passed < rank) {
        *notes = nans ? MW_NHIST_NAN_RESULT : 0;
        return nans ? NAN : p.upper;
    }
    rank = up ? rank - (passed - p.count) : passed - rank;
    if (nans && rest_of(&b, passed) < h->count) *notes = MW_NHIST_NAN_SKEW;
    return within(h, &p, rank / p.count);
}

/* -- fraction ------------------------------------------------------------------------------- */

struct limit { /* one end of the interval, and how many observations are below it */
    double at, rank;
    bool found;
};

static void look(struct limit *l, const struct place *p, double below, bool linear)
{
    if (l->found || (p->lower < l->at && !(p->upper > l->at))) return;
    if (p->lower >= l->at)
        l->rank = below;
    else if (linear && p->lower == -INFINITY)
        l->rank = p->count;
    else
        l->rank = below + p->count * share_below(p, l->at, linear);
    l->found = true;
}

double mw_nhist_fraction(double lower, double upper, const mw_nhist *h, unsigned *notes)
{
    struct limit low = {.at = lower}, high = {.at = upper};
    double below = 0, seen = 0;
    mw_nbuckets b;
    *notes = 0;
    if (h->count == 0 || isnan(lower) || isnan(upper)) return NAN;
    if (lower >= upper) return 0;
    mw_nbuckets_init(&b, h, false);
    while (!(low.found && high.found) && mw_nbuckets_next(&b)) {
        struct place p = {.count = b.count};
        mw_nbuckets_bounds(&b, &p.lower, &p.upper);
        seen += p.count;
        bool zero = p.lower <= 0 && p.upper >= 0;
        if (zero) half_of_zero(h, &p);
        look(&low, &p, below, is_custom(h) || zero);
        look(&high, &p, below, is_custom(h) || zero);
        below += p.count;
    }
    double all = h->count;
    if (isnan(h->sum)) {
        all = rest_of(&b, seen);
        if (all < h->count) *notes = MW_NHIST_NAN_SKEW;
    }
    if (!low.found || low.rank > all) low.rank = all;
    if (!high.found || high.rank > all) high.rank = all;
    return (high.rank - low.rank) / h->count;
}

/* -- spread --------------------------------------------------------------------------------- */

/* Where the observations of a bucket are taken to be. */
static double middle(const mw_nhist *h, double lower, double upper)
{
    if (is_custom(h)) return (upper + lower) / 2;
    if (lower <= 0 && upper >= 0) return 0;
    return upper < 0 ? -sqrt(upper * lower) : sqrt(upper * lower);
}

double mw_nhist_variance(const mw_nhist *h)
{
    double mean = h->sum / h->count, lower, upper;
    mw_ncount all = {0, 0};
    mw_nbuckets b;
    mw_nbuckets_init(&b, h, false);
    while (mw_nbuckets_next(&b)) {
        if (b.count == 0) continue;
        mw_nbuckets_bounds(&b, &lower, &upper);
        double away = middle(h, lower, upper) - mean;
        mw_ncount_add(&all, b.count * away * away);
    }
    return (all.v + all.c) / h->count;
}
