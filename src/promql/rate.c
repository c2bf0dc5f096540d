/* rate.c - rates, changes and trends of the samples in a window.
 *
 * rate, increase and delta extrapolate what the samples show to the whole range: up to its ends
 * when the first and last sample are about as near to them as samples are to each other, else by
 * half of that distance; and a counter never to before it was zero.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "promql/functions.h"
#include "promql/window.h"

/* -- rate, increase, delta ------------------------------------------------------------------ */

/* How the samples FIRST to LAST, N of them, are stretched to the range FROM to TO.  ZERO: seconds
 * before the first sample at which a counter that grows like this was zero. */
static double stretch_of(int64_t first, int64_t last, size_t n, int64_t from, int64_t to,
                         double zero, bool closed, double *reach)
{
    double sampled = (double)(last - first) / 1000, apart = sampled / (double)(n - 1);
    double to_start = (double)(first - from) / 1000, to_end = (double)(to - last) / 1000;
    double near = apart * 1.1;
    *reach = to_start;
    if (closed && zero < to_start) to_start = zero; /* Prometheus 2 looks at zero first */
    if (to_start >= near) to_start = apart / 2;
    if (!closed) *reach = to_start;
    if (zero < to_start) to_start = zero;
    if (to_end >= near) to_end = apart / 2;
    return (sampled + to_start + to_end) / sampled;
}

struct how {
    bool counter, per_second;
};

static void stretch_all(const struct sweep *w)
{
    struct frame *f = w->f;
    const struct when *when = &w->range->sel.when;
    const int64_t *t = w->s->t;
    bool closed = w->ev->run->opt->closed_ranges;
    int64_t to = mw_pq_time(w->ev, when, 0), by = mw_pq_stays(when) ? 0 : w->ev->step;
    if (!f->stretch) f->stretch = mw_pq_alloc(w->ev->run, w->ev->n, sizeof *f->stretch);
    for (size_t i = 0; i < w->ev->n; i++, to += by) {
        struct stretch *st = &f->stretch[i];
        size_t n = f->hi[i] - f->lo[i];
        if (n < 2) continue;
        int64_t first = t[f->lo[i]], last = t[f->hi[i] - 1];
        st->sampled = (double)(last - first) / 1000;
        st->factor = stretch_of(first, last, n + f->left_out, to - when->range_ms, to, INFINITY,
                                closed, &st->reach);
    }
    f->stretched = true;
}

/* The samples that are smaller than the one before; how many there are. */
static size_t find_resets(const struct sweep *w, uint32_t **at)
{
    const double *v = w->s->v;
    bool any = false;
    for (size_t i = 1; i < w->s->n; i++) any |= v[i] < v[i - 1];
    if (!any) return 0;
    uint32_t *found = *at = (uint32_t *)(void *)w->scratch;
    size_t n = 0;
    for (size_t i = 1; i < w->s->n; i++)
        if (v[i] < v[i - 1]) found[n++] = (uint32_t)i;
    return n;
}

/* Windows only move forward, and so does the first reset behind their first sample. */
struct resets {
    uint32_t *at;
    size_t n, first;
};

/* Growth from sample LO to HI; what was lost at the resets between them is growth, too. */
static double growth(struct run *run, const double *v, struct resets *r, size_t lo, size_t hi)
{
    double grown = v[hi] - v[lo];
    size_t i;
    while (r->first < r->n && r->at[r->first] <= lo) r->first++;
    for (i = r->first; i < r->n && r->at[i] <= hi; i++) grown += v[r->at[i] - 1];
    mw_pq_tick(run, i - r->first);
    return grown;
}

/* The counter may have been zero within the stretch before its first sample. */
static double from_zero(const struct sweep *w, size_t i, double grown)
{
    const struct frame *f = w->f;
    const struct when *when = &w->range->sel.when;
    const int64_t *t = w->s->t;
    int64_t to = mw_pq_time(w->ev, when, i);
    double zero = f->stretch[i].sampled * (w->s->v[f->lo[i]] / grown), reach;
    return stretch_of(t[f->lo[i]], t[f->hi[i] - 1], f->hi[i] - f->lo[i] + f->left_out,
                      to - when->range_ms, to, zero, w->ev->run->opt->closed_ranges, &reach);
}

static void extrapolate(const struct sweep *w, double *out, struct how how)
{
    const struct frame *f = w->f;
    const double *v = w->s->v;
    double seconds = how.per_second ? (double)w->range->sel.when.range_ms / 1000 : 1;
    if (!f->stretched) stretch_all(w);
    struct resets resets = {.n = 0};
    if (how.counter) resets.n = find_resets(w, &resets.at);
    for (size_t i = 0; i < w->ev->n; i++) {
        size_t lo = f->lo[i], hi = f->hi[i];
        if (hi - lo < 2) continue;
        const struct stretch *st = &f->stretch[i];
        double grown = growth(w->ev->run, v, &resets, lo, hi - 1), factor = st->factor;
        bool zero =
            how.counter && grown > 0 && v[lo] >= 0 && v[lo] * st->sampled < st->reach * grown;
        if (zero) factor = from_zero(w, i, grown);
        out[i] = grown * (factor / seconds);
    }
}

void mw_pq_rate_sweep(const struct sweep *w, double *out)
{
    extrapolate(w, out, (struct how){.counter = true, .per_second = true});
}

void mw_pq_increase_sweep(const struct sweep *w, double *out)
{
    extrapolate(w, out, (struct how){.counter = true});
}

void mw_pq_delta_sweep(const struct sweep *w, double *out)
{
    extrapolate(w, out, (struct how){.counter = false});
}

/* Only of ranges that are not plain. */
double mw_pq_rate(const struct window *w) { return mw_pq_extended(w, true, true); }
double mw_pq_increase(const struct window *w) { return mw_pq_extended(w, true, false); }
double mw_pq_delta(const struct window *w) { return mw_pq_extended(w, false, false); }

/* -- irate, idelta -------------------------------------------------------------------------- */

static double instant(const struct window *w, bool counter)
{
    if (w->n < 2) return mw_pq_none();
    double last = w->v[w->n - 1], before = w->v[w->n - 2];
    double step = (double)(w->t[w->n - 1] - w->t[w->n - 2]) / 1000;
    if (!counter) return last - before;
    return (last < before ? last : last - before) / step;
}

double mw_pq_irate(const struct window *w) { return instant(w, true); }
double mw_pq_idelta(const struct window *w) { return instant(w, false); }

/* -- trends --------------------------------------------------------------------------------- */

/* Least squares through the samples, time counted from ORIGIN. */
static void regression(const struct window *w, int64_t origin, double *slope, double *intercept)
{
    struct sum x = {0}, y = {0}, xy = {0}, xx = {0};
    double n = (double)w->n, first = w->v[0];
    bool constant = true;
    for (size_t i = 0; i < w->n; i++) {
        double t = (double)(w->t[i] - origin) / 1000, v = w->v[i];
        if (constant && i > 0 && v != first) constant = false;
        mw_pq_sum_add(&x, t);
        mw_pq_sum_add(&y, v);
        mw_pq_sum_add(&xy, t * v);
        mw_pq_sum_add(&xx, t * t);
    }
    if (constant) {
        *slope = isinf(first) ? NAN : 0;
        *intercept = isinf(first) ? NAN : first;
        return;
    }
    double sx = x.sum + x.c, sy = y.sum + y.c;
    double cov = xy.sum + xy.c - sx * sy / n, var = xx.sum + xx.c - sx * sx / n;
    *slope = cov / var;
    *intercept = sy / n - *slope * sx / n;
}

double mw_pq_deriv(const struct window *w)
{
    double slope, intercept;
    if (w->n < 2) return mw_pq_none();
    regression(w, w->t[0], &slope, &intercept);
    return slope;
}

double mw_pq_predict_linear(const struct window *w)
{
    double slope, intercept;
    if (w->n < 2) return mw_pq_none();
    regression(w, w->now, &slope, &intercept);
    return slope * w->args[0] + intercept;
}

static void check_factor(const struct window *w, const char *what, double f)
{
    if (f <= 0 || f >= 1)
        mw_pq_throw(w->run, MW_EEXEC, "invalid %s factor. Expected: 0 < %cf < 1, got: %f", what,
                    what[0], f);
}

double mw_pq_smoothing(const struct window *w)
{
    double sf = w->args[0], tf = w->args[1];
    check_factor(w, "smoothing", sf);
    check_factor(w, "trend", tf);
    if (w->n < 2) return mw_pq_none();
    double before = 0, now = w->v[0], trend = w->v[1] - w->v[0];
    for (size_t i = 1; i < w->n; i++) {
        if (i > 1) trend = tf * (now - before) + (1 - tf) * trend;
        double next = sf * w->v[i] + (1 - sf) * (now + trend);
        before = now;
        now = next;
    }
    return now;
}

/* -- resets, changes ------------------------------------------------------------------------ */

double mw_pq_resets(const struct window *w)
{
    size_t count = 0;
    if (w->kind) return mw_pq_extended_count(w, true);
    for (size_t i = 1; i < w->n; i++) count += w->v[i] < w->v[i - 1];
    return (double)count;
}

double mw_pq_changes(const struct window *w)
{
    size_t count = 0;
    if (w->kind) return mw_pq_extended_count(w, false);
    for (size_t i = 1; i < w->n; i++)
        count += w->v[i] != w->v[i - 1] && !(isnan(w->v[i]) && isnan(w->v[i - 1]));
    return (double)count;
}
