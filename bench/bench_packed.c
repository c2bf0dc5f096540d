/* bench_packed.c - what a sealed run takes on disk and to write and read, beside the open chunk.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "../tests/tsdb/runs.h"
#include "base/clock.h"
#include "base/mem.h"
#include "tsdb/chunk.h"
#include "tsdb/packed.h"

enum { RUNS = 100, ROUNDS = 20 };

typedef struct run {
    int64_t t[MW_PACKED_MAX];
    double v[MW_PACKED_MAX];
    size_t at, bytes; /* in the buffer */
} run;

typedef struct cost {
    double bytes, write_ns, read_ns; /* a sample */
} cost;

/* The best of the rounds: others share the machine. */
static void keep_least(double *least, int64_t start, double samples)
{
    double ns = (double)(mw_mono_ns() - start) / samples;
    if (*least == 0 || ns < *least) *least = ns;
}

static cost of_packed(run *runs, size_t n)
{
    cost c = {0};
    int64_t t[MW_PACKED_MAX];
    double v[MW_PACKED_MAX], samples = (double)n * RUNS;
    mw_buf out;
    mw_buf_init(&out);
    for (int k = 0; k < ROUNDS; k++) {
        int64_t start = mw_mono_ns();
        mw_buf_reset(&out);
        for (int i = 0; i < RUNS; i++) {
            runs[i].at = out.n;
            mw_packed_encode(runs[i].t, runs[i].v, n, &out);
            runs[i].bytes = out.n - runs[i].at;
        }
        keep_least(&c.write_ns, start, samples);
        start = mw_mono_ns();
        for (int i = 0; i < RUNS; i++)
            MW_ASSERT(!mw_packed_decode((mw_str){out.p + runs[i].at, runs[i].bytes}, n, t, v));
        keep_least(&c.read_ns, start, samples);
    }
    c.bytes = (double)out.n / samples;
    mw_buf_deinit(&out);
    return c;
}

static cost of_chunks(run *runs, size_t n)
{
    cost c = {0};
    int64_t t[MW_PACKED_MAX];
    double v[MW_PACKED_MAX], samples = (double)n * RUNS;
    mw_chunk *chunks[RUNS] = {0};
    for (int k = 0; k < ROUNDS; k++) {
        int64_t start = mw_mono_ns();
        for (int i = 0; i < RUNS; i++) {
            mw_last last = {0};
            mw_free(chunks[i]);
            chunks[i] = mw_chunk_new(NULL, MW_CHUNK_FLOATS, 0);
            for (size_t j = 0; j < n; j++)
                mw_chunk_append(NULL, &chunks[i], &last, runs[i].t[j], runs[i].v[j]);
        }
        keep_least(&c.write_ns, start, samples);
        start = mw_mono_ns();
        for (int i = 0; i < RUNS; i++) MW_ASSERT(mw_chunk_decode(chunks[i], t, v) == n);
        keep_least(&c.read_ns, start, samples);
    }
    for (int i = 0; i < RUNS; i++) {
        c.bytes += (chunks[i]->bits + 7) / 8 / samples;
        mw_free(chunks[i]);
    }
    return c;
}

static void measure(const char *values, const char *times, run *runs, size_t n)
{
    cost a = of_packed(runs, n), b = of_chunks(runs, n);
    printf("%-25s %-14s %4zu %8.3f %8.1f %8.2f   %8.3f %8.1f %8.2f\n", values, times, n, a.bytes,
           a.write_ns, a.read_ns, b.bytes, b.write_ns, b.read_ns);
}

static void fill_and_measure(const struct runs_kind *k, const struct runs_time *time, run *runs,
                             size_t n)
{
    runs_random r = {0x9e3779b97f4a7c15};
    for (int i = 0; i < RUNS; i++) {
        time->fill(&r, runs[i].t, n);
        k->fill(&r, runs[i].v, n);
    }
    measure(k->name, time->name, runs, n);
}

int main(void)
{
    static const size_t lengths[] = {120, 480};
    run *runs = mw_array(RUNS, sizeof *runs);
    printf("%-25s %-14s %4s %8s %8s %8s   %8s %8s %8s\n", "values", "times", "n", "bytes",
           "write ns", "read ns", "chunk", "write ns", "read ns");
    for (size_t l = 0; l < 2; l++) {
        for (int k = 0; k < RUNS_KINDS; k++)
            fill_and_measure(&runs_kinds[k], &runs_times[0], runs, lengths[l]);
        for (int k = 1; k < RUNS_TIMES; k++)
            fill_and_measure(&runs_kinds[0], &runs_times[k], runs, lengths[l]);
    }
    mw_free(runs);
    return 0;
}
