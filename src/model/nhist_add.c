/* nhist_add.c - one histogram added to another, or taken from it.
 *
 * Both are brought to what they have in common first: the lower resolution, the wider zero bucket,
 * or, with buckets of custom bounds, the bounds that both have.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "model/nhist_inside.h"

static void add_to(const mw_nwork *w, mw_ncount *n, double v)
{
    if (w->exact)
        mw_ncount_add(n, v);
    else
        n->v += v;
}

/* With what rounding had lost of it. */
static void add_whole(const mw_nwork *w, mw_ncount *n, mw_ncount v, double sign)
{
    add_to(w, n, sign * v.v);
    if (w->exact && v.c != 0) mw_ncount_add(n, sign * v.c);
}

/* -- hints ---------------------------------------------------------------------------------- */

/* A gauge makes a gauge, an unknown an unknown; reset and not reset contradict each other. */
static unsigned join_hints(mw_nwork *w, mw_reset_hint other)
{
    if (other == w->hint || w->hint == MW_RESET_GAUGE) return 0;
    if (other == MW_RESET_GAUGE) {
        w->hint = MW_RESET_GAUGE;
        return 0;
    }
    bool collision = w->hint != MW_RESET_UNKNOWN && other != MW_RESET_UNKNOWN;
    w->hint = MW_RESET_UNKNOWN;
    return collision ? MW_NHIST_COLLISION : 0;
}

/* -- zero buckets --------------------------------------------------------------------------- */

/* Grow *THRESHOLD over the bucket that it cuts, if that holds anything; whether it did. */
static bool cover(int schema, mw_nwalk walk, double *threshold, mw_ncount *all)
{
    while (mw_nwalk_next(&walk)) {
        if (mw_nbound(schema, walk.index - 1) >= *threshold) return false;
        mw_ncount_add(all, walk.count.v);
        mw_ncount_add(all, walk.count.c);
        double far = mw_nbound(schema, walk.index);
        if (far <= *threshold) continue;
        if (walk.count.v == 0) return false;
        *threshold = far;
        return true;
    }
    return false;
}

mw_ncount mw_nzero_within(int schema, mw_ncount zero, mw_nwalk pos, mw_nwalk neg, double *threshold)
{
    mw_ncount all;
    do {
        all = zero;
        cover(schema, pos, threshold, &all);
    } while (cover(schema, neg, threshold, &all));
    return all;
}

/* Buckets that the zero bucket has swallowed, and empty ones, go. */
static void trim_side(mw_nwork *w, mw_nside *s)
{
    size_t kept = 0, i = 0;
    while (i < s->n && mw_nbound(w->schema, s->index[i] - 1) < w->zero_threshold) i++;
    for (; i < s->n; i++) {
        if (s->count[i].v == 0 && s->count[i].c == 0) continue;
        s->index[kept] = s->index[i];
        s->count[kept++] = s->count[i];
    }
    s->n = kept;
}

/* Gives W and H the same zero bucket; what of H is in it. */
static mw_ncount reconcile_zero(mw_nwork *w, const mw_nhist *h)
{
    mw_ncount zero = {h->zero_count, 0};
    double threshold = h->zero_threshold;
    while (threshold != w->zero_threshold) {
        if (threshold < w->zero_threshold) {
            threshold = w->zero_threshold;
            zero =
                mw_nzero_within(h->schema, (mw_ncount){h->zero_count, 0},
                                mw_nwalk_spans(&h->pos, 0), mw_nwalk_spans(&h->neg, 0), &threshold);
        }
        if (threshold > w->zero_threshold) {
            w->zero_threshold = threshold;
            w->zero = mw_nzero_within(w->schema, w->zero, mw_nwalk_side(&w->pos),
                                      mw_nwalk_side(&w->neg), &w->zero_threshold);
            if (!w->exact) w->zero.c = 0;
            trim_side(w, &w->pos);
            trim_side(w, &w->neg);
        }
    }
    if (!w->exact) zero.c = 0;
    return zero;
}

/* -- buckets -------------------------------------------------------------------------------- */

/* WALK with the buckets left out that the zero bucket of W covers. */
static bool next_beyond_zero(const mw_nwork *w, mw_nwalk *walk, bool *beyond)
{
    while (mw_nwalk_next(walk)) {
        *beyond = *beyond || mw_nbound(w->schema, walk->index) > w->zero_threshold;
        if (*beyond) return true;
    }
    return false;
}

static size_t missing(const mw_nwork *w, const mw_nside *s, mw_nwalk walk)
{
    bool beyond = w->schema == MW_HIST_CUSTOM;
    size_t found = 0, i = 0;
    while (next_beyond_zero(w, &walk, &beyond)) {
        while (i < s->n && s->index[i] < walk.index) i++;
        found += i == s->n || s->index[i] != walk.index;
    }
    return found;
}

static void merge_in_place(mw_nwork *w, mw_nside *s, mw_nwalk walk, double sign)
{
    bool beyond = w->schema == MW_HIST_CUSTOM;
    size_t i = 0;
    while (next_beyond_zero(w, &walk, &beyond)) {
        while (s->index[i] < walk.index) i++;
        add_whole(w, &s->count[i], walk.count, sign);
    }
}

static void move(mw_nside *to, const mw_nside *from, size_t i)
{
    to->index[to->n] = from->index[i];
    to->count[to->n++] = from->count[i];
}

static void merge_side(mw_nwork *w, mw_nside *s, mw_nwalk walk, double sign)
{
    bool beyond = w->schema == MW_HIST_CUSTOM;
    size_t added = missing(w, s, walk), i = 0;
    if (!added) {
        merge_in_place(w, s, walk, sign);
        return;
    }
    mw_nside *out = &w->spare;
    out->n = 0;
    if (!mw_nside_room(w, out, s->n + added)) return;
    while (next_beyond_zero(w, &walk, &beyond)) {
        while (i < s->n && s->index[i] < walk.index) move(out, s, i++);
        if (i < s->n && s->index[i] == walk.index) {
            move(out, s, i++);
            add_whole(w, &out->count[out->n - 1], walk.count, sign);
            continue;
        }
        out->index[out->n] = walk.index;
        out->count[out->n++] = (mw_ncount){sign * walk.count.v, w->exact ? sign * walk.count.c : 0};
    }
    while (i < s->n) move(out, s, i++);
    mw_nside old = *s;
    *s = *out;
    *out = old;
}

/* -- custom bounds -------------------------------------------------------------------------- */

/* Bounds that A and B have in common, in the arena. */
static bool common_bounds(mw_nwork *w, const mw_nhist *h, double **out, uint32_t *n)
{
    uint32_t least = w->n_custom < h->n_custom ? w->n_custom : h->n_custom;
    *n = 0;
    *out = mw_arena_array(w->arena, least + 1, sizeof **out);
    if (!*out) return w->spoilt = true, false;
    for (uint32_t i = 0, j = 0; i < w->n_custom && j < h->n_custom;) {
        if (w->custom[i] == h->custom[j]) {
            (*out)[(*n)++] = w->custom[i];
            i++, j++;
        } else
            w->custom[i] < h->custom[j] ? i++ : j++;
    }
    return true;
}

/* Each bucket of WALK into that one of the wider buckets which it lies in. */
static void pour(mw_nside *to, const double *bounds, uint32_t n, mw_nwalk walk,
                 const double *from_bounds, uint32_t n_from, double sign)
{
    uint32_t at = 0;
    while (mw_nwalk_next(&walk)) {
        bool last = walk.index < 0 || walk.index >= (int64_t)n_from;
        while (!last && at < n && bounds[at] < from_bounds[walk.index]) at++;
        mw_ncount *cell = &to->count[last ? n : at];
        mw_ncount_add(cell, sign * walk.count.v);
        if (walk.count.c != 0) mw_ncount_add(cell, sign * walk.count.c);
    }
}

static void merge_by_bounds(mw_nwork *w, const mw_nhist *h, double sign)
{
    double *bounds;
    uint32_t n;
    mw_nside *out = &w->spare;
    out->n = 0;
    if (!common_bounds(w, h, &bounds, &n) || !mw_nside_room(w, out, (size_t)n + 1)) return;
    out->n = (size_t)n + 1;
    memset(out->count, 0, out->n * sizeof *out->count);
    pour(out, bounds, n, mw_nwalk_side(&w->pos), w->custom, w->n_custom, 1);
    pour(out, bounds, n, mw_nwalk_spans(&h->pos, 0), h->custom, h->n_custom, sign);
    size_t kept = 0;
    for (size_t i = 0; i < out->n; i++) {
        if (out->count[i].v == 0 && out->count[i].c == 0) continue;
        out->index[kept] = (int64_t)i;
        out->count[kept++] = (mw_ncount){out->count[i].v, w->exact ? out->count[i].c : 0};
    }
    out->n = kept;
    mw_nside old = w->pos;
    w->pos = *out;
    *out = old;
    w->custom = bounds;
    w->n_custom = n;
}

static bool same_bounds(const mw_nwork *w, const mw_nhist *h)
{
    if (w->n_custom != h->n_custom) return false;
    if (w->custom == h->custom) return true;
    for (uint32_t i = 0; i < h->n_custom; i++)
        if (w->custom[i] != h->custom[i]) return false;
    return true;
}

/* -- both ----------------------------------------------------------------------------------- */

static void combine_exponential(mw_nwork *w, const mw_nhist *h, double sign)
{
    add_whole(w, &w->zero, reconcile_zero(w, h), sign);
    mw_nwork_reduce(w, h->schema);
    int shift = h->schema - w->schema;
    merge_side(w, &w->pos, mw_nwalk_spans(&h->pos, shift), sign);
    merge_side(w, &w->neg, mw_nwalk_spans(&h->neg, shift), sign);
}

static unsigned combine(mw_nwork *w, const mw_nhist *h, double sign)
{
    bool custom = w->schema == MW_HIST_CUSTOM;
    if (w->spoilt) return 0;
    if (custom != (h->schema == MW_HIST_CUSTOM)) return MW_NHIST_MIXED;
    unsigned met = join_hints(w, h->hint);
    add_to(w, &w->count, sign * h->count);
    add_to(w, &w->sum, sign * h->sum);
    if (!custom) {
        combine_exponential(w, h, sign);
        return met;
    }
    if (same_bounds(w, h)) {
        merge_side(w, &w->pos, mw_nwalk_spans(&h->pos, 0), sign);
        return met;
    }
    merge_by_bounds(w, h, sign);
    return met | MW_NHIST_RECONCILED;
}

unsigned mw_nwork_add(mw_nwork *w, const mw_nhist *h) { return combine(w, h, 1); }
unsigned mw_nwork_sub(mw_nwork *w, const mw_nhist *h) { return combine(w, h, -1); }

unsigned mw_nwork_sum(mw_nwork *w, const mw_nhist *h)
{
    w->exact = true;
    return combine(w, h, 1);
}
