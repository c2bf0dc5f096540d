/* nhist_trim.c - a histogram without what lies above or below a value.
 *
 * A bucket that the value cuts keeps the share that lies on the kept side.  Once anything went, the
 * count is that of the buckets left, and the sum is estimated from their middles.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "model/nhist_inside.h"

struct trim {
    double at, count, sum; /* count and sum of what is left */
    bool above, custom, cut, some[2];
};

struct piece {
    double lower, upper, count;
};

static double unless_infinite(double v) { return isinf(v) ? 0 : v; }

/* Where the observations between two bounds are taken to be. */
static double middle(const struct trim *t, double lower, double upper, bool positive)
{
    if (isinf(lower)) {
        if (isinf(upper)) return 0;
        return upper > 0 ? upper / 2 : upper;
    }
    if (isinf(upper)) return lower;
    if (t->custom) return (lower + upper) / 2;
    double mean = sqrt(fabs(lower * upper));
    return positive ? mean : -mean;
}

static double share_below(const struct trim *t, const struct piece *p)
{
    if (t->at <= p->lower) return 0;
    if (t->at >= p->upper) return 1;
    if (t->custom) return (t->at - p->lower) / (p->upper - p->lower);
    double low = log2(fabs(p->lower)), high = log2(fabs(p->upper)), v = log2(fabs(t->at));
    return t->at > 0 ? (v - low) / (high - low) : 1 - (v - high) / (low - high);
}

/* -- cut buckets ---------------------------------------------------------------------------- */

/* Without a lower bound: observations are taken to be positive when the upper one is. */
static double keep_from_below(const struct trim *t, const struct piece *p, double *at)
{
    double v = t->at, upper = p->upper;
    *at = 0;
    if (t->above) {
        if (v >= upper) return p->count;
        if (v > 0 && upper > 0 && !isinf(upper)) return *at = v / 2, p->count * v / upper;
        if (upper <= 0) return *at = v, p->count;
    } else {
        if (v <= p->lower) return p->count;
        if (v >= 0 && upper > v && !isinf(upper))
            return *at = (v + upper) / 2, p->count * (1 - v / upper);
    }
    *at = unless_infinite(upper);
    return 0;
}

/* Without an upper bound: all of them are taken to be above. */
static double keep_from_above(const struct trim *t, const struct piece *p, double *at)
{
    if (!t->above && t->at >= p->lower) return *at = t->at, p->count;
    *at = unless_infinite(p->lower);
    return 0;
}

/* What is kept of a bucket that the value cuts, and where it is taken to be. */
static double keep_part(const struct trim *t, const struct piece *p, bool positive, double *at)
{
    if (isinf(p->lower) && p->lower < 0) return keep_from_below(t, p, at);
    if (isinf(p->upper)) return keep_from_above(t, p, at);
    double under = p->count * share_below(t, p);
    *at = t->above ? middle(t, p->lower, t->at, positive) : middle(t, t->at, p->upper, positive);
    return t->above ? under : p->count - under;
}

/* -- sides ---------------------------------------------------------------------------------- */

static double trim_bucket(struct trim *t, const struct piece *p, bool positive)
{
    bool whole = t->above ? p->upper <= t->at : p->lower >= t->at;
    bool part = t->above ? p->lower < t->at : p->upper > t->at;
    double at = 0, kept = 0;
    if (whole)
        kept = p->count, at = middle(t, p->lower, p->upper, positive);
    else if (part)
        kept = keep_part(t, p, positive, &at);
    if (kept != p->count || (!whole && !part)) t->cut = true;
    if (whole || part) t->count += kept, t->sum += at * kept;
    return kept;
}

static void trim_side(mw_nwork *w, mw_nside *s, struct trim *t, bool positive)
{
    const mw_nhist shape = {
        .schema = (int8_t)w->schema, .custom = w->custom, .n_custom = w->n_custom};
    for (size_t i = 0; i < s->n; i++) {
        double near = mw_nhist_bound(&shape, s->index[i] - 1);
        double far = mw_nhist_bound(&shape, s->index[i]);
        struct piece p = {positive ? near : -far, positive ? far : -near, s->count[i].v};
        if (p.count == 0) continue;
        t->some[positive] = true;
        s->count[i].v = trim_bucket(t, &p, positive);
    }
}

/* -- the zero bucket ------------------------------------------------------------------------ */

static void trim_zero(mw_nwork *w, struct trim *t)
{
    double lower = -w->zero_threshold, upper = w->zero_threshold, share, at;
    if (t->some[false] && !t->some[true]) upper = 0;
    if (t->some[true] && !t->some[false]) lower = 0;
    if (t->above ? t->at >= upper && t->at > lower : t->at <= lower)
        share = 1, at = (lower + upper) / 2;
    else if (t->above ? t->at <= lower : t->at >= upper)
        share = 0, at = 0;
    else if (t->above)
        share = (t->at - lower) / (upper - lower), at = (lower + t->at) / 2;
    else
        share = (upper - t->at) / (upper - lower), at = (t->at + upper) / 2;
    double kept = w->zero.v * share;
    if (kept != w->zero.v) t->cut = true;
    w->zero.v = kept;
    t->sum += at * kept;
    t->count += kept;
}

bool mw_nwork_trim(mw_nwork *w, double at, bool above)
{
    struct trim t = {.at = at, .above = above, .custom = w->schema == MW_HIST_CUSTOM};
    trim_side(w, &w->pos, &t, true);
    trim_side(w, &w->neg, &t, false);
    if (w->zero.v > 0) trim_zero(w, &t);
    if (!t.cut) return false;
    w->count = (mw_ncount){t.count, 0};
    w->sum = (mw_ncount){t.sum, 0};
    return true;
}
