/* over_time.c - *_over_time of all windows of a series at once.
 *
 * Windows that overlap share work without ever taking anything away from a sum, which would lose
 * what rounding saved: the samples up to a border are added up from the border backwards, one entry
 * each, those behind it as they come; a window is one entry and the rest.  When a window has left
 * the border behind, the next border is its end.  Each sample is added twice.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "promql/functions.h"
#include "promql/window.h"

/* -- windows that share -------------------------------------------------------------------- */

typedef struct sum join_fn(struct sum a, struct sum b);

/* Out of the pieces of a window: its value. */
typedef double finish_fn(struct sum s, size_t n);

/* Windows that hardly overlap are cheaper one by one. */
static bool shares(const struct sweep *w) { return w->f->total > 4 * (w->s->n + w->ev->n); }

static inline struct sum one(double v) { return (struct sum){v, 0}; }

static inline void add_up(const struct sweep *w, double *out, join_fn *join, finish_fn *finish)
{
    const double *v = w->s->v;
    struct sum *back = (struct sum *)w->scratch, front = {0, 0}; /* back[i]: i to border - 1 */
    size_t border = 0, end = 0;
    bool sharing = shares(w);
    for (size_t i = 0; i < w->ev->n; i++) {
        size_t lo = w->f->lo[i], hi = w->f->hi[i];
        if (lo == hi) continue;
        if (lo >= border || !sharing) {
            border = end = hi;
            back[hi - 1] = one(v[hi - 1]);
            for (size_t k = hi - 1; k-- > lo;) back[k] = join(one(v[k]), back[k + 1]);
        }
        for (; end < hi; end++) front = end == border ? one(v[end]) : join(front, one(v[end]));
        out[i] = finish(hi > border ? join(back[lo], front) : back[lo], hi - lo);
    }
}

/* -- what is joined ------------------------------------------------------------------------- */

static inline struct sum join_sums(struct sum a, struct sum b)
{
    double t = a.sum + b.sum;
    double lost = fabs(a.sum) >= fabs(b.sum) ? (a.sum - t) + b.sum : (b.sum - t) + a.sum;
    return (struct sum){t, isinf(t) ? 0 : lost + a.c + b.c};
}

static inline struct sum join_min(struct sum a, struct sum b)
{
    return b.sum < a.sum || isnan(a.sum) ? b : a;
}

static inline struct sum join_max(struct sum a, struct sum b)
{
    return b.sum > a.sum || isnan(a.sum) ? b : a;
}

static inline double total(struct sum s, size_t n)
{
    (void)n;
    return isinf(s.sum) ? s.sum : s.sum + s.c;
}

static inline double itself(struct sum s, size_t n)
{
    (void)n;
    return s.sum;
}

static inline double mean(struct sum s, size_t n) { return s.sum / (double)n + s.c / (double)n; }

/* -- functions ------------------------------------------------------------------------------ */

void mw_pq_sum_over_time(const struct sweep *w, double *out) { add_up(w, out, join_sums, total); }

void mw_pq_min_over_time(const struct sweep *w, double *out) { add_up(w, out, join_min, itself); }

void mw_pq_max_over_time(const struct sweep *w, double *out) { add_up(w, out, join_max, itself); }

/* The mean of numbers whose sum no double holds is found step by step. */
static double running_mean(const struct sweep *w, size_t i)
{
    struct mean m = {0};
    for (size_t k = w->f->lo[i]; k < w->f->hi[i]; k++) mw_pq_mean_add(&m, w->s->v[k]);
    return mw_pq_mean_get(&m);
}

/* As Prometheus 2 has it, bit for bit: a running mean from the first sample on. */
static double mean_of_version_2(const struct sweep *w, size_t i)
{
    struct sum mean = {0, 0};
    double n = 0;
    for (size_t k = w->f->lo[i]; k < w->f->hi[i]; k++) {
        double v = w->s->v[k];
        n++;
        if (isinf(mean.sum) && isinf(v) && (mean.sum > 0) == (v > 0)) continue;
        if (isinf(mean.sum) && !isinf(v) && !isnan(v)) continue;
        mw_pq_sum_add(&mean, v / n - mean.sum / n);
    }
    return isinf(mean.sum) ? mean.sum : mean.sum + mean.c;
}

void mw_pq_avg_over_time(const struct sweep *w, double *out)
{
    if (w->ev->run->opt->closed_ranges) {
        for (size_t i = 0; i < w->ev->n; i++)
            if (w->f->lo[i] < w->f->hi[i]) out[i] = mean_of_version_2(w, i);
        return;
    }
    add_up(w, out, join_sums, mean);
    for (size_t i = 0; i < w->ev->n; i++)
        if (w->f->lo[i] < w->f->hi[i] && !isfinite(out[i])) {
            out[i] = running_mean(w, i);
            mw_pq_tick(w->ev->run, (w->f->hi[i] - w->f->lo[i]) * 4);
        }
}

void mw_pq_count_over_time(const struct sweep *w, double *out)
{
    for (size_t i = 0; i < w->ev->n; i++)
        if (w->f->lo[i] < w->f->hi[i])
            out[i] = (double)(w->f->hi[i] - w->f->lo[i] + w->f->left_out);
}

void mw_pq_present_over_time(const struct sweep *w, double *out)
{
    for (size_t i = 0; i < w->ev->n; i++)
        if (w->f->lo[i] < w->f->hi[i]) out[i] = 1;
}

void mw_pq_last_over_time(const struct sweep *w, double *out)
{
    for (size_t i = 0; i < w->ev->n; i++)
        if (w->f->lo[i] < w->f->hi[i]) out[i] = w->s->v[w->f->hi[i] - 1];
}

void mw_pq_first_over_time(const struct sweep *w, double *out)
{
    for (size_t i = 0; i < w->ev->n; i++)
        if (w->f->lo[i] < w->f->hi[i]) out[i] = w->s->v[w->f->lo[i]];
}

/* -- changes and resets: how many lie before each sample ------------------------------------- */

static bool is_reset(double a, double b) { return b < a; }
static bool is_change(double a, double b) { return a != b && !(isnan(a) && isnan(b)); }

static inline void count_between(const struct sweep *w, double *out, bool (*counts)(double, double))
{
    const double *v = w->s->v;
    double *before = w->scratch;
    before[0] = 0;
    for (size_t i = 1; i < w->s->n; i++) before[i] = before[i - 1] + counts(v[i - 1], v[i]);
    for (size_t i = 0; i < w->ev->n; i++) {
        size_t lo = w->f->lo[i], hi = w->f->hi[i];
        if (lo < hi) out[i] = before[hi - 1] - before[lo];
    }
}

void mw_pq_resets_sweep(const struct sweep *w, double *out) { count_between(w, out, is_reset); }
void mw_pq_changes_sweep(const struct sweep *w, double *out) { count_between(w, out, is_change); }
