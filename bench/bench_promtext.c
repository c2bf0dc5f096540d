/* bench_promtext.c - how fast a repeated page goes from text into the store.
 *
 *     bench_promtext [series]      prints GB/s and samples/s of pages as a target repeats them
 *
 * Reading alone is seen with a limit that only the last sample of a page exceeds: then all of it is
 * read and nothing stored.  The best of all pages counts.
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

static int64_t page_ns(mw_promtext *p, const mw_buf *page, int i, size_t limit, int expected)
{
    mw_ingest_result result;
    mw_err err;
    mw_err_init(&err);
    int64_t start = mw_mono_ns();
    int code =
        mw_promtext_page(p, (mw_str){page->p, page->n}, (int64_t)i * STEP_MS, limit, &result, &err);
    int64_t ns = mw_mono_ns() - start;
    if (code == expected && !result.rejected) return ns;
    fprintf(stderr, "%s\n", code ? err.msg : result.first.msg);
    exit(1);
}

static void print(const char *what, size_t series, size_t bytes, int64_t ns)
{
    printf("  %-8s %.2f GB/s, %.1f M samples/s, %.1f ns a sample\n", what,
           (double)bytes / (double)ns, (double)series * 1e3 / (double)ns,
           (double)ns / (double)series);
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
    if (!db || mw_tsdb_recover(db, &err)) return fprintf(stderr, "%s\n", err.msg), 1;
    mw_ingest in = {.tsdb = db, .clock = &clock.clock};
    mw_promtext *p = mw_promtext_new(&in, NULL, false);
    mw_buf page;
    mw_buf_init(&page);
    int64_t read = INT64_MAX, all = INT64_MAX;
    for (int i = 0; i <= PAGES; i++) {
        write_page(&page, series, i);
        int64_t alone = i ? page_ns(p, &page, i, series - 1, MW_ELIMIT) : INT64_MAX;
        int64_t whole = page_ns(p, &page, i, 0, MW_OK);
        if (alone < read) read = alone;
        if (i && whole < all) all = whole; /* the first page creates the series */
    }
    printf("promtext: %zu series, pages of %zu KB\n", series, page.n / 1000);
    print("reading", series, page.n, read);
    print("all", series, page.n, all);
    mw_buf_deinit(&page);
    mw_promtext_free(p);
    mw_tsdb_close(db);
    return 0;
}
