/* buckets.c - bounds of histograms.  SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "metrics/registry.h"

const double mw_buckets_default[11] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

void mw_buckets_linear(double start, double width, size_t n, double *out)
{
    MW_ASSERT(n > 0 && width > 0);
    for (size_t i = 0; i < n; i++, start += width) out[i] = start;
}

void mw_buckets_exponential(double start, double factor, size_t n, double *out)
{
    MW_ASSERT(n > 0 && start > 0 && factor > 1);
    for (size_t i = 0; i < n; i++, start *= factor) out[i] = start;
}
