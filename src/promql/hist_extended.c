/* hist_extended.c - rate, increase and delta of histograms in anchored and smoothed ranges.
 *
 * An anchored range takes the last histogram at or before its start as that of the start; a
 * smoothed one interpolates at both of its ends.  SPDX-License-Identifier: MIT */
#include "promql/hist.h"

/* A plus B, or A minus B; NULL when they cannot be, and told. */
static const mw_nhist *add_or_subtract(struct ev *e, const struct node *node, mw_str name,
                                       const mw_nhist *a, const mw_nhist *b, bool minus)
{
    mw_nwork *work = mw_pq_work(e->run, 0);
    mw_nwork_set(work, a);
    unsigned met = minus ? mw_nwork_sub(work, b) : mw_nwork_add(work, b);
    if (met & MW_NHIST_MIXED) {
        mw_pq_hist_note(e, node, HN_MIXED_BUCKETS, name);
        return NULL;
    }
    if (met & MW_NHIST_RECONCILED)
        mw_pq_hist_note(e, node, HN_RECONCILED, minus ? MW_STR("subtraction") : MW_STR("addition"));
    return mw_pq_take(e, work, false);
}

const mw_nhist *mw_pq_hist_between(struct ev *e, const struct node *node, const mw_nhist *a,
                                   int64_t t_a, const mw_nhist *b, int64_t t_b, int64_t t,
                                   bool counter)
{
    mw_nwork *work = mw_pq_work(e->run, 0);
    double share = (double)(t - t_a) / (double)(t_b - t_a);
    if (t == t_a) return mw_pq_keep_histogram(e, a);
    if (t == t_b) return mw_pq_keep_histogram(e, b);
    if ((a->schema == MW_HIST_CUSTOM) != (b->schema == MW_HIST_CUSTOM)) return NULL;
    mw_nwork_set(work, b);
    unsigned met = 0;
    bool reset = counter && mw_nhist_was_reset(b, a);
    if (!reset) met = mw_nwork_sub(work, a);
    if (met & MW_NHIST_MIXED) return NULL;
    if (met & MW_NHIST_RECONCILED) mw_pq_hist_note(e, node, HN_RECONCILED, MW_STR("subtraction"));
    mw_nwork_scale(work, share);
    if (!reset && mw_nwork_add(work, a) & MW_NHIST_RECONCILED)
        mw_pq_hist_note(e, node, HN_RECONCILED, MW_STR("addition"));
    return mw_pq_take(e, work, false);
}

/* -- the histograms that count -------------------------------------------------------------- */

static bool bounds(const struct hwindow *w, size_t *first, size_t *last)
{
    size_t lo = 0, hi = w->n - 1;
    bool smooth = w->kind == WINDOW_SMOOTHED;
    while (lo < w->n - 1 && w->t[lo] <= w->from) lo++;
    *first = lo ? lo - 1 : 0;
    if (smooth)
        for (hi = 0; hi < w->n - 1 && w->t[hi] < w->to;) hi++;
    *last = hi;
    if (w->t[hi] <= w->from) return false;
    return !(smooth && w->t[*first] > w->to);
}

static bool check_range(const struct hwindow *w, size_t first, size_t last, bool counter)
{
    bool custom = w->h[first]->schema == MW_HIST_CUSTOM;
    for (size_t i = first; i <= last; i++) {
        if ((w->h[i]->schema == MW_HIST_CUSTOM) != custom) {
            mw_pq_window_note(w, HN_MIXED_BUCKETS);
            return false;
        }
        if (counter && w->h[i]->hint == MW_RESET_GAUGE) mw_pq_window_note(w, HN_NO_COUNTER);
    }
    return true;
}

static const mw_nhist *at_start(const struct hwindow *w, size_t first, bool counter)
{
    if (w->kind != WINDOW_SMOOTHED || w->t[first] >= w->from) return w->h[first];
    return mw_pq_hist_between(w->e, w->range, w->h[first], w->t[first], w->h[first + 1],
                              w->t[first + 1], w->from, counter);
}

static const mw_nhist *at_end(const struct hwindow *w, size_t last, bool counter)
{
    if (w->kind != WINDOW_SMOOTHED || !last || w->t[last] <= w->to) return w->h[last];
    return mw_pq_hist_between(w->e, w->range, w->h[last - 1], w->t[last - 1], w->h[last],
                              w->t[last], w->to, counter);
}

/* -- resets --------------------------------------------------------------------------------- */

/* SUM plus what the counter had whenever it was reset between FIRST and LAST; NULL: mixed. */
static const mw_nhist *with_resets(const struct hwindow *w, size_t first, size_t last,
                                   const mw_nhist *left, const mw_nhist *right,
                                   const mw_nhist *grown)
{
    const mw_nhist *before = left, *lost = NULL;
    mw_str name = mw_pq_window_name(w);
    size_t i = first + 1;
    if (w->kind == WINDOW_SMOOTHED && w->t[first] < w->from &&
        mw_nhist_was_reset(w->h[first + 1], w->h[first]))
        before = w->h[i++]; /* that reset is in what was interpolated */
    if (i > last) return grown;
    for (; i <= last; i++) {
        const mw_nhist *now = i < last ? w->h[i] : right;
        if (mw_nhist_was_reset(now, before)) {
            lost = lost ? add_or_subtract(w->e, w->range, name, lost, before, false) : before;
            if (!lost) return NULL;
        }
        before = now;
    }
    return lost ? add_or_subtract(w->e, w->range, name, grown, lost, false) : grown;
}

void mw_pq_hist_extended(const struct hwindow *w, bool counter, bool per_second, struct hanswer *a)
{
    size_t first, last;
    if (!bounds(w, &first, &last) || !check_range(w, first, last, counter)) return;
    const mw_nhist *left = at_start(w, first, counter), *right = at_end(w, last, counter);
    if (!left || !right) {
        mw_pq_window_note(w, HN_MIXED_BUCKETS);
        return;
    }
    if (!counter && (left->hint != MW_RESET_GAUGE || right->hint != MW_RESET_GAUGE))
        mw_pq_window_note(w, HN_NO_GAUGE);
    const mw_nhist *h = add_or_subtract(w->e, w->range, mw_pq_window_name(w), right, left, true);
    if (h && counter) h = with_resets(w, first, last, left, right, h);
    if (!h) return;
    mw_nwork *work = mw_pq_work(w->e->run, 0);
    mw_nwork_set(work, h);
    if (per_second) mw_nwork_divide(work, (double)(w->to - w->from) / 1000);
    mw_nwork_hint(work, MW_RESET_GAUGE);
    a->h = mw_pq_take(w->e, work, true);
}
