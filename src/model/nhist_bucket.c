/* nhist_bucket.c - where buckets begin and end, and walks along them.
 *
 * Bucket I of schema S ends at 2^(I * 2^-S); one with bounds of its own at bound I.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "model/nhist_inside.h"

/* -- bounds --------------------------------------------------------------------------------- */

/* 2^(2^-n), and the first one bit lower, as in the table of bounds that Prometheus prints from:
 * products of these are its numbers to the last digit, which exp2 is not. */
static const double roots[MW_HIST_SCHEMA_MAX] = {
    0x1.6a09e667f3bccp+0, 0x1.306fe0a31b715p+0, 0x1.172b83c7d517bp+0, 0x1.0b5586cf9890fp+0,
    0x1.059b0d3158574p+0, 0x1.02c9a3e778061p+0, 0x1.0163da9fb3335p+0, 0x1.00b1afa5abcbfp+0};

double mw_nbound(int schema, int64_t index)
{
    int64_t steps = schema > 0 ? (int64_t)1 << schema : 1;
    int64_t part = index & (steps - 1); /* of one doubling */
    int64_t doublings = schema < 0 ? index * ((int64_t)1 << -schema) : (index - part) / steps;
    double bound = 1;
    if (part == 0 && doublings == DBL_MAX_EXP) return DBL_MAX; /* the last one for numbers */
    if (doublings > DBL_MAX_EXP) return INFINITY;
    if (doublings < 2 * DBL_MIN_EXP) return 0;
    for (int n = 0; n < schema; n++)
        if (part >> (schema - 1 - n) & 1) bound *= roots[n];
    return ldexp(bound, (int)doublings);
}

double mw_nhist_bound(const mw_nhist *h, int64_t index)
{
    if (h->schema != MW_HIST_CUSTOM) return mw_nbound(h->schema, index);
    if (index < 0) return -INFINITY;
    return index < (int64_t)h->n_custom ? h->custom[index] : INFINITY;
}

int64_t mw_nindex_coarser(int64_t index, int shift) { return ((index - 1) >> shift) + 1; }

/* -- one side, away from zero --------------------------------------------------------------- */

mw_nwalk mw_nwalk_spans(const mw_hside *s, int shift)
{
    return (mw_nwalk){.spans = s, .shift = shift, .raw = s->n_spans ? s->spans[0].offset : 0};
}

mw_nwalk mw_nwalk_side(const mw_nside *s) { return (mw_nwalk){.side = s}; }

static bool read_one(mw_nwalk *w, int64_t *index, mw_ncount *count)
{
    if (w->side) {
        if (w->at == w->side->n) return false;
        *index = w->side->index[w->at];
        *count = w->side->count[w->at++];
        return true;
    }
    const mw_hside *s = w->spans;
    if (w->at >= s->n_counts) return false;
    while (w->span < s->n_spans && w->in_span >= s->spans[w->span].length) {
        w->in_span = 0;
        if (++w->span < s->n_spans) w->raw += s->spans[w->span].offset;
    }
    if (w->span >= s->n_spans) return false;
    w->in_span++;
    *index = w->shift ? mw_nindex_coarser(w->raw, w->shift) : w->raw;
    w->raw++;
    *count = (mw_ncount){s->counts[w->at++], 0};
    return true;
}

bool mw_nwalk_next(mw_nwalk *w)
{
    if (!w->shift) return read_one(w, &w->index, &w->count);
    if (!w->ahead && !read_one(w, &w->ahead_index, &w->ahead_count)) return false;
    w->index = w->ahead_index;
    w->count = w->ahead_count;
    while ((w->ahead = read_one(w, &w->ahead_index, &w->ahead_count))) {
        if (w->ahead_index != w->index) break;
        mw_ncount_add(&w->count, w->ahead_count.v);
    }
    return true;
}

/* -- all of them ---------------------------------------------------------------------------- */

static const mw_hside *side_of(const mw_nbuckets *b)
{
    return b->sign < 0 ? &b->h->neg : &b->h->pos;
}

/* The far end of a side, or its near one. */
static void enter(mw_nbuckets *b, int sign, bool from_far)
{
    b->sign = sign;
    const mw_hside *s = side_of(b);
    b->index = 0;
    b->span = b->left = b->at = 0;
    if (!from_far) return;
    for (uint32_t i = 0; i < s->n_spans; i++)
        b->index += (int64_t)s->spans[i].offset + s->spans[i].length;
    b->span = s->n_spans;
    b->at = s->n_counts;
}

void mw_nbuckets_init(mw_nbuckets *b, const mw_nhist *h, bool down)
{
    *b = (mw_nbuckets){.h = h, .down = down};
    enter(b, down ? 1 : -1, true);
}

static bool towards_zero(mw_nbuckets *b)
{
    const mw_hside *s = side_of(b);
    while (!b->left) {
        if (!b->span || !b->at) return false;
        if (b->span < s->n_spans) b->index -= s->spans[b->span].offset;
        b->left = s->spans[--b->span].length;
    }
    if (!b->at) return false;
    b->left--;
    b->index--;
    b->count = s->counts[--b->at];
    return true;
}

/* Here the index is one beyond the bucket that was given last. */
static bool away_from_zero(mw_nbuckets *b)
{
    const mw_hside *s = side_of(b);
    while (!b->left) {
        if (b->span == s->n_spans) return false;
        b->index += s->spans[b->span].offset;
        b->left = s->spans[b->span++].length;
    }
    if (b->at == s->n_counts) return false;
    b->left--;
    b->index++;
    b->count = s->counts[b->at++];
    return true;
}

bool mw_nbuckets_next(mw_nbuckets *b)
{
    if (b->stage == 0) {
        if (towards_zero(b)) return true;
        b->stage = 1;
        if (b->h->zero_count > 0) {
            b->sign = 0;
            b->count = b->h->zero_count;
            return true;
        }
    }
    if (b->stage == 1) {
        b->stage = 2;
        enter(b, b->down ? -1 : 1, false);
    }
    return away_from_zero(b);
}

void mw_nbuckets_bounds(const mw_nbuckets *b, double *lower, double *upper)
{
    double zero = b->h->zero_threshold;
    if (!b->sign) {
        *lower = -zero;
        *upper = zero;
        return;
    }
    int64_t index = b->stage == 2 ? b->index - 1 : b->index;
    double near = mw_nhist_bound(b->h, index - 1), far = mw_nhist_bound(b->h, index);
    *lower = b->sign < 0 ? -far : near;
    *upper = b->sign < 0 ? -near : far;
    if (*upper < 0 && *upper > -zero) *upper = -zero;
    if (*lower > 0 && *lower < zero) *lower = zero;
}
