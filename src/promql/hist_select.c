/* hist_select.c - histograms that selectors give: their hints, and those between two samples.
 * SPDX-License-Identifier: MIT */
#include "promql/hist.h"

mw_reset_hint mw_pq_told_hint(const mw_nhist *const *h, size_t k)
{
    if (h[k]->hint != MW_RESET_UNKNOWN) return h[k]->hint;
    for (size_t i = k; i-- > 0;)
        if (h[i] && !mw_nhist_is_stale(h[i]))
            return mw_nhist_was_reset(h[k], h[i]) ? MW_RESET_YES : MW_RESET_NO;
    return MW_RESET_UNKNOWN;
}

/* -- smoothed selectors --------------------------------------------------------------------- */

/* What lies around one step, as far as the look-back reaches. */
struct around {
    size_t before, after; /* nearest samples, plus one; 0: none */
    bool numbers, histograms;
};

static struct around look_around(const struct ev *e, const mw_series_view *s, int64_t t, size_t *lo)
{
    struct around a = {0};
    while (*lo < s->n && s->t[*lo] <= t - e->lookback) ++*lo;
    size_t i = *lo;
    for (; i < s->n && s->t[i] <= t + e->lookback; i++) {
        if (mw_pq_absent(s->v[i])) continue;
        *(s->h[i] ? &a.histograms : &a.numbers) = true;
        if (s->t[i] < t) a.before = i + 1;
        if (s->t[i] >= t && !a.after) a.after = i + 1;
    }
    mw_pq_tick(e->run, i - *lo);
    return a;
}

/* Labels may be few, or none at all. */
static mw_str name_of(const struct node *n, const mw_series_view *s)
{
    struct samples labels = {.labels = s->labels};
    return mw_pq_range_name(n, &labels);
}

static const mw_nhist *smooth(struct ev *e, const struct node *n, const mw_series_view *s,
                              const struct around *a, int64_t t)
{
    if (a->after && s->t[a->after - 1] == t) return mw_pq_keep_histogram(e, s->h[a->after - 1]);
    if (!a->before) return NULL;
    const mw_nhist *x = s->h[a->before - 1];
    if (!a->after) return mw_pq_hinted(e, mw_pq_keep_histogram(e, x), MW_RESET_UNKNOWN);
    const mw_nhist *y = s->h[a->after - 1];
    bool counter = x->hint != MW_RESET_GAUGE || y->hint != MW_RESET_GAUGE;
    const mw_nhist *h =
        mw_pq_hist_between(e, n, x, s->t[a->before - 1], y, s->t[a->after - 1], t, counter);
    if (!h) mw_pq_hist_note(e, n, HN_MIXED_BUCKETS, name_of(n, s));
    return h;
}

bool mw_pq_smooth_histograms(struct ev *e, const struct node *n, const mw_series_view *view,
                             struct series *row)
{
    size_t lo = 0;
    bool any = false;
    for (size_t k = 0; k < e->n; k++) {
        int64_t t = mw_pq_time(e, &n->sel.when, k);
        struct around a = look_around(e, view, t, &lo);
        if (a.histograms) row->v[k] = mw_pq_none();
        if (a.histograms && a.numbers)
            mw_pq_hist_note(e, n, HN_MIXED_RANGE, name_of(n, view));
        else if (a.histograms)
            mw_pq_set_h(e, row, k, smooth(e, n, view, &a, t));
        any |= mw_pq_there(row, k);
    }
    return any;
}
