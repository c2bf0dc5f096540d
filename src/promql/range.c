/* range.c - range selectors and subqueries as samples, and functions over sliding windows.
 *
 * Series come one after the other and are done with at once, so that a long range of many series
 * is never in memory as a whole.  Both ends of the window only move forward.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "promql/functions.h"
#include "promql/window.h"

/* -- samples without stale markers, and without histograms for those who do not take them ---- */

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
            b->v[kept++] = s->h[i] ? mw_pq_none() : s->v[i];
        }
    *s = (struct samples){s->labels, s->nameless, b->t, b->v, kept, b->h};
}

static void without_histograms(struct ev *e, struct buffer *b, struct samples *s)
{
    size_t kept = 0;
    reserve(e, b, s->n);
    for (size_t i = 0; i < s->n; i++)
        if (!s->h[i] && !mw_pq_absent(s->v[i])) b->t[kept] = s->t[i], b->v[kept++] = s->v[i];
    *s = (struct samples){s->labels, s->nameless, b->t, b->v, kept, NULL};
}

static void without_stale(struct ev *e, struct buffer *b, struct samples *s)
{
    size_t i = 0, kept;
    if (s->h) {
        (e->histograms ? with_histograms : without_histograms)(e, b, s);
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

static void each_selected(struct ev *e, const struct node *n, pq_samples_fn *fn, void *arg)
{
    const struct when *w = &n->sel.when;
    struct buffer b = {0};
    mw_series_view view;
    int64_t open = e->run->opt->closed_ranges ? 0 : 1;
    int64_t before = n->sel.window ? e->lookback : 0;
    int64_t after = n->sel.window == WINDOW_SMOOTHED ? e->lookback : 0;
    mw_pq_open(e, n, mw_pq_time(e, w, 0) - w->range_ms - before + open,
               mw_pq_time(e, w, e->n - 1) + after);
    while (mw_pq_next_series(e, &view)) {
        struct samples s = {view.labels, false, view.t, view.v, view.n, view.h};
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
    inner.histograms = false;
    inner.step = w->step_ms;
    inner.start = floor_to(from, inner.step);
    bool closed = e->run->opt->closed_ranges;
    if (inner.start < from || (inner.start == from && !closed)) inner.start += inner.step;
    if (inner.start > to) return;
    inner.n = (size_t)((to - inner.start) / inner.step) + 1;
    struct vec v = mw_pq_eval_vec(&inner, n->sel.sub);
    reserve(e, &b, inner.n);
    for (size_t i = 0; i < v.n; i++) {
        struct samples s = {v.s[i].labels, v.s[i].nameless, b.t, b.v, 0, NULL};
        for (size_t k = 0; k < inner.n; k++) {
            if (mw_pq_absent(v.s[i].v[k])) continue;
            b.t[s.n] = inner.start + (int64_t)k * inner.step;
            b.v[s.n++] = v.s[i].v[k];
        }
        mw_pq_read(e->run, s.n);
        if (s.n) fn(e, &s, arg);
    }
}

void mw_pq_each_range(struct ev *e, const struct node *n, pq_samples_fn *fn, void *arg)
{
    if (n->kind == N_SUBQUERY)
        each_of_subquery(e, n, fn, arg);
    else
        each_selected(e, n, fn, arg);
}

/* -- functions over windows ----------------------------------------------------------------- */

enum { SCALARS_MAX = 4 };

struct call {
    const struct node *node, *range;
    const struct function *fn;
    const double *scalars[SCALARS_MAX];
    size_t n_scalars;
    double *row, *scratch;
    size_t scratch_cap;
    struct vec out;
    bool typed; /* some series has a type or a unit */
};

/* The samples of S in (from, to], whose ends LO and HI are moved forward to. */
static void slide(const struct samples *s, const struct window *w, size_t *lo, size_t *hi)
{
    while (*hi < s->n && s->t[*hi] <= w->to) ++*hi;
    while (*lo < *hi && (w->closed ? s->t[*lo] < w->from : s->t[*lo] <= w->from)) ++*lo;
}

static bool has_resets(const struct samples *s)
{
    for (size_t i = 1; i < s->n; i++)
        if (s->v[i] < s->v[i - 1]) return true;
    return false;
}

static bool ends_in(mw_str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.n >= n && !memcmp(s.p + s.n - n, suffix, n);
}

static void note_counter(struct ev *e, const struct call *c, const struct samples *s)
{
    static const char *const suffixes[] = {"_total", "_sum", "_count", "_bucket"};
    mw_str name = mw_labels_find(s->labels, MW_METRIC_NAME);
    if (!name.n || (s->nameless && e->run->names_go)) return;
    for (size_t i = 0; i < 4; i++)
        if (ends_in(name, suffixes[i])) return;
    mw_pq_note(e->run, PQ_INFO, c->range,
               "PromQL info: metric might not be a counter, name does not end in "
               "_total/_sum/_count/_bucket: \"%.*s\"",
               MW_STR_ARG(name));
}

static void note_quantile(struct ev *e, const struct call *c, const double *q)
{
    struct ev one = *e;
    one.n = 1;
    if (!(*q >= 0 && *q <= 1)) mw_pq_note_quantile(&one, c->node->call.args[0], q);
}

static void one_series(struct ev *e, const struct samples *s, void *arg)
{
    struct call *c = arg;
    const struct when *when = &c->range->sel.when;
    double args[SCALARS_MAX];
    size_t lo = 0, hi = 0;
    bool any = false;
    if (!c->row) c->row = mw_pq_row(e);
    if (c->scratch_cap < s->n)
        c->scratch = mw_pq_alloc(e->run, c->scratch_cap = s->n * 2, sizeof *c->scratch);
    struct window w = {.args = args, .scratch = c->scratch, .run = e->run};
    w.closed = e->run->opt->closed_ranges;
    w.range = when->range_ms;
    w.lookback = e->lookback;
    w.resets = (c->fn->flags & FN_COUNTER) && has_resets(s);
    w.kind = c->range->kind == N_SELECTOR ? c->range->sel.window : WINDOW_PLAIN;
    w.all = s;
    for (size_t i = 0; i < e->n; i++) {
        w.to = mw_pq_time(e, when, i);
        w.from = w.to - w.range;
        w.now = e->start + (int64_t)i * e->step;
        slide(s, &w, &lo, &hi);
        if (lo == hi && !w.kind) continue;
        w.lo = lo, w.hi = hi;
        w.t = s->t + lo, w.v = s->v + lo, w.n = hi - lo;
        for (size_t k = 0; k < c->n_scalars; k++) args[k] = c->scalars[k][i];
        c->row[i] = c->fn->window(&w);
        if (c->fn->flags & FN_QUANTILE) note_quantile(e, c, args);
        any |= !mw_pq_absent(c->row[i]);
        mw_pq_tick(e->run, w.n + 1);
    }
    if (!any) return;
    if (c->fn->flags & FN_COUNTER) note_counter(e, c, s);
    c->typed |= mw_pq_has_type(s->labels);
    mw_pq_add_row(e, &c->out, mw_pq_keep(e, s->labels), c->row);
    c->out.s[c->out.n - 1].nameless = s->nameless || !(c->fn->flags & FN_KEEPS_NAME);
    c->row = NULL;
}

struct value mw_pq_call_window(struct ev *e, const struct node *call)
{
    struct call c = {.node = call, .fn = call->call.fn};
    for (size_t i = 0; i < call->call.n_args; i++) {
        const struct node *arg = call->call.args[i];
        if (arg->type == MW_VALUE_MATRIX)
            c.range = arg;
        else
            c.scalars[c.n_scalars++] = mw_pq_eval_scalar(e, arg);
    }
    mw_pq_each_range(e, c.range, one_series, &c);
    c.out.distinct = c.range->kind == N_SELECTOR && mw_pq_one_name(c.range) && !c.typed;
    mw_pq_merge(e, &c.out, true);
    return mw_pq_vector(c.out);
}
