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

static double growth(const struct window *w, bool counter)
{
    double grown = w->v[w->n - 1] - w->v[0];
    if (!counter || !w->resets) return grown;
    for (size_t i = 1; i < w->n; i++)
        if (w->v[i] < w->v[i - 1]) grown += w->v[i - 1];
    return grown;
}

/* Seconds before the first sample at which a counter growing like this was zero. */
static double since_zero(const struct window *w, double grown, double sampled)
{
    return grown > 0 && w->v[0] >= 0 ? sampled * (w->v[0] / grown) : INFINITY;
}

static double extrapolated(const struct window *w, bool counter, bool per_second)
{
    if (w->n < 2) return mw_pq_none();
    double grown = growth(w, counter);
    double sampled = (double)(w->t[w->n - 1] - w->t[0]) / 1000;
    double to_start = (double)(w->t[0] - w->from) / 1000;
    double to_end = (double)(w->to - w->t[w->n - 1]) / 1000;
    double apart = sampled / (double)(w->n - 1), near = apart * 1.1;
    double zero = counter ? since_zero(w, grown, sampled) : INFINITY;
    if (w->closed && zero < to_start) to_start = zero; /* Prometheus 2 looks at zero first */
    if (to_start >= near) to_start = apart / 2;
    if (zero < to_start) to_start = zero;
    if (to_end >= near) to_end = apart / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    if (per_second) factor /= (double)w->range / 1000;
    return grown * factor;
}

double mw_pq_rate(const struct window *w)
{
    return w->kind ? mw_pq_extended(w, true, true) : extrapolated(w, true, true);
}

double mw_pq_increase(const struct window *w)
{
    return w->kind ? mw_pq_extended(w, true, false) : extrapolated(w, true, false);
}

double mw_pq_delta(const struct window *w)
{
    return w->kind ? mw_pq_extended(w, false, false) : extrapolated(w, false, false);
}

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
