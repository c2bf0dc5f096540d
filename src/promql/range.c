/* range.c - range selectors and subqueries as samples.
 *
 * Series come one after the other and are done with at once, so that a long range of many series
 * is never in memory as a whole.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/functions.h"
#include "promql/hist.h"
#include "promql/trace.h"

/* -- samples without stale markers ---------------------------------------------------------- */

struct buffer {
    int64_t *t;
    double *v;
    const mw_nhist **h;
    size_t cap;
};

static void reserve(struct ev *e, struct buffer *b, size_t n)
{
    if (n <= b->cap) return;
    b->cap = n < 64 ? 64 : n * 2;
    b->t = mw_pq_alloc(e->run, b->cap, sizeof *b->t);
    b->v = mw_pq_alloc(e->run, b->cap, sizeof *b->v);
    b->h = NULL;
}

static void with_histograms(struct ev *e, struct buffer *b, struct samples *s)
{
    size_t kept = 0;
    reserve(e, b, s->n);
    if (!b->h) b->h = mw_pq_alloc(e->run, b->cap, sizeof *b->h);
    for (size_t i = 0; i < s->n; i++)
        if (!mw_pq_absent(s->v[i])) {
            b->t[kept] = s->t[i];
            b->h[kept] = s->h[i];
            if (e->hints && s->h[i])
                b->h[kept] = mw_pq_hinted(e, s->h[i], mw_pq_told_hint(s->h, i));
            b->v[kept++] = s->h[i] ? mw_pq_none() : s->v[i];
        }
    *s = (struct samples){s->labels, s->nameless, b->t, b->v, kept, b->h, 0};
}

static void without_stale(struct ev *e, struct buffer *b, struct samples *s)
{
    size_t i = 0, kept;
    if (s->h) {
        with_histograms(e, b, s);
        return;
    }
    while (i < s->n && !mw_pq_absent(s->v[i])) i++;
    if (i == s->n) return;
    reserve(e, b, s->n);
    memcpy(b->t, s->t, i * sizeof *b->t);
    memcpy(b->v, s->v, i * sizeof *b->v);
    for (kept = i; i < s->n; i++)
        if (!mw_pq_absent(s->v[i])) b->t[kept] = s->t[i], b->v[kept++] = s->v[i];
    s->t = b->t;
    s->v = b->v;
    s->n = kept;
}

/* -- where samples come from ---------------------------------------------------------------- */

static void each_selected(struct ev *e, const struct node *n, const struct want *want,
                          pq_samples_fn *fn, void *arg)
{
    struct buffer b = {0};
    mw_series_view view;
    mw_pq_open(e, n, want);
    while (mw_pq_next_series(e, &view)) {
        struct samples s = {view.labels, false, view.t, view.v, view.n, view.h, view.left_out};
        without_stale(e, &b, &s);
        if (s.n) fn(e, &s, arg);
    }
}

static int64_t floor_to(int64_t t, int64_t step)
{
    int64_t rest = t % step;
    return t - rest - (rest < 0 ? step : 0);
}

static void each_of_subquery(struct ev *e, const struct node *n, pq_samples_fn *fn, void *arg)
{
    const struct when *w = &n->sel.when;
    struct ev inner = *e;
    struct buffer b = {0};
    int64_t from = mw_pq_time(e, w, 0) - w->range_ms, to = mw_pq_time(e, w, e->n - 1);
    inner.hints = false;
    inner.step = w->step_ms;
    inner.start = floor_to(from, inner.step);
    bool closed = e->run->opt->closed_ranges;
    if (inner.start < from || (inner.start == from && !closed)) inner.start += inner.step;
    if (inner.start > to) return;
    inner.n = (size_t)((to - inner.start) / inner.step) + 1;
    struct vec v = mw_pq_eval_vec(&inner, n->sel.sub);
    reserve(e, &b, inner.n);
    for (size_t i = 0; i < v.n; i++) {
        struct samples s = {v.s[i].labels, v.s[i].nameless, b.t, b.v, 0, NULL, 0};
        if (v.s[i].h) mw_pq_hist_subquery(&inner, &v.s[i], &s);
        for (size_t k = 0; !s.h && k < inner.n; k++) {
            if (mw_pq_absent(v.s[i].v[k])) continue;
            b.t[s.n] = inner.start + (int64_t)k * inner.step;
            b.v[s.n++] = v.s[i].v[k];
        }
        mw_pq_read(e->run, s.n);
        mw_pq_tick(e->run, inner.n);
        if (s.n) fn(e, &s, arg);
    }
}

void mw_pq_each_range_plain(struct ev *e, const struct node *n, const struct want *want,
                            pq_samples_fn *fn, void *arg)
{
    if (n->kind == N_SUBQUERY)
        each_of_subquery(e, n, fn, arg);
    else
        each_selected(e, n, want, fn, arg);
}

void mw_pq_each_range(struct ev *e, const struct node *n, const struct want *want,
                      pq_samples_fn *fn, void *arg)
{
    (e->run->trace ? mw_pq_traced_range : mw_pq_each_range_plain)(e, n, want, fn, arg);
}
