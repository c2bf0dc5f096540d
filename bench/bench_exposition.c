/* bench_exposition.c - what writing a page costs.  SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/clock.h"
#include "metrics/registry.h"

enum { COUNTERS = 400, HISTOGRAMS = 20, PAGES = 200 };

static mw_registry *filled(void)
{
    mw_registry *reg = mw_registry_new(0);
    char name[32], value[32];
    for (int i = 0; i < COUNTERS; i++) {
        snprintf(name, sizeof name, "bench_%d_total", i / 8);
        snprintf(value, sizeof value, "value-%d", i % 8);
        mw_counter_add(mw_counter(reg, name, "A counter of the bench.", "label", value, NULL),
                       i * 1.25);
    }
    for (int i = 0; i < HISTOGRAMS; i++) {
        snprintf(value, sizeof value, "/path/%d", i);
        mw_series *h =
            mw_histogram(reg, "bench_seconds", "A histogram of the bench.", "path", value, NULL);
        for (int k = 0; k < 100; k++) mw_histogram_observe(h, k * 0.0173);
    }
    return reg;
}

static void measure(mw_registry *reg, mw_exposition format, const char *what)
{
    mw_buf b;
    mw_buf_init(&b);
    int64_t least = INT64_MAX;
    size_t lines = 0;
    for (int i = 0; i < PAGES; i++) {
        mw_buf_reset(&b);
        int64_t start = mw_mono_ns();
        mw_registry_expose(reg, format, &b);
        int64_t took = mw_mono_ns() - start;
        if (took < least) least = took;
    }
    for (size_t i = 0; i < b.n; i++) lines += b.p[i] == '\n';
    printf("%s page of %zu lines, %zu bytes: %.1f us, %.0f ns a line, %.2f GB/s\n", what, lines,
           b.n, (double)least / 1000, (double)least / (double)lines, (double)b.n / (double)least);
    mw_buf_deinit(&b);
}

int main(void)
{
    mw_registry *reg = filled();
    measure(reg, MW_TEXT_004, "text 0.0.4");
    measure(reg, MW_OPENMETRICS_100, "OpenMetrics");
    mw_registry_free(reg);
    return 0;
}
