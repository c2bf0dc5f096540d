/* nhist_reset.c - is one histogram the continuation of another, or equal to it?
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "model/nhist_inside.h"
#include "model/sample.h"

/* -- equality ------------------------------------------------------------------------------- */

static bool same_bits(double a, double b) { return mw_double_bits(a) == mw_double_bits(b); }

bool mw_nhist_same_bounds(const mw_nhist *a, const mw_nhist *b)
{
    if (a->n_custom != b->n_custom) return false;
    if (a->custom == b->custom) return true;
    for (uint32_t i = 0; i < a->n_custom; i++)
        if (!same_bits(a->custom[i], b->custom[i])) return false;
    return true;
}

static bool next_filled(mw_nwalk *w)
{
    while (mw_nwalk_next(w))
        if (w->count.v != 0) return true;
    return false;
}

static bool same_side(const mw_hside *a, const mw_hside *b)
{
    mw_nwalk x = mw_nwalk_spans(a, 0), y = mw_nwalk_spans(b, 0);
    for (;;) {
        bool more = next_filled(&x);
        if (next_filled(&y) != more) return false;
        if (!more) return true;
        if (x.index != y.index || !same_bits(x.count.v, y.count.v)) return false;
    }
}

bool mw_nhist_equal(const mw_nhist *a, const mw_nhist *b)
{
    if (a->schema != b->schema || !same_bits(a->count, b->count) || !same_bits(a->sum, b->sum))
        return false;
    if (a->schema == MW_HIST_CUSTOM && !mw_nhist_same_bounds(a, b)) return false;
    return a->zero_threshold == b->zero_threshold && same_bits(a->zero_count, b->zero_count) &&
           same_side(&a->neg, &b->neg) && same_side(&a->pos, &b->pos);
}

/* -- counter resets ------------------------------------------------------------------------- */

static bool next_above(mw_nwalk *w, int schema, double threshold)
{
    while (mw_nwalk_next(w))
        if (schema == MW_HIST_CUSTOM || threshold == 0 || mw_nbound(schema, w->index) > threshold)
            return true;
    return false;
}

/* Does some bucket of OLD, beyond THRESHOLD, hold more than the same one of NOW? */
static bool side_fell(const mw_hside *now, const mw_hside *old, int schema, int shift,
                      double threshold)
{
    mw_nwalk n = mw_nwalk_spans(now, 0), o = mw_nwalk_spans(old, shift);
    bool more = next_above(&n, schema, threshold);
    while (next_above(&o, schema, threshold)) {
        while (more && n.index < o.index) more = mw_nwalk_next(&n);
        bool there = more && n.index == o.index;
        if (there ? n.count.v < o.count.v : o.count.v != 0) return true;
    }
    return false;
}

/* What W counts up to BOUND, from where it was left. */
struct rollup {
    mw_nwalk walk;
    const mw_nhist *h;
    bool started, more;
};

static double up_to(struct rollup *r, double bound)
{
    double sum = 0;
    if (!r->started) r->more = mw_nwalk_next(&r->walk);
    r->started = true;
    while (r->more && mw_nhist_bound(r->h, r->walk.index) <= bound) {
        sum += r->walk.count.v;
        r->more = mw_nwalk_next(&r->walk);
    }
    return sum;
}

/* Compared between the bounds that both have. */
static bool fell_between_bounds(const mw_nhist *h, const mw_nhist *before)
{
    struct rollup now = {.walk = mw_nwalk_spans(&h->pos, 0), .h = h};
    struct rollup old = {.walk = mw_nwalk_spans(&before->pos, 0), .h = before};
    for (uint32_t i = 0, j = 0; i <= h->n_custom && j <= before->n_custom;) {
        double a = mw_nhist_bound(h, i), b = mw_nhist_bound(before, j);
        if (a != b) {
            a < b ? i++ : j++;
            continue;
        }
        if (up_to(&now, a) < up_to(&old, a)) return true;
        i++, j++;
    }
    return false;
}

static bool exponential_fell(const mw_nhist *h, const mw_nhist *before)
{
    int shift = before->schema - h->schema;
    double threshold = h->zero_threshold, old_zero = before->zero_count;
    if (shift < 0 || threshold < before->zero_threshold) return true;
    if (threshold != before->zero_threshold) {
        mw_ncount all = mw_nzero_within(before->schema, (mw_ncount){old_zero, 0},
                                        mw_nwalk_spans(&before->pos, 0),
                                        mw_nwalk_spans(&before->neg, 0), &threshold);
        if (threshold != h->zero_threshold) return true;
        old_zero = all.v;
    }
    if (h->zero_count < old_zero) return true;
    return side_fell(&h->pos, &before->pos, h->schema, shift, threshold) ||
           side_fell(&h->neg, &before->neg, h->schema, shift, threshold);
}

bool mw_nhist_was_reset(const mw_nhist *h, const mw_nhist *before)
{
    if (h->hint == MW_RESET_YES || h->hint == MW_RESET_NO) return h->hint == MW_RESET_YES;
    if (h->count < before->count) return true;
    bool custom = h->schema == MW_HIST_CUSTOM;
    if (custom != (before->schema == MW_HIST_CUSTOM)) return true;
    if (!custom) return exponential_fell(h, before);
    if (!mw_nhist_same_bounds(h, before)) return fell_between_bounds(h, before);
    return side_fell(&h->pos, &before->pos, MW_HIST_CUSTOM, 0, 0);
}
