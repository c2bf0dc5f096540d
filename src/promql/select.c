/* select.c - instant selectors: one fetch for all steps, then one walk along each series.
 *
 * The index of the newest sample at or before a step only moves forward.  A stale marker there, or
 * nothing within the look-back, leaves the step without a value.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "promql/hist.h"
#include "promql/trace.h"

int64_t mw_pq_time(const struct ev *e, const struct when *w, size_t step)
{
    int64_t t = mw_pq_stays(w) ? w->at_ms : e->start + (int64_t)step * e->step;
    return t - w->offset_ms;
}

bool mw_pq_one_name(const struct node *sel)
{
    for (size_t i = 0; i < sel->sel.n_matchers; i++)
        if (sel->sel.matchers[i].op == MW_MATCH_EQ &&
            mw_str_is(sel->sel.matchers[i].name, MW_METRIC_NAME))
            return true;
    return false;
}

/* The first and last time that the steps look at. */
static void looked_at(struct ev *e, const struct node *n, mw_select *sel)
{
    const struct when *w = &n->sel.when;
    int64_t open = e->run->opt->closed_ranges ? 0 : 1;
    int64_t back = n->sel.ranged ? w->range_ms : e->lookback;
    int64_t before = n->sel.ranged && n->sel.window ? e->lookback : 0;
    int64_t after = n->sel.window == WINDOW_SMOOTHED ? e->lookback : 0;
    sel->min_t = mw_pq_time(e, w, 0) - back - before + open;
    sel->max_t = mw_pq_time(e, w, e->n - 1) + after;
    if (w->hides && w->until < sel->max_t) sel->max_t = w->until;
    sel->newest = !n->sel.ranged && e->n == 1 && !after && !e->hints;
}

/* The selection that N makes, for the range it looks at. */
static mw_select selection_of(struct ev *e, const struct node *n, const struct want *want)
{
    mw_select sel = {.matchers = n->sel.matchers,
                     .n = n->sel.n_matchers,
                     .keep = want ? want->keep : NULL,
                     .later = want && want->later,
                     .digest = want ? want->digest : MW_DIGEST_NONE,
                     .arena = e->run->arena,
                     .cancel = e->run->query->cancel};
    looked_at(e, n, &sel);
    return sel;
}

void mw_pq_open(struct ev *e, const struct node *n, const struct want *want)
{
    struct run *r = e->run;
    if (r->given && r->given_to == n) {
        r->open = r->given;
        r->given = NULL;
        return;
    }
    mw_select sel = selection_of(e, n, want);
    int rc = r->source->select(r->source, &sel, &r->open, r->err);
    if (rc != MW_OK) r->open = NULL, mw_pq_throw(r, rc, "%s", mw_code_text(rc));
    if (r->trace) mw_pq_trace_open(r, n, &sel);
}

bool mw_pq_next_series(struct ev *e, mw_series_view *out)
{
    struct run *r = e->run;
    int rc = r->open->next(r->open, out, r->err);
    if (rc < 0) mw_pq_throw(r, rc, "%s", mw_code_text(rc));
    if (rc == 0) {
        r->open->close(r->open);
        r->open = NULL;
        return false;
    }
    mw_pq_read(r, out->n + 1);
    if (r->trace) r->trace->series++;
    return true;
}

/* -- histograms ----------------------------------------------------------------------------- */

static const void *copy_of(struct ev *e, const void *p, size_t n, size_t size)
{
    if (!n) return NULL;
    void *copy = mw_pq_alloc(e->run, n, size);
    memcpy(copy, p, n * size);
    return copy;
}

static mw_hside side_of(struct ev *e, const mw_hside *s)
{
    return (mw_hside){copy_of(e, s->spans, s->n_spans, sizeof *s->spans),
                      copy_of(e, s->counts, s->n_counts, sizeof *s->counts), s->n_spans,
                      s->n_counts};
}

const mw_nhist *mw_pq_keep_histogram(struct ev *e, const mw_nhist *h)
{
    mw_nhist *copy = mw_pq_alloc(e->run, 1, sizeof *copy);
    *copy = *h;
    copy->pos = side_of(e, &h->pos);
    copy->neg = side_of(e, &h->neg);
    copy->custom = copy_of(e, h->custom, h->n_custom, sizeof *h->custom);
    return copy;
}

/* The histogram of sample K of S, at STEP; neighbours that look at the same sample share it. */
struct kept {
    const mw_nhist **row;
    size_t k;
    const mw_nhist *h;
};

static void keep_at(struct ev *e, struct kept *kept, const mw_series_view *s, size_t k, size_t step)
{
    if (!kept->row) {
        kept->row = mw_pq_alloc(e->run, e->n, sizeof *kept->row);
        memset(kept->row, 0, e->n * sizeof *kept->row);
    }
    if (!kept->h || kept->k != k) kept->h = mw_pq_keep_histogram(e, s->h[k]);
    if (e->hints && kept->k != k) kept->h = mw_pq_hinted(e, kept->h, mw_pq_told_hint(s->h, k));
    kept->k = k;
    kept->row[step] = kept->h;
}

static bool is_float(const mw_series_view *s, size_t k)
{
    return !(s->h && s->h[k]) && !mw_pq_absent(s->v[k]);
}

/* -- walks ---------------------------------------------------------------------------------- */

/* Fill ROW, or HISTOGRAMS, from one series; whether any step got a value. */
static bool walk(struct ev *e, const struct when *w, const mw_series_view *s, bool timestamps,
                 double *row, struct kept *histograms)
{
    bool any = false;
    int64_t back = e->lookback - (e->run->opt->closed_ranges ? 0 : 1);
    for (size_t i = 0, k = 0; i < e->n; i++) {
        int64_t t = mw_pq_time(e, w, i);
        while (k < s->n && s->t[k] <= t) k++;
        if (!k || s->t[k - 1] < t - back || mw_pq_absent(s->v[k - 1])) continue;
        if (timestamps)
            row[i] = (double)s->t[k - 1] / 1000;
        else if (is_float(s, k - 1))
            row[i] = s->v[k - 1];
        else
            keep_at(e, histograms, s, k - 1, i);
        any = true;
    }
    return any;
}

/* Interpolate between the samples around each step; the last one is carried on. */
static bool walk_smoothed(struct ev *e, const struct when *w, const mw_series_view *s, double *row)
{
    bool any = false;
    for (size_t i = 0, k = 0; i < e->n; i++) {
        int64_t t = mw_pq_time(e, w, i);
        while (k < s->n && s->t[k] <= t) k++;
        size_t a = k, b = k; /* the nearest samples that are values */
        while (a > 0 && !is_float(s, a - 1)) a--;
        while (b < s->n && !is_float(s, b)) b++;
        mw_pq_tick(e->run, b - a);
        if (!a || s->t[a - 1] <= t - e->lookback) continue;
        double v = s->v[a - 1];
        if (s->t[a - 1] < t && b < s->n && s->t[b] <= t + e->lookback)
            v += (s->v[b] - v) * (double)(t - s->t[a - 1]) / (double)(s->t[b] - s->t[a - 1]);
        row[i] = v;
        any = true;
    }
    return any;
}

void mw_pq_select_rows_plain(struct ev *e, const struct node *n, const struct want *want,
                             bool timestamps, pq_row_fn *fn, void *arg)
{
    const struct when *w = &n->sel.when;
    mw_series_view s;
    bool smoothed = n->sel.window == WINDOW_SMOOTHED && !timestamps;
    double *row = mw_pq_row(e);
    mw_pq_open(e, n, want);
    while (mw_pq_next_series(e, &s)) {
        struct kept kept = {.k = SIZE_MAX};
        mw_pq_tick(e->run, e->n);
        bool any = smoothed ? walk_smoothed(e, w, &s, row) : walk(e, w, &s, timestamps, row, &kept);
        struct series out = {.labels = s.labels, .v = row, .h = kept.row};
        if (smoothed && s.h) any = mw_pq_smooth_histograms(e, n, &s, &out);
        if (!any) continue;
        fn(e, &out, arg);
        mw_pq_clear_row(e, row);
    }
}

void mw_pq_select_rows(struct ev *e, const struct node *n, const struct want *want, bool timestamps,
                       pq_row_fn *fn, void *arg)
{
    (e->run->trace ? mw_pq_traced_select : mw_pq_select_rows_plain)(e, n, want, timestamps, fn,
                                                                    arg);
}
