/* window.c - the functions *_over_time.  Windows are never empty here.
 * SPDX-License-Identifier: MIT */
#include "promql/window.h"

#include <math.h>
#include <string.h>

#include "promql/functions.h"

double mw_pq_sum_over_time(const struct window *w)
{
    struct sum s = {0, 0};
    for (size_t i = 0; i < w->n; i++) mw_pq_sum_add(&s, w->v[i]);
    return isinf(s.sum) ? s.sum : s.sum + s.c;
}

double mw_pq_avg_over_time(const struct window *w)
{
    struct mean m = {0};
    for (size_t i = 0; i < w->n; i++) mw_pq_mean_add(&m, w->v[i]);
    return mw_pq_mean_get(&m);
}

/* Index of the smallest (SIGN 1) or largest (SIGN -1) value, the last of equals when LAST. */
static size_t extreme(const struct window *w, int sign, bool last)
{
    size_t best = 0;
    for (size_t i = 1; i < w->n; i++) {
        double a = sign * w->v[i], b = sign * w->v[best];
        if (a < b || isnan(b) || (last && a == b)) best = i;
    }
    return best;
}

double mw_pq_min_over_time(const struct window *w) { return w->v[extreme(w, 1, false)]; }
double mw_pq_max_over_time(const struct window *w) { return w->v[extreme(w, -1, false)]; }
double mw_pq_count_over_time(const struct window *w) { return (double)w->n; }
double mw_pq_last_over_time(const struct window *w) { return w->v[w->n - 1]; }
double mw_pq_first_over_time(const struct window *w) { return w->v[0]; }

double mw_pq_present_over_time(const struct window *w)
{
    (void)w;
    return 1;
}

double mw_pq_ts_of_first(const struct window *w) { return (double)w->t[0] / 1000; }
double mw_pq_ts_of_last(const struct window *w) { return (double)w->t[w->n - 1] / 1000; }
double mw_pq_ts_of_min(const struct window *w) { return (double)w->t[extreme(w, 1, true)] / 1000; }
double mw_pq_ts_of_max(const struct window *w) { return (double)w->t[extreme(w, -1, true)] / 1000; }

double mw_pq_stdvar_over_time(const struct window *w)
{
    struct spread s = {0};
    for (size_t i = 0; i < w->n; i++) mw_pq_spread_add(&s, w->v[i]);
    return mw_pq_spread_get(&s);
}

double mw_pq_stddev_over_time(const struct window *w) { return sqrt(mw_pq_stdvar_over_time(w)); }

double mw_pq_quantile_over_time(const struct window *w)
{
    memcpy(w->scratch, w->v, w->n * sizeof *w->v);
    return mw_pq_quantile(w->args[0], w->scratch, w->n);
}

double mw_pq_mad_over_time(const struct window *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (isnan(w->v[i])) return w->v[i];
    memcpy(w->scratch, w->v, w->n * sizeof *w->v);
    double median = mw_pq_quantile(0.5, w->scratch, w->n);
    for (size_t i = 0; i < w->n; i++) w->scratch[i] = fabs(w->v[i] - median);
    return mw_pq_quantile(0.5, w->scratch, w->n);
}
