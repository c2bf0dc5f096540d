/* fuzz_packed.c - runs of samples: any bytes are decoded, and any samples come back bit by bit.
 *
 * The first two bytes are the number of samples; their highest bit says that the samples
 * themselves follow, a step and a value each, instead of a run.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/fuzz.h"
#include "tsdb/packed.h"

enum { STEP_BYTES = 4, SAMPLE_BYTES = STEP_BYTES + sizeof(double) };

typedef struct run {
    size_t n;
    int64_t *t; /* exactly N, so that a write behind them is seen */
    double *v;
} run;

static run run_new(size_t n)
{
    return (run){n, malloc(n * sizeof(int64_t)), malloc(n * sizeof(double))};
}

static void run_free(run *r)
{
    free(r->t);
    free(r->v);
}

static void round_trip(const run *r)
{
    mw_buf bytes = {0};
    mw_packed_encode(r->t, r->v, r->n, &bytes);
    char *exact = malloc(bytes.n);
    memcpy(exact, bytes.p, bytes.n);
    run back = run_new(r->n);
    MW_ASSERT(mw_packed_decode((mw_str){exact, bytes.n}, r->n, back.t, back.v) == MW_OK);
    MW_ASSERT(!memcmp(r->t, back.t, r->n * sizeof *r->t));
    MW_ASSERT(!memcmp(r->v, back.v, r->n * sizeof *r->v));
    mw_run_stats stats;
    mw_run_stats_of(back.t, back.v, back.n, &stats);
    MW_ASSERT(stats.n == r->n && stats.min_t == r->t[0] && stats.max_t == r->t[r->n - 1]);
    run_free(&back);
    free(exact);
    mw_buf_deinit(&bytes);
}

static void from_samples(const uint8_t *data, size_t n)
{
    run r = run_new(n);
    int64_t t = -(INT64_C(1) << 40);
    for (size_t i = 0; i < n; i++, data += SAMPLE_BYTES) {
        uint32_t step;
        memcpy(&step, data, sizeof step);
        r.t[i] = t += 1 + (int64_t)step;
        memcpy(&r.v[i], data + STEP_BYTES, sizeof *r.v);
    }
    round_trip(&r);
    run_free(&r);
}

static void from_bytes(mw_str bytes, size_t n)
{
    run r = run_new(n);
    int code = mw_packed_decode(bytes, n, r.t, r.v);
    MW_ASSERT(code == MW_OK || code == MW_ECORRUPT);
    bool ascending = true;
    for (size_t i = 1; code == MW_OK && i < n; i++) ascending = ascending && r.t[i - 1] < r.t[i];
    if (code == MW_OK && ascending) round_trip(&r);
    run_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2) return 0;
    size_t samples = data[0] | (size_t)(data[1] & 1) << 8;
    bool raw = data[1] & 0x80;
    data += 2;
    n -= 2;
    if (samples > MW_PACKED_MAX) samples = MW_PACKED_MAX;
    if (raw && samples > n / SAMPLE_BYTES) samples = n / SAMPLE_BYTES;
    if (!samples) return 0;
    if (raw)
        from_samples(data, samples);
    else
        from_bytes((mw_str){(const char *)data, n}, samples);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static double value(int shape, int i)
{
    switch (shape) {
    case 0: return 7;
    case 1: return i * 3;
    case 2: return i % 5 * 0.25 - 1;
    case 3: return 1e9 + i * 1000.125;
    case 4: return 1.0 / (i + 3);
    case 5: return i % 7 == 3 ? 0.0 / 0.0 : i;
    default: return i & 1 ? 1e300 : -0.0;
    }
}

static void write_seeds(void)
{
    for (int shape = 0; shape < 7; shape++) {
        int n = shape < 3 ? 120 : 40;
        char name[16];
        mw_buf b = {0};
        run r = run_new((size_t)n);
        for (int i = 0; i < n; i++) {
            r.t[i] = 1700000000000 + i * 15000 + (shape & 1 ? i * i % 7 : 0);
            r.v[i] = value(shape, i);
        }
        mw_buf_byte(&b, (char)n);
        mw_buf_byte(&b, 0);
        mw_packed_encode(r.t, r.v, r.n, &b);
        snprintf(name, sizeof name, "run%d", shape);
        fuzz_seed(name, b.p, b.n);
        mw_buf_reset(&b);
        mw_buf_byte(&b, (char)n);
        mw_buf_byte(&b, (char)0x80);
        for (int i = 0; i < n; i++) {
            mw_buf_add(&b, "\x97\x3a\0\0", STEP_BYTES);
            mw_buf_add(&b, &r.v[i], sizeof *r.v);
        }
        snprintf(name, sizeof name, "samples%d", shape);
        fuzz_seed(name, b.p, b.n);
        mw_buf_deinit(&b);
        run_free(&r);
    }
}

FUZZ_INITIALIZE(NULL, write_seeds)
