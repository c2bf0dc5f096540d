/* bench_append.c - what appending, holding and selecting samples costs.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tsdb/tsdb.h"

enum { SERIES = 100000, SAMPLES = 120, HOSTS = 500 };

static mw_labels *labels(unsigned i)
{
    char n[16], host[16], metric[24];
    snprintf(n, sizeof n, "%u", i);
    snprintf(host, sizeof host, "host-%u", i % HOSTS);
    snprintf(metric, sizeof metric, "bench_metric_%u", i / HOSTS);
    mw_label l[] = {
        {MW_STR(MW_METRIC_NAME), mw_str_of(metric)},
        {MW_STR("instance"), mw_str_of(host)},
        {MW_STR("job"), MW_STR("bench")},
        {MW_STR("region"), MW_STR("eu-west-1")},
        {MW_STR("env"), MW_STR("production")},
        {MW_STR("n"), mw_str_of(n)},
    };
    return mw_labels_new(l, sizeof l / sizeof *l, NULL);
}

static double value_at(unsigned series, int step)
{
    return series % 3 == 0 ? 1 : (double)step * (series % 100) + series;
}

static void fill(mw_tsdb *db, mw_labels **ls, uint64_t *ref)
{
    mw_appender *a = mw_appender_new(db);
    int64_t start = mw_mono_ns();
    for (unsigned i = 0; i < SERIES; i++) mw_appender_add(a, ls[i], &ref[i], 0, value_at(i, 0));
    printf("first sample of a new series of 6 labels: %.0f ns\n",
           (double)(mw_mono_ns() - start) / SERIES);
    start = mw_mono_ns();
    for (int step = 1; step < SAMPLES; step++)
        for (unsigned i = 0; i < SERIES; i++)
            mw_appender_add(a, ls[i], &ref[i], step * 15000, value_at(i, step));
    printf("sample by reference, %d series in turn: %.0f ns\n", SERIES,
           (double)(mw_mono_ns() - start) / ((double)SERIES * (SAMPLES - 1)));
    start = mw_mono_ns();
    for (unsigned i = 0; i < SERIES; i++) {
        uint64_t unknown = 0;
        mw_appender_add(a, ls[i], &unknown, SAMPLES * 15000, value_at(i, SAMPLES));
    }
    printf("sample by labels: %.0f ns\n", (double)(mw_mono_ns() - start) / SERIES);
    mw_appender_free(a);
}

static void weigh(mw_tsdb *db)
{
    mw_tsdb_stats st;
    mw_tsdb_stats_read(db, &st);
    printf("memory: %.0f bytes a series with %d samples, %.2f bytes a sample over all\n",
           (double)st.bytes / (double)st.series, SAMPLES + 1,
           (double)st.bytes / (double)st.samples);
}

static void read_all(mw_tsdb *db, const char *what, mw_match_op op, const char *name,
                     const char *value)
{
    mw_matcher m;
    mw_matcher_init(&m, op, mw_str_of(name), mw_str_of(value), NULL);
    mw_select sel = {.matchers = &m, .n = 1, .min_t = 0, .max_t = INT64_MAX};
    mw_source *source = mw_tsdb_source(db);
    mw_series_set *set;
    mw_series_view view;
    size_t series = 0, samples = 0;
    int64_t start = mw_mono_ns();
    source->select(source, &sel, &set, NULL);
    int64_t resolved = mw_mono_ns();
    while (set->next(set, &view, NULL) == 1) {
        series++;
        samples += view.n;
    }
    int64_t end = mw_mono_ns();
    set->close(set);
    mw_matcher_deinit(&m);
    printf("select %s: %zu series found in %.2f ms; read in %.1f ms, %.0f ns a series, %.1f ns a "
           "sample\n",
           what, series, (double)(resolved - start) / 1e6, (double)(end - resolved) / 1e6,
           (double)(end - resolved) / (double)series, (double)(end - resolved) / (double)samples);
}

int main(void)
{
    mw_tsdb_options o = {0};
    mw_tsdb *db = mw_tsdb_open(&o, NULL);
    mw_labels **ls = mw_array(SERIES, sizeof *ls);
    uint64_t *ref = mw_array(SERIES, sizeof *ref);
    for (unsigned i = 0; i < SERIES; i++) ls[i] = labels(i);
    fill(db, ls, ref);
    weigh(db);
    read_all(db, "one metric", MW_MATCH_EQ, "__name__", "bench_metric_7");
    read_all(db, "all by one value", MW_MATCH_EQ, "job", "bench");
    read_all(db, "by a regular expression", MW_MATCH_RE, "instance", "host-1.*");
    read_all(db, "all but one", MW_MATCH_NE, "n", "17");
    for (unsigned i = 0; i < SERIES; i++) mw_free(ls[i]);
    mw_free(ls);
    mw_free(ref);
    mw_tsdb_close(db);
    return 0;
}
