/* bench_query.c - what queries over N series (default 20000) of one hour at 15 s cost, first from
 * memory, then from a block.  Wall time, the best of five; ns of each sample that was read.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "../tests/store/folder.h"
#include "base/clock.h"
#include "base/mem.h"
#include "promql/promql.h"
#include "tsdb/tsdb.h"

enum { SAMPLES = 240, STEP_MS = 15000, ROUNDS = 5 };
static const int64_t start = 1700000000000;

static const struct {
    const char *expr;
    bool range;
} queries[] = {
    {"x_total", false},
    {"sum(rate(x_total[5m]))", false},
    {"sum by (job) (rate(x_total[5m]))", true},
    {"avg without (instance) (x_total)", true},
    {"topk(10, rate(x_total[5m]))", false},
    {"rate(x_total[5m]) / on (instance) group_left () x_total", false},
    {"max_over_time(x_total[1h])", false},
    {"sum by (job) (avg_over_time(x_total[30m]))", true},
    {"sum by (job) (quantile_over_time(0.9, x_total[30m]))", true},
    {"max_over_time(sum by (job) (rate(x_total[1m]))[30m:1m])", false},
};

static void fill(mw_tsdb *db, size_t series)
{
    char job[32], instance[32];
    mw_appender *a = mw_appender_new(db);
    for (size_t i = 0; i < series; i++) {
        snprintf(job, sizeof job, "job-%zu", i % 10);
        snprintf(instance, sizeof instance, "host-%zu", i);
        mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("x_total")},
                        {MW_STR("job"), mw_str_of(job)},
                        {MW_STR("instance"), mw_str_of(instance)},
                        {MW_STR("zone"), MW_STR("here")}};
        mw_labels *ls = mw_labels_new(l, 4, NULL);
        uint64_t ref = 0;
        for (int k = 0; k < SAMPLES; k++)
            mw_appender_add(a, ls, &ref, start + (int64_t)k * STEP_MS,
                            (double)(k * (long)(i % 97)));
        mw_free(ls);
    }
    MW_ASSERT(mw_appender_commit(a, NULL) == MW_OK);
    mw_appender_free(a);
}

static void measure(mw_promql *engine, mw_tsdb *db, const char *expr, bool range)
{
    int64_t end = start + (int64_t)(SAMPLES - 1) * STEP_MS, best = INT64_MAX;
    mw_promql_query q = {.expr = mw_str_of(expr), .range = range, .start = end, .end = end};
    size_t samples = 0;
    if (range) q.start = start, q.step = STEP_MS;
    for (int round = 0; round < ROUNDS; round++) {
        mw_promql_result *r;
        mw_err err;
        mw_err_init(&err);
        int64_t from = mw_mono_ns();
        if (mw_promql_eval(engine, mw_tsdb_source(db), &q, &r, &err) != MW_OK) {
            fprintf(stderr, "%s: %s\n", expr, err.msg);
            return;
        }
        int64_t took = mw_mono_ns() - from;
        if (took < best) best = took;
        samples = r->samples_read;
        mw_promql_result_free(r);
    }
    printf("%-58s %s %8.2f ms %7.2f ns a sample\n", expr, range ? "range  " : "instant",
           (double)best / 1e6, (double)best / (double)samples);
}

int main(int argc, char **argv)
{
    size_t series = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
    char *dir = folder_new();
    mw_tsdb_options o = {.dir = dir, .clock = &mw_clock_system, .sync_ms = 50};
    mw_tsdb *db = mw_tsdb_open(&o, NULL);
    mw_promql *engine = mw_promql_new(&(mw_promql_options){.max_samples = (size_t)1 << 40});
    MW_ASSERT(db && mw_tsdb_recover(db, NULL) == MW_OK);
    fill(db, series);
    for (int sealed = 0; sealed < 2; sealed++) {
        printf("%zu series x %d samples, %s\n", series, SAMPLES, sealed ? "a block" : "memory");
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            measure(engine, db, queries[i].expr, queries[i].range);
        if (!sealed) {
            MW_ASSERT(mw_tsdb_seal(db, NULL) == MW_OK);
            mw_tsdb_tick(db);
        }
    }
    mw_promql_free(engine);
    mw_tsdb_close(db);
    folder_free(dir);
    return 0;
}
