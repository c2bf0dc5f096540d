/* packed_stats.c - what a run says about itself.  SPDX-License-Identifier: MIT */
#include <math.h>

#include "tsdb/packed.h"

void mw_run_stats_of(const int64_t *t, const double *v, size_t n, mw_run_stats *out)
{
    *out = (mw_run_stats){.n = (uint32_t)n, .min = NAN, .max = NAN, .first = NAN, .last = NAN};
    if (!n) return;
    double before = NAN;
    for (size_t i = 0; i < n; i++) {
        if (isnan(v[i])) continue;
        if (isnan(before) || v[i] < out->min) out->min = v[i];
        if (isnan(before) || v[i] > out->max) out->max = v[i];
        out->resets += v[i] < before;
        before = v[i];
    }
    out->min_t = t[0];
    out->max_t = t[n - 1];
    out->first = v[0];
    out->last = v[n - 1];
}
