/* spread.c - spreads and quantiles of all windows of a series at once.
 *
 * Spreads of what overlapping windows have in common are joined as sums are in over_time.c; for
 * quantiles the values of the window are kept in order while samples come and go.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "promql/functions.h"
#include "promql/window.h"

/* -- spreads -------------------------------------------------------------------------------- */

static struct spread one(double v)
{
    struct spread s = {.n = 0};
    mw_pq_spread_add(&s, v);
    return s;
}

static void spreads(const struct sweep *w, double *out, bool root)
{
    const double *v = w->s->v;
    struct spread *back = (struct spread *)(void *)w->scratch, front = {.n = 0};
    size_t border = 0, end = 0; /* back[i]: samples i to border - 1; front: border to end - 1 */
    for (size_t i = 0; i < w->ev->n; i++) {
        size_t lo = w->f->lo[i], hi = w->f->hi[i];
        if (lo == hi) continue;
        if (lo >= border) {
            border = end = hi;
            front = (struct spread){.n = 0};
            back[hi - 1] = one(v[hi - 1]);
            for (size_t k = hi - 1; k-- > lo;) {
                back[k] = back[k + 1];
                mw_pq_spread_add(&back[k], v[k]);
            }
        }
        for (; end < hi; end++) mw_pq_spread_add(&front, v[end]);
        struct spread all = back[lo];
        mw_pq_spread_merge(&all, &front);
        out[i] = root ? sqrt(mw_pq_spread_get(&all)) : mw_pq_spread_get(&all);
    }
}

/* Window by window, bit for bit as Prometheus 2 has it. */
static void spreads_alone(const struct sweep *w, double *out, bool root)
{
    for (size_t i = 0; i < w->ev->n; i++) {
        struct spread all = {.n = 0};
        for (size_t k = w->f->lo[i]; k < w->f->hi[i]; k++) mw_pq_spread_add(&all, w->s->v[k]);
        if (all.n > 0) out[i] = root ? sqrt(mw_pq_spread_get(&all)) : mw_pq_spread_get(&all);
        mw_pq_tick(w->ev->run, (size_t)all.n);
    }
}

static void either(const struct sweep *w, double *out, bool root)
{
    (w->ev->run->opt->closed_ranges ? spreads_alone : spreads)(w, out, root);
}

void mw_pq_stdvar_over_time(const struct sweep *w, double *out) { either(w, out, false); }
void mw_pq_stddev_over_time(const struct sweep *w, double *out) { either(w, out, true); }

/* -- quantiles ------------------------------------------------------------------------------ */

struct ordered {
    double *v;
    size_t n;
};

/* The first place whose value is not before X. */
static size_t place_of(const struct ordered *o, double x)
{
    size_t lo = 0, hi = o->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (mw_pq_compare_numbers(o->v[mid], x) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void put(struct ordered *o, double x)
{
    size_t at = place_of(o, x);
    memmove(o->v + at + 1, o->v + at, (o->n++ - at) * sizeof *o->v);
    o->v[at] = x;
}

static void take(struct ordered *o, double x)
{
    size_t at = place_of(o, x);
    memmove(o->v + at, o->v + at + 1, (--o->n - at) * sizeof *o->v);
}

/* More changes than these are not worth a move of the others each. */
enum { CHANGES_MOST = 128 };

static void put_in_order(struct ordered *o, const double *v, size_t n)
{
    memcpy(o->v, v, n * sizeof *v);
    o->n = n;
    mw_pq_sort_numbers(o->v, n);
}

void mw_pq_quantile_over_time(const struct sweep *w, double *out)
{
    struct ordered o = {.v = w->scratch};
    const double *v = w->s->v;
    size_t from = 0, to = 0; /* what is in order: samples from to to - 1 */
    for (size_t i = 0; i < w->ev->n; i++) {
        size_t lo = w->f->lo[i], hi = w->f->hi[i], changes = hi - to + (lo - from);
        if (lo == hi) continue;
        bool anew = lo >= to || changes > CHANGES_MOST;
        if (anew) put_in_order(&o, v + lo, hi - lo), from = lo, to = hi;
        for (; to < hi; to++) put(&o, v[to]);
        for (; from < lo; from++) take(&o, v[from]);
        out[i] = mw_pq_quantile_of(w->args[0][i], o.v, o.n);
        mw_pq_tick(w->ev->run, anew ? o.n * 4 : (changes + 1) * (o.n / 8 + 1));
    }
}
