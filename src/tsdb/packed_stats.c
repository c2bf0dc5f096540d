/* packed_stats.c - what a run says about itself.  SPDX-License-Identifier: MIT */
#include <math.h>

#include "tsdb/packed_inside.h"

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

bool mw_packed_all_numbers(mw_str bytes)
{
    uint8_t head = bytes.n ? (uint8_t)bytes.p[0] : MW_PACKED_EXTRAS;
    unsigned kind = (head & MW_PACKED_KIND) >> MW_PACKED_KIND_SHIFT;
    if (head & MW_PACKED_EXTRAS) return false;
    return kind == MW_PACKED_ZERO || kind == MW_PACKED_SAME || kind == MW_PACKED_WHOLE ||
           kind == MW_PACKED_SCALED;
}
