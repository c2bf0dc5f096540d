/* sample.h - one value at one time, and the marker that says a series has ended.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_SAMPLE_H
#define MW_MODEL_SAMPLE_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct mw_sample {
    int64_t t; /* unix time, milliseconds */
    double v;
} mw_sample;

/* The NaN that Prometheus writes when a series went away; any other NaN is a value. */
#define MW_STALE_BITS 0x7ff0000000000002ULL

static inline double mw_stale(void)
{
    uint64_t bits = MW_STALE_BITS;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline uint64_t mw_double_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline bool mw_is_stale(double v) { return mw_double_bits(v) == MW_STALE_BITS; }

#endif
