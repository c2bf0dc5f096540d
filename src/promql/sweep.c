/* sweep.c - functions over windows that slide along a series.
 *
 * Both ends of a window only move forward.  Where they lie is found once for all series that have
 * the same times.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/functions.h"
#include "promql/hist.h"
#include "promql/window.h"

/* -- frames --------------------------------------------------------------------------------- */

static struct frame **seat_of(struct frames *known, const struct samples *s)
{
    uint64_t key = (uint64_t)s->t[0] * 31 + (uint64_t)s->t[s->n - 1];
    return &known->f[(key + s->n) * 0x9e3779b97f4a7c15u >> (64 - PQ_FRAME_BITS)];
}

static struct frame *new_frame(struct ev *e)
{
    struct frame *f = mw_pq_alloc(e->run, 1, sizeof *f);
    *f = (struct frame){.lo = mw_pq_alloc(e->run, e->n, sizeof *f->lo),
                        .hi = mw_pq_alloc(e->run, e->n, sizeof *f->hi)};
    return f;
}

static void remember(struct ev *e, struct frame *f, const struct samples *s)
{
    if (f->cap < s->n) {
        f->cap = s->n + s->n / 4;
        f->t = mw_pq_alloc(e->run, f->cap, sizeof *f->t);
    }
    memcpy(f->t, s->t, s->n * sizeof *f->t);
    f->n = s->n;
    f->left_out = s->left_out;
    f->stretched = false;
}

/* The frame of S for the windows of RANGE; good until the next one is asked for. */
static struct frame *frame_of(struct ev *e, struct frames *known, const struct node *range,
                              const struct samples *s)
{
    struct frame **seat = seat_of(known, s), *f = *seat;
    const struct when *w = &range->sel.when;
    if (f && f->n == s->n && f->left_out == s->left_out && !memcmp(f->t, s->t, s->n * sizeof *s->t))
        return f;
    if (!f) f = *seat = new_frame(e);
    remember(e, f, s);
    f->total = 0;
    int64_t to = mw_pq_time(e, w, 0), by = mw_pq_stays(w) ? 0 : e->step;
    int64_t length = w->range_ms - (e->run->opt->closed_ranges ? 0 : 1);
    for (uint32_t i = 0, lo = 0, hi = 0; i < e->n; i++, to += by) {
        while (hi < s->n && s->t[hi] <= to) hi++;
        while (lo < hi && s->t[lo] < to - length) lo++;
        f->lo[i] = lo;
        f->hi[i] = hi;
        f->total += hi - lo;
    }
    mw_pq_tick(e->run, e->n + s->n);
    return f;
}

/* -- one series after the other ------------------------------------------------------------- */

enum { SCALARS_MAX = 4 };

struct call {
    const struct node *node, *range;
    const struct function *fn;
    const double *scalars[SCALARS_MAX];
    size_t n_scalars;
    double *row, *scratch;
    size_t scratch_cap;
    struct frames frames;
    struct frame *frame; /* of the series at hand */
    mw_str said;         /* the name that was noted last */
    pq_row_fn *give;
    void *arg;
};

static bool ends_in(mw_str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.n >= n && !memcmp(s.p + s.n - n, suffix, n);
}

mw_str mw_pq_range_name(const struct node *range, const struct samples *s)
{
    for (size_t i = 0; range->kind == N_SELECTOR && i < range->sel.n_matchers; i++) {
        const mw_matcher *m = &range->sel.matchers[i];
        if (m->op == MW_MATCH_EQ && mw_str_is(m->name, MW_METRIC_NAME)) return m->value;
    }
    return s->labels && !s->nameless ? mw_labels_find(s->labels, MW_METRIC_NAME) : MW_STR("");
}

static void note_counter(struct ev *e, struct call *c, const struct samples *s)
{
    static const char *const suffixes[] = {"_total", "_sum", "_count", "_bucket"};
    mw_str name = mw_pq_range_name(c->range, s);
    if (!name.n || (name.p == c->said.p && name.n == c->said.n)) return;
    c->said = name;
    for (size_t i = 0; i < 4; i++)
        if (ends_in(name, suffixes[i])) return;
    mw_pq_note(e->run, PQ_INFO, c->range,
               "PromQL info: metric might not be a counter, name does not end in "
               "_total/_sum/_count/_bucket: \"%.*s\"",
               MW_STR_ARG(name));
}

/* At the steps that have samples. */
static void note_quantiles(struct ev *e, const struct call *c)
{
    struct ev one = *e;
    one.n = 1;
    for (size_t i = 0; i < e->n; i++) {
        const double *q = &c->scalars[0][i];
        if (*q >= 0 && *q <= 1) continue;
        if (c->frame->lo[i] < c->frame->hi[i]) mw_pq_note_quantile(&one, c->node->call.args[0], q);
    }
}

/* Step by step, for functions and ranges that know no other way. */
static void by_windows(struct ev *e, struct call *c, const struct samples *s)
{
    const struct when *when = &c->range->sel.when;
    const struct frame *f = c->frame;
    double args[SCALARS_MAX];
    struct window w = {.args = args, .scratch = c->scratch, .run = e->run, .all = s};
    w.closed = e->run->opt->closed_ranges;
    w.range = when->range_ms;
    w.lookback = e->lookback;
    w.kind = c->range->kind == N_SELECTOR ? c->range->sel.window : WINDOW_PLAIN;
    for (size_t i = 0; i < e->n; i++) {
        w.lo = f->lo[i], w.hi = f->hi[i];
        if (w.lo == w.hi && !w.kind) continue;
        w.to = mw_pq_time(e, when, i);
        w.from = w.to - w.range;
        w.now = e->start + (int64_t)i * e->step;
        w.t = s->t + w.lo, w.v = s->v + w.lo, w.n = w.hi - w.lo;
        for (size_t k = 0; k < c->n_scalars; k++) args[k] = c->scalars[k][i];
        c->row[i] = c->fn->window(&w);
        mw_pq_tick(e->run, w.n + 1);
    }
}

static bool any_value(const double *row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!mw_pq_absent(row[i])) return true;
    return false;
}

/* What the function makes of numbers at each step; whether it is anything. */
static bool fill_row(struct ev *e, struct call *c, const struct samples *s)
{
    bool plain = c->range->kind != N_SELECTOR || !c->range->sel.window;
    c->frame = frame_of(e, &c->frames, c->range, s);
    if (c->scratch_cap < s->n)
        c->scratch = mw_pq_alloc(e->run, c->scratch_cap = s->n * 2, 5 * sizeof *c->scratch);
    if (c->fn->sweep && plain) {
        struct sweep w = {s, c->frame, e, c->range, c->scalars, c->scratch};
        c->fn->sweep(&w, c->row);
        if (c->fn->flags & FN_QUANTILE) note_quantiles(e, c);
        mw_pq_tick(e->run, e->n);
    } else
        by_windows(e, c, s);
    return any_value(c->row, e->n);
}

static void one_series(struct ev *e, const struct samples *s, void *arg)
{
    struct call *c = arg;
    bool nameless = s->nameless || !(c->fn->flags & FN_KEEPS_NAME);
    struct series out = {.labels = s->labels, .v = c->row, .nameless = nameless};
    unsigned has;
    if (s->h) {
        struct samples numbers = mw_pq_numbers_of(e, s);
        if (numbers.n) fill_row(e, c, &numbers);
        has = mw_pq_hist_windows(e, c->node, c->range, s, &out);
    } else
        has = fill_row(e, c, s) ? PQ_HAS_NUMBERS : 0;
    if (!has) return;
    if (c->fn->flags & FN_COUNTER && has & PQ_HAS_NUMBERS) note_counter(e, c, s);
    c->give(e, &out, c->arg);
    mw_pq_clear_row(e, c->row);
}

void mw_pq_window_rows(struct ev *e, const struct node *call, const struct want *want,
                       pq_row_fn *fn, void *arg)
{
    struct call c = {.node = call, .fn = call->call.fn, .give = fn, .arg = arg};
    for (size_t i = 0; i < call->call.n_args; i++) {
        const struct node *a = call->call.args[i];
        if (a->type == MW_VALUE_MATRIX)
            c.range = a;
        else
            c.scalars[c.n_scalars++] = mw_pq_eval_scalar(e, a);
    }
    c.row = mw_pq_row(e);
    struct want wanted = want ? *want : (struct want){.keep = NULL};
    bool once = e->n == 1 && c.range->kind == N_SELECTOR && !c.range->sel.window;
    wanted.digest = once ? c.fn->digest : MW_DIGEST_NONE;
    mw_pq_each_range(e, c.range, &wanted, one_series, &c);
}

struct value mw_pq_call_window(struct ev *e, const struct node *call)
{
    struct vec v = {.cap = 0};
    mw_pq_window_rows(e, call, NULL, mw_pq_collect, &v);
    v.distinct = mw_pq_one_name(mw_pq_stream_source(call)) && !e->run->typed;
    mw_pq_merge(e, &v, true);
    return mw_pq_vector(v);
}
