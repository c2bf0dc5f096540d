/* fold.c - one row after the other into the accumulator of its group, all steps at once.
 *
 * Sums keep what rounding takes from them (Neumaier 1974); a mean is a sum until that is too large
 * for a double and a running mean from then on.  The loops have no branches where rows are plain,
 * so that the compiler can compute several steps at a time.
 * SPDX-License-Identifier: MIT */
#include "promql/fold.h"

#include <math.h>
#include <string.h>

#ifdef __clang__
#define VECTORS
#else
#define VECTORS __attribute__((optimize("O3")))
#endif

struct fold_kind {
    enum tok op;
    bool c, n, spread; /* which entries it needs besides v */
    void (*add)(struct acc *a, const double *v, size_t steps);
    void (*merge)(struct acc *a, const struct acc *b, size_t steps);
    void (*finish)(struct acc *a, size_t steps);
};

/* -- sums ----------------------------------------------------------------------------------- */

/* S + X; what rounding took goes to *C. */
static inline double add_to(double s, double x, double *c)
{
    double t = s + x;
    double lost = fabs(s) >= fabs(x) ? (s - t) + x : (x - t) + s;
    *c = isinf(t) ? 0 : *c + lost;
    return t;
}

VECTORS static void add_sum(struct acc *a, const double *v, size_t steps)
{
    double *restrict sum = a->v, *restrict c = a->c;
    for (size_t k = 0; k < steps; k++) {
        bool none = mw_pq_absent(v[k]), first = mw_pq_absent(sum[k]);
        double s = first ? -0.0 : sum[k], x = none ? -0.0 : v[k], lost = c[k];
        double t = add_to(s, x, &lost);
        sum[k] = none ? sum[k] : t;
        c[k] = none ? c[k] : lost;
    }
}

static void merge_sum(struct acc *a, const struct acc *b, size_t steps)
{
    for (size_t k = 0; k < steps; k++) {
        if (mw_pq_absent(b->v[k])) continue;
        bool first = mw_pq_absent(a->v[k]);
        a->c[k] = first ? b->c[k] : a->c[k] + b->c[k];
        a->v[k] = first ? b->v[k] : add_to(a->v[k], b->v[k], &a->c[k]);
    }
}

static void finish_sum(struct acc *a, size_t steps)
{
    for (size_t k = 0; k < steps; k++)
        if (!mw_pq_absent(a->v[k]) && !isinf(a->v[k])) a->v[k] += a->c[k];
}

/* -- means: n is negative where v is a running mean ------------------------------------------ */

static void add_running(struct acc *a, size_t k, double x)
{
    double n = -a->n[k] + 1, q = (n - 1) / n;
    double mean = q * a->v[k], c = q * a->c[k];
    a->v[k] = add_to(mean, x / n, &c);
    a->c[k] = c;
    a->n[k] = -n;
}

static void add_mean(struct acc *a, const double *v, size_t steps)
{
    for (size_t k = 0; k < steps; k++) {
        double n = a->n[k], c = a->c[k];
        if (mw_pq_absent(v[k])) continue;
        double t = n ? add_to(a->v[k], v[k], &c) : v[k];
        if (n >= 0 && (n == 0 || !isinf(t))) {
            a->v[k] = t;
            a->c[k] = c;
            a->n[k] = n + 1;
            continue;
        }
        if (n > 0) a->v[k] /= n, a->c[k] /= n, a->n[k] = -n;
        add_running(a, k, v[k]);
    }
}

static double mean_at(const struct acc *a, size_t k)
{
    return a->n[k] < 0 ? a->v[k] + a->c[k] : a->v[k] / a->n[k] + a->c[k] / a->n[k];
}

static void merge_mean(struct acc *a, const struct acc *b, size_t steps)
{
    for (size_t k = 0; k < steps; k++) {
        double m = fabs(a->n[k]), n = fabs(b->n[k]), c = a->c[k] + b->c[k];
        if (n == 0) continue;
        double t = m ? add_to(a->v[k], b->v[k], &c) : b->v[k];
        bool plain = a->n[k] >= 0 && b->n[k] > 0 && !isinf(t);
        if (m == 0 || plain) {
            a->v[k] = t;
            a->c[k] = m ? c : b->c[k];
            a->n[k] = m ? m + n : b->n[k];
        } else {
            a->v[k] = mean_at(a, k) * (m / (m + n)) + mean_at(b, k) * (n / (m + n));
            a->c[k] = 0;
            a->n[k] = -(m + n);
        }
    }
}

static void finish_mean(struct acc *a, size_t steps)
{
    for (size_t k = 0; k < steps; k++) a->v[k] = a->n[k] ? mean_at(a, k) : mw_pq_none();
}

/* -- extremes and counts -------------------------------------------------------------------- */

VECTORS static void add_min(struct acc *a, const double *v, size_t steps)
{
    for (size_t k = 0; k < steps; k++) {
        bool take = !mw_pq_absent(v[k]) && !(a->v[k] <= v[k]);
        take &= mw_pq_absent(a->v[k]) || !isnan(v[k]);
        a->v[k] = take ? v[k] : a->v[k];
    }
}

VECTORS static void add_max(struct acc *a, const double *v, size_t steps)
{
    for (size_t k = 0; k < steps; k++) {
        bool take = !mw_pq_absent(v[k]) && !(a->v[k] >= v[k]);
        take &= mw_pq_absent(a->v[k]) || !isnan(v[k]);
        a->v[k] = take ? v[k] : a->v[k];
    }
}

static void merge_min(struct acc *a, const struct acc *b, size_t n) { add_min(a, b->v, n); }
static void merge_max(struct acc *a, const struct acc *b, size_t n) { add_max(a, b->v, n); }

VECTORS static void add_count(struct acc *a, const double *v, size_t steps)
{
    for (size_t k = 0; k < steps; k++) a->n[k] += mw_pq_absent(v[k]) ? 0 : 1;
}

static void merge_count(struct acc *a, const struct acc *b, size_t steps)
{
    for (size_t k = 0; k < steps; k++) a->n[k] += b->n[k];
}

static void finish_count(struct acc *a, size_t steps)
{
    for (size_t k = 0; k < steps; k++)
        if (a->n[k] > 0) a->v[k] = a->n[k];
}

static void finish_group(struct acc *a, size_t steps)
{
    for (size_t k = 0; k < steps; k++)
        if (a->n[k] > 0) a->v[k] = 1;
}

/* -- spreads -------------------------------------------------------------------------------- */

static void add_spread(struct acc *a, const double *v, size_t steps)
{
    for (size_t k = 0; k < steps; k++)
        if (!mw_pq_absent(v[k])) mw_pq_spread_add(&a->spread[k], v[k]);
}

static void merge_spread(struct acc *a, const struct acc *b, size_t steps)
{
    for (size_t k = 0; k < steps; k++) mw_pq_spread_merge(&a->spread[k], &b->spread[k]);
}

static void finish_variance(struct acc *a, size_t steps)
{
    for (size_t k = 0; k < steps; k++)
        if (a->spread[k].n > 0) a->v[k] = mw_pq_spread_get(&a->spread[k]);
}

static void finish_deviation(struct acc *a, size_t steps)
{
    for (size_t k = 0; k < steps; k++)
        if (a->spread[k].n > 0) a->v[k] = sqrt(mw_pq_spread_get(&a->spread[k]));
}

/* -- groups --------------------------------------------------------------------------------- */

static const struct fold_kind kinds[] = {
    {T_KW_SUM, true, false, false, add_sum, merge_sum, finish_sum},
    {T_KW_AVG, true, true, false, add_mean, merge_mean, finish_mean},
    {T_KW_MIN, false, false, false, add_min, merge_min, NULL},
    {T_KW_MAX, false, false, false, add_max, merge_max, NULL},
    {T_KW_COUNT, false, true, false, add_count, merge_count, finish_count},
    {T_KW_GROUP, false, true, false, add_count, merge_count, finish_group},
    {T_KW_STDVAR, false, false, true, add_spread, merge_spread, finish_variance},
    {T_KW_STDDEV, false, false, true, add_spread, merge_spread, finish_deviation},
};

/* To Prometheus 2 whatever is alone has no spread, even if it is no number. */
static void finish_variance_2(struct acc *a, size_t steps)
{
    finish_variance(a, steps);
    for (size_t k = 0; k < steps; k++)
        if (a->spread[k].n == 1) a->v[k] = 0;
}

static void finish_deviation_2(struct acc *a, size_t steps)
{
    finish_deviation(a, steps);
    for (size_t k = 0; k < steps; k++)
        if (a->spread[k].n == 1) a->v[k] = 0;
}

static const struct fold_kind kinds_2[] = {
    {T_KW_STDVAR, false, false, true, add_spread, merge_spread, finish_variance_2},
    {T_KW_STDDEV, false, false, true, add_spread, merge_spread, finish_deviation_2},
};

const struct fold_kind *mw_pq_fold_kind(enum tok op, bool version_2)
{
    for (size_t i = 0; version_2 && i < sizeof kinds_2 / sizeof *kinds_2; i++)
        if (kinds_2[i].op == op) return &kinds_2[i];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].op == op) return &kinds[i];
    return NULL;
}

struct fold *mw_pq_fold(struct ev *e, const struct fold_kind *kind, const struct grouping *by)
{
    struct fold *f = mw_pq_alloc(e->run, 1, sizeof *f);
    *f = (struct fold){.ev = e, .kind = kind, .groups = mw_pq_grouper(e, by)};
    return f;
}

static void *zeroed(struct ev *e, size_t size)
{
    return memset(mw_pq_alloc(e->run, e->n, size), 0, e->n * size);
}

static struct acc *acc_of(struct fold *f, const struct series *s)
{
    struct ev *e = f->ev;
    size_t before = f->groups->n, g = mw_pq_group_of(e, f->groups, s);
    if (g < before) return &f->acc[g];
    if (g == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 8;
        struct acc *acc = mw_pq_alloc(e->run, cap, sizeof *acc);
        if (f->cap) memcpy(acc, f->acc, f->cap * sizeof *acc);
        f->acc = acc;
        f->cap = cap;
    }
    struct acc *a = &f->acc[g];
    *a = (struct acc){.v = mw_pq_row(e)};
    if (f->kind->c) a->c = zeroed(e, sizeof *a->c);
    if (f->kind->n) a->n = zeroed(e, sizeof *a->n);
    if (f->kind->spread) a->spread = zeroed(e, sizeof *a->spread);
    return a;
}

void mw_pq_fold_row(struct ev *e, struct series *s, void *arg)
{
    struct fold *f = arg;
    struct acc *a = acc_of(f, s);
    a->nameless |= s->nameless && !e->run->names_go;
    f->kind->add(a, s->v, e->n);
    if (s->h) mw_pq_hist_row(e, &f->histograms, s, (size_t)(a - f->acc));
    mw_pq_tick(e->run, e->n);
}

void mw_pq_fold_merge(struct fold *f, const struct fold *from)
{
    for (size_t g = 0; g < from->groups->n; g++) {
        struct series s = {.labels = from->groups->labels[g]};
        struct acc *a = acc_of(f, &s);
        a->nameless |= from->acc[g].nameless;
        f->kind->merge(a, &from->acc[g], f->ev->n);
    }
    for (size_t i = 0; i < from->histograms.rows.n; i++) {
        struct series s = {.labels = from->groups->labels[from->histograms.of[i]]};
        mw_pq_hist_row_copy(f->ev, &f->histograms, &from->histograms.rows.s[i],
                            (size_t)(acc_of(f, &s) - f->acc));
    }
}

struct vec mw_pq_fold_rows(struct fold *f)
{
    struct vec out = {.cap = 0};
    for (size_t g = 0; g < f->groups->n; g++) {
        if (f->kind->finish) f->kind->finish(&f->acc[g], f->ev->n);
        mw_pq_add_row(f->ev, &out, f->groups->labels[g], f->acc[g].v);
        out.s[g].nameless = f->acc[g].nameless;
    }
    return out;
}
