/* bench_pages.c - what the pages of real targets become: memory, journal, block.
 *
 *     bench_pages [COPIES] PAGE...     pages of one target in their order, as COPIES (20) instances
 *                                      would say them every 15 s
 *
 * Pages of a node_exporter:
 *
 *     for i in $(seq -w 240); do curl -s 127.0.0.1:9100/metrics >page.$i; sleep 1; done
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "ingest/ingest.h"

enum { STEP_MS = 15000, COPIES = 20 };
static const int64_t start_ms = 1760000000000;

static double cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_page(const char *path, mw_buf *b)
{
    FILE *f = fopen(path, "rb");
    char piece[65536];
    mw_buf_reset(b);
    for (size_t n; f && (n = fread(piece, 1, sizeof piece, f)) > 0;) mw_buf_add(b, piece, n);
    if (!f || fclose(f)) {
        perror(path);
        exit(1);
    }
}

static mw_promtext **make_targets(mw_ingest *in, int copies)
{
    mw_promtext **targets = mw_array((size_t)copies, sizeof(mw_promtext *));
    for (int i = 0; i < copies; i++) {
        char instance[32];
        snprintf(instance, sizeof instance, "10.0.%d.%d:9100", i >> 8, i & 255);
        mw_label l[] = {{mw_str_of("instance"), mw_str_of(instance)},
                        {mw_str_of("job"), mw_str_of("node")}};
        mw_labels *extra = mw_labels_new(l, 2, NULL);
        targets[i] = mw_promtext_new(in, extra, false);
        mw_free(extra);
    }
    return targets;
}

static void take(mw_promtext *p, mw_str page, int64_t t)
{
    mw_ingest_result result;
    mw_err err;
    mw_err_init(&err);
    if (mw_promtext_page(p, page, t, 0, &result, &err) || result.rejected) {
        fprintf(stderr, "%s\n", result.rejected ? result.first.msg : err.msg);
        exit(1);
    }
}

static void report(mw_tsdb *db, double cpu)
{
    mw_tsdb_stats st;
    mw_tsdb_stats_read(db, &st);
    double samples = (double)st.samples, series = (double)st.series;
    printf("%.0f series, %.1f M samples: %.0f ns a sample\n", series, samples / 1e6,
           cpu / samples * 1e9);
    printf("  in memory: %.2f bytes a sample, %.0f a series\n", (double)st.bytes / samples,
           (double)st.bytes / series);
    printf("  journal: %.2f bytes a sample\n", (double)st.journal_bytes / samples);
    mw_tsdb_seal(db, NULL);
    mw_tsdb_stats_read(db, &st);
    printf("  block: %.2f bytes a sample, %.0f a series\n", (double)st.block_bytes / samples,
           (double)st.block_bytes / series);
}

static void measure(int copies, char **pages, int n)
{
    char dir[] = "/tmp/mw-bench-pages-XXXXXX", command[64];
    mw_clock_manual clock;
    mw_err err;
    mw_err_init(&err);
    mw_clock_manual_init(&clock, start_ms);
    if (!mkdtemp(dir)) exit(1);
    mw_tsdb_options o = {.dir = dir, .sync_ms = 50, .clock = &clock.clock};
    mw_tsdb *db = mw_tsdb_open(&o, &err);
    if (!db || mw_tsdb_recover(db, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    mw_ingest in = {.tsdb = db, .clock = &clock.clock};
    mw_promtext **targets = make_targets(&in, copies);
    mw_buf page = {0};
    double cpu = 0;
    for (int i = 0; i < n; i++) {
        int64_t t = start_ms + (int64_t)i * STEP_MS;
        mw_clock_manual_set(&clock, t);
        read_page(pages[i], &page);
        double began = cpu_seconds();
        for (int k = 0; k < copies; k++) take(targets[k], (mw_str){page.p, page.n}, t + k * 7);
        cpu += cpu_seconds() - began;
    }
    report(db, cpu);
    for (int k = 0; k < copies; k++) mw_promtext_free(targets[k]);
    mw_free(targets);
    mw_buf_deinit(&page);
    mw_tsdb_close(db);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command)) exit(1);
}

int main(int argc, char **argv)
{
    int copies = argc > 1 && isdigit((unsigned char)argv[1][0]) ? atoi(argv[1]) : 0;
    char **pages = argv + 1 + (copies > 0);
    int n = argc - 1 - (copies > 0);
    mw_log_setup(MW_ERROR, false);
    if (n > 0)
        measure(copies ? copies : COPIES, pages, n);
    else
        puts("usage: bench_pages [COPIES] PAGE...   pages of one target, in their order");
    return 0;
}
