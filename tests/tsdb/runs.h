/* runs.h - runs of samples as they come in the wild, for tests and benches.
 *
 * The same seed gives the same runs.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_TSDB_RUNS_H
#define MW_TESTS_TSDB_RUNS_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "model/sample.h"

typedef struct runs_random {
    uint64_t state;
} runs_random;

static inline uint64_t runs_next(runs_random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state * 0x2545f4914f6cdd1dULL;
}

static inline double runs_unit(runs_random *r) { return (double)(runs_next(r) >> 11) * 0x1p-53; }
static inline int64_t runs_below(runs_random *r, int64_t n)
{
    return (int64_t)(runs_next(r) % (uint64_t)n);
}

static inline double runs_bell(runs_random *r)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += runs_unit(r);
    return sum;
}

/* -- values --------------------------------------------------------------------------------- */

typedef void (*runs_values)(runs_random *r, double *v, size_t n);

static inline void runs_zero(runs_random *r, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = 0;
}

static inline void runs_constant(runs_random *r, double *v, size_t n)
{
    double c = (double)runs_below(r, 100000);
    for (size_t i = 0; i < n; i++) v[i] = c;
}

static inline void runs_constant_float(runs_random *r, double *v, size_t n)
{
    double c = runs_unit(r) * 1000;
    for (size_t i = 0; i < n; i++) v[i] = c;
}

static inline void runs_counter(runs_random *r, double *v, size_t n)
{
    double rate = 1 + 49 * runs_unit(r), base = 1e6 * runs_unit(r), frac = runs_unit(r);
    for (size_t i = 0; i < n; i++)
        v[i] = floor(frac * floor(base + rate * 15 * ((double)i + 0.5 * runs_unit(r))));
}

static inline void runs_float_counter(runs_random *r, double *v, size_t n)
{
    double rate = 1 + 49 * runs_unit(r), base = 1e6 * runs_unit(r);
    for (size_t i = 0; i < n; i++) v[i] = base + rate * 15 * ((double)i + 0.5 * runs_unit(r));
}

/* Each interval adds something of its own: its noise adds up. */
static inline void runs_walk_counter(runs_random *r, double *v, size_t n)
{
    double rate = 15 * (1 + 49 * runs_unit(r)), at = floor(1e7 * runs_unit(r));
    for (size_t i = 0; i < n; i++) v[i] = at += floor(rate + sqrt(rate) * runs_bell(r));
}

static inline void runs_reset_counter(runs_random *r, double *v, size_t n)
{
    runs_walk_counter(r, v, n);
    size_t at = (size_t)runs_below(r, (int64_t)n);
    for (size_t i = n; i-- > at;) v[i] -= v[at];
}

static inline void runs_bytes(runs_random *r, double *v, size_t n)
{
    double at = 4096 * (double)(100000 + runs_below(r, 1000000));
    for (size_t i = 0; i < n; i++) v[i] = at += 4096 * (double)(runs_below(r, 2001) - 1000);
}

static inline void runs_small(runs_random *r, double *v, size_t n)
{
    double at = (double)(20 + runs_below(r, 200));
    for (size_t i = 0; i < n; i++) {
        if (runs_unit(r) < .6) at += (double)(runs_below(r, 7) - 3);
        v[i] = at;
    }
}

static inline void runs_seldom(runs_random *r, double *v, size_t n)
{
    double at = (double)runs_below(r, 1000);
    for (size_t i = 0; i < n; i++) {
        if (runs_unit(r) < .05) at = (double)runs_below(r, 1000);
        v[i] = at;
    }
}

static inline void runs_cents(runs_random *r, double *v, size_t n)
{
    int64_t at = 2000 + runs_below(r, 8000);
    for (size_t i = 0; i < n; i++) v[i] = (double)(at += runs_below(r, 201) - 100) / 100;
}

static inline void runs_cpu_seconds(runs_random *r, double *v, size_t n)
{
    int64_t at = runs_below(r, 100000000);
    for (size_t i = 0; i < n; i++) v[i] = (double)(at += 700 + runs_below(r, 200)) / 100;
}

static inline void runs_mantissa(runs_random *r, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = 1 + runs_unit(r);
}

static inline void runs_unit_floats(runs_random *r, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = runs_unit(r);
}

static inline void runs_bell_floats(runs_random *r, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = runs_bell(r);
}

static inline void runs_sine(runs_random *r, double *v, size_t n)
{
    double phase = 7 * runs_unit(r);
    for (size_t i = 0; i < n; i++) v[i] = 50 + 20 * sin(phase + (double)i / 40);
}

static inline void runs_half_same_floats(runs_random *r, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = i && runs_unit(r) < .5 ? v[i - 1] : 1 + runs_unit(r);
}

static inline void runs_singles(runs_random *r, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = (double)(float)(100 * runs_unit(r));
}

static inline void runs_few_floats(runs_random *r, double *v, size_t n)
{
    double few[4];
    for (size_t i = 0; i < 4; i++) few[i] = runs_unit(r) * 100;
    for (size_t i = 0; i < n; i++) v[i] = few[runs_below(r, 4)];
}

static inline void runs_counter_with_stale(runs_random *r, double *v, size_t n)
{
    runs_counter(r, v, n);
    v[runs_below(r, (int64_t)n)] = mw_stale();
}

static inline void runs_large(runs_random *r, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) v[i] = 0x1p60 * (1 + runs_unit(r));
}

static inline void runs_any_bits(runs_random *r, double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = runs_next(r);
        memcpy(&v[i], &bits, sizeof bits);
    }
}

/* What no instrument makes, but a run must keep. */
static inline void runs_odd(runs_random *r, double *v, size_t n)
{
    static const uint64_t odd[] = {0,
                                   0x8000000000000000,
                                   MW_STALE_BITS,
                                   0x7ff8000000000001,
                                   0xfff8000000000000,
                                   0x7ff0000000000000,
                                   0xfff0000000000000,
                                   0x7ff0000000000001,
                                   1,
                                   0x7fefffffffffffff,
                                   0xffffffffffffffff,
                                   0x3ff0000000000000,
                                   0x43e0000000000000,
                                   0xc3e0000000000000,
                                   0x4340000000000001};
    int64_t how = 1 + runs_below(r, (int64_t)(sizeof odd / sizeof *odd));
    double share = runs_unit(r);
    runs_counter(r, v, n);
    for (size_t i = 0; i < n; i++)
        if (runs_unit(r) < share) memcpy(&v[i], &odd[runs_below(r, how)], sizeof *v);
}

static const struct runs_kind {
    const char *name;
    runs_values fill;
} runs_kinds[] = {
    {"zeros", runs_zero},
    {"constants", runs_constant},
    {"constant doubles", runs_constant_float},
    {"counters", runs_counter},
    {"counters, walking", runs_walk_counter},
    {"counters, one reset", runs_reset_counter},
    {"counters, a stale marker", runs_counter_with_stale},
    {"counters of cpu seconds", runs_cpu_seconds},
    {"counters of doubles", runs_float_counter},
    {"gauges in pages of 4096", runs_bytes},
    {"gauges, small", runs_small},
    {"gauges, seldom changing", runs_seldom},
    {"gauges in hundredths", runs_cents},
    {"gauges, a sine", runs_sine},
    {"doubles from 1 to 2", runs_mantissa},
    {"doubles from 0 to 1", runs_unit_floats},
    {"doubles around 0", runs_bell_floats},
    {"doubles, half repeat", runs_half_same_floats},
    {"doubles, four different", runs_few_floats},
    {"doubles from floats", runs_singles},
    {"doubles above 2^60", runs_large},
    {"any bits", runs_any_bits},
    {"odd values", runs_odd},
};
enum { RUNS_KINDS = sizeof runs_kinds / sizeof *runs_kinds };

/* -- times ---------------------------------------------------------------------------------- */

#define RUNS_START 1764000000123LL

static inline void runs_regular(runs_random *r, int64_t *t, size_t n)
{
    int64_t at = RUNS_START + runs_below(r, 15000);
    for (size_t i = 0; i < n; i++) t[i] = at + 15000 * (int64_t)i;
}

static inline void runs_jitter(runs_random *r, int64_t *t, size_t n)
{
    runs_regular(r, t, n);
    for (size_t i = 0; i < n; i++) t[i] += runs_below(r, 7) - 3;
}

static inline void runs_gaps(runs_random *r, int64_t *t, size_t n)
{
    int64_t at = RUNS_START;
    for (size_t i = 0; i < n; i++) {
        t[i] = at;
        at += 15000 * (runs_unit(r) < .02 ? 2 + runs_below(r, 4) : 1);
    }
}

static inline void runs_drift(runs_random *r, int64_t *t, size_t n)
{
    int64_t at = RUNS_START;
    for (size_t i = 0; i < n; i++) t[i] = at += 10000 + 5 + runs_below(r, 9);
}

static inline void runs_any_times(runs_random *r, int64_t *t, size_t n)
{
    int shift = (int)runs_below(r, 54);
    int64_t at = runs_below(r, 2) ? INT64_MIN : RUNS_START;
    for (size_t i = 0; i < n; i++) {
        t[i] = at;
        at += 1 + runs_below(r, 1LL << shift);
    }
}

static const struct runs_time {
    const char *name;
    void (*fill)(runs_random *r, int64_t *t, size_t n);
} runs_times[] = {
    {"regular", runs_regular}, {"jitter of 3 ms", runs_jitter}, {"with gaps", runs_gaps},
    {"drifting", runs_drift},  {"any", runs_any_times},
};
enum { RUNS_TIMES = sizeof runs_times / sizeof *runs_times };

#endif
