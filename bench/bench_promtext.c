/* bench_promtext.c - how fast a repeated page goes from text into the store.
 *
 *     bench_promtext [series]      prints GB/s and samples/s of pages as a target repeats them
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/ingest.h"

enum { PAGES = 40, STEP_MS = 15000 };

static void write_page(mw_buf *b, size_t series, int page)
{
    static const char *const modes[] = {"idle", "user", "system", "iowait", "irq"};
    mw_buf_reset(b);
    for (size_t i = 0; i < series; i++) {
        if (i % 40 == 0)
            mw_buf_printf(b,
                          "# HELP node_family_%zu_total Seconds spent in each mode.\n"
                          "# TYPE node_family_%zu_total counter\n",
                          i / 40, i / 40);
        mw_buf_printf(
            b, "node_family_%zu_total{cpu=\"%zu\",device=\"/dev/sd%c\",mode=\"%s\"} %zu.%02d\n",
            i / 40, i % 40, (char)('a' + i % 7), modes[i % 5], i * 37 + (size_t)page, page);
    }
}

int main(int argc, char **argv)
{
    size_t series = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    mw_err err;
    mw_err_init(&err);
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, (int64_t)PAGES * STEP_MS);
    mw_tsdb *db =
        mw_tsdb_open(&(mw_tsdb_options){.clock = &clock.clock, .out_of_order_ms = -1}, &err);
    if (!db) return fprintf(stderr, "%s\n", err.msg), 1;
    mw_ingest in = {.tsdb = db, .clock = &clock.clock};
    mw_promtext *p = mw_promtext_new(&in, NULL, false);
    mw_ingest_result result;
    mw_buf page;
    mw_buf_init(&page);
    size_t bytes = 0;
    int64_t ns = 0;
    for (int i = 0; i <= PAGES; i++) {
        write_page(&page, series, i);
        int64_t start = mw_mono_ns();
        if (mw_promtext_page(p, (mw_str){page.p, page.n}, (int64_t)i * STEP_MS, 0, &result, &err))
            return fprintf(stderr, "%s\n", err.msg), 1;
        if (i == 0) continue; /* the first page creates the series */
        ns += mw_mono_ns() - start;
        bytes += page.n;
    }
    printf("promtext: %zu series, %.2f GB/s, %.1f M samples/s, %.0f ns a sample\n", series,
           (double)bytes / (double)ns, (double)series * PAGES * 1e3 / (double)ns,
           (double)ns / (double)(series * PAGES));
    mw_buf_deinit(&page);
    mw_promtext_free(p);
    mw_tsdb_close(db);
    return 0;
}
