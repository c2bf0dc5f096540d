/* window.c - functions of the samples in a window, one step at a time.  Windows are never empty
 * here.
 * SPDX-License-Identifier: MIT */
#include "promql/window.h"

#include <math.h>
#include <string.h>

#include "promql/functions.h"

/* Index of the smallest (SIGN 1) or largest (SIGN -1) value, the last of equals. */
static size_t extreme(const struct window *w, int sign)
{
    size_t best = 0;
    for (size_t i = 1; i < w->n; i++) {
        double a = sign * w->v[i], b = sign * w->v[best];
        if (a <= b || isnan(b)) best = i;
    }
    return best;
}

double mw_pq_ts_of_first(const struct window *w) { return (double)w->t[0] / 1000; }
double mw_pq_ts_of_last(const struct window *w) { return (double)w->t[w->n - 1] / 1000; }
double mw_pq_ts_of_min(const struct window *w) { return (double)w->t[extreme(w, 1)] / 1000; }
double mw_pq_ts_of_max(const struct window *w) { return (double)w->t[extreme(w, -1)] / 1000; }

double mw_pq_mad_over_time(const struct window *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (isnan(w->v[i])) return w->v[i];
    memcpy(w->scratch, w->v, w->n * sizeof *w->v);
    double median = mw_pq_quantile(0.5, w->scratch, w->n);
    for (size_t i = 0; i < w->n; i++) w->scratch[i] = fabs(w->v[i] - median);
    return mw_pq_quantile(0.5, w->scratch, w->n);
}
