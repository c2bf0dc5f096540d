/* test_streams.c - however a query is computed, it says the same: rows that pass by one after the
 * other, in two threads, in windows that share their work, as the plain way of doing it.
 *
 * The plain way is had by label_replace, which needs all rows, and by asking for one step after the
 * other.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "promql/promql.h"
#include "tsdb/tsdb.h"

enum { SERIES = 4500, SAMPLES = 50, STEP = 15000, START = 1000000 };

static mw_tsdb *db;
static mw_promql *engine;

static uint64_t seed = 88172645463325252ULL;
static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static mw_labels *labels_of(int i)
{
    char job[16], host[16];
    snprintf(job, sizeof job, "j%d", i % 7);
    snprintf(host, sizeof host, "h%d", i);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("x_total")},
                    {MW_STR("job"), mw_str_of(job)},
                    {MW_STR("host"), mw_str_of(host)}};
    return mw_labels_new(l, 3, NULL);
}

/* Counters with resets and gaps, gauges with NaN and infinities, series that end. */
static void fill(mw_appender *a, int i)
{
    mw_labels *ls = labels_of(i);
    uint64_t ref = 0;
    double v = (double)(next_random() % 1000);
    int64_t phase = i % 100 < 90 ? i % 3 : (int64_t)(next_random() % STEP);
    for (int k = 0; k < SAMPLES; k++) {
        unsigned chance = (unsigned)(next_random() % 1000);
        v = chance < 5 ? 0 : v + (double)(next_random() % 97) / 7;
        double given = chance == 6 ? NAN : chance == 7 ? mw_stale() : v;
        if (i % 500 == 3 && chance > 950) given = INFINITY;
        if (chance >= 900 && chance < 920) continue;
        mw_appender_add(a, ls, &ref, START + (int64_t)k * STEP + phase, given);
        if (i % 11 == 0 && k == SAMPLES / 2) break;
    }
    mw_free(ls);
}

static int open_world(void **state)
{
    mw_tsdb_options o = {.clock = &mw_clock_system};
    (void)state;
    db = mw_tsdb_open(&o, NULL);
    assert_int_equal(mw_tsdb_recover(db, NULL), MW_OK);
    mw_appender *a = mw_appender_new(db);
    for (int i = 0; i < SERIES; i++) fill(a, i);
    assert_int_equal(mw_appender_commit(a, NULL), MW_OK);
    mw_appender_free(a);
    engine = mw_promql_new(NULL);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    mw_promql_free(engine);
    mw_tsdb_close(db);
    return 0;
}

static mw_promql_result *ask(const char *expr, bool range, int64_t start, int64_t end, int64_t step)
{
    mw_err err;
    mw_err_init(&err);
    mw_promql_query q = {.expr = mw_str_of(expr), .range = range, .start = start, .end = end};
    q.step = step;
    mw_promql_result *r = NULL;
    if (mw_promql_eval(engine, mw_tsdb_source(db), &q, &r, &err)) fail_msg("%s: %s", expr, err.msg);
    return r;
}

static bool near(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static void same_row(const char *expr, const mw_promql_row *a, const mw_promql_row *b)
{
    if (!mw_labels_eq(a->labels, b->labels) || a->n != b->n)
        fail_msg("%s: rows differ: %s: %zu and %s: %zu values, %g %g", expr,
                 mw_labels_find(a->labels, "host").p, a->n, mw_labels_find(b->labels, "host").p,
                 b->n, a->n ? a->v[0] : 0, b->n ? b->v[0] : 0);
    for (size_t k = 0; k < a->n; k++)
        if (a->t[k] != b->t[k] || !near(a->v[k], b->v[k]))
            fail_msg("%s: %.17g at %lld, not %.17g at %lld", expr, a->v[k], (long long)a->t[k],
                     b->v[k], (long long)b->t[k]);
}

static void same(const char *expr, const mw_promql_result *a, const mw_promql_result *b)
{
    if (a->n != b->n) fail_msg("%s: %zu rows, not %zu", expr, a->n, b->n);
    for (size_t i = 0; i < a->n; i++) same_row(expr, &a->rows[i], &b->rows[i]);
}

static const int64_t from = START + 60000, to = START + 700000, by = 97000;

/* EXPR and OTHER say the same. */
static void agree(const char *expr, const char *other, bool range)
{
    mw_promql_result *a = ask(expr, range, from + 90000, to, by);
    mw_promql_result *b = ask(other, range, from + 90000, to, by);
    same(expr, a, b);
    mw_promql_result_free(a);
    mw_promql_result_free(b);
}

static const char *const inner[] = {
    "x_total",
    "x_total offset 1m",
    "rate(x_total[2m])",
    "increase(x_total{job!=\"j1\"}[1m])",
    "delta(x_total[90s])",
    "max_over_time(x_total[3m])",
    "last_over_time(x_total[1m])",
    "abs(-rate(x_total[2m]) * 2)",
    "x_total > 500",
    "1 / x_total",
};

static void aggregations_of_passing_rows_are_those_of_all_rows(void **state)
{
    static const char *const op[] = {"sum",   "avg",    "min",    "max",  "count",
                                     "group", "stdvar", "stddev", "topk", "bottomk"};
    static const char *const by_what[] = {"", "by (job)", "without (host)", "by (host, none)"};
    (void)state;
    for (size_t o = 0; o < 10; o++)
        for (size_t g = 0; g < 4; g++)
            for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
                char a[200], b[300];
                const char *k = o < 8 ? "" : "3, ";
                snprintf(a, sizeof a, "%s %s (%s%s)", op[o], by_what[g], k, inner[i]);
                snprintf(b, sizeof b,
                         "%s %s (%slabel_replace(%s, \"none\", \"\", \"host\", \"no\"))", op[o],
                         by_what[g], k, inner[i]);
                agree(a, b, (o + g + i) % 2);
            }
}

/* The values of a range query, one instant query per step. */
static void windows_of_a_range_are_those_of_its_steps(void **state)
{
    static const char *const fn[] = {"rate",
                                     "increase",
                                     "delta",
                                     "irate",
                                     "sum_over_time",
                                     "avg_over_time",
                                     "min_over_time",
                                     "max_over_time",
                                     "count_over_time",
                                     "last_over_time",
                                     "first_over_time",
                                     "present_over_time",
                                     "resets",
                                     "changes",
                                     "stddev_over_time",
                                     "quantile_over_time"};
    (void)state;
    for (size_t f = 0; f < sizeof fn / sizeof *fn; f++)
        for (int w = 0; w < 3; w++) {
            char expr[120];
            snprintf(expr, sizeof expr, "%s(%sx_total{host=~\"h[0-9]{1,2}\"}[%s])", fn[f],
                     strcmp(fn[f], "quantile_over_time") ? "" : "0.3, ",
                     w == 0   ? "30s"
                     : w == 1 ? "2m"
                              : "9m");
            mw_promql_result *all = ask(expr, true, from, to, 15000);
            size_t points = 0, found = 0;
            for (size_t i = 0; i < all->n; i++) points += all->rows[i].n;
            for (int64_t t = from; t <= to; t += 15000) {
                mw_promql_result *at = ask(expr, false, t, t, 1);
                size_t row = 0;
                for (size_t i = 0; i < at->n; i++, found++) {
                    while (!mw_labels_eq(all->rows[row].labels, at->rows[i].labels)) row++;
                    const mw_promql_row *r = &all->rows[row];
                    size_t k = 0;
                    while (k < r->n && r->t[k] < t) k++;
                    if (k == r->n || !near(r->v[k], at->rows[i].v[0]))
                        fail_msg("%s at %lld: %.17g, not %.17g (%zu)", expr, (long long)t,
                                 k < r->n ? r->v[k] : -1, at->rows[i].v[0], k);
                }
                mw_promql_result_free(at);
            }
            assert_int_equal(points, found);
            mw_promql_result_free(all);
        }
}

static void equal_values_are_ranked_by_their_labels(void **state)
{
    (void)state;
    mw_promql_result *r = ask("topk(2, x_total * 0 + 1)", false, from, from, 1);
    assert_int_equal(r->n, 2);
    mw_promql_result *all = ask("x_total * 0 + 1 == 1", false, from, from, 1);
    for (size_t i = 0; i < 2; i++)
        assert_true(mw_labels_eq(r->rows[i].labels, all->rows[i].labels));
    mw_promql_result_free(r);
    mw_promql_result_free(all);
}

static size_t read_by(const char *expr)
{
    mw_promql_result *r = ask(expr, true, from, to, by);
    size_t n = r->samples_read;
    mw_promql_result_free(r);
    return n;
}

static void what_stands_twice_is_read_once(void **state)
{
    static const char once[] = "rate(x_total{job=\"j1\"}[2m])";
    char twice[200];
    (void)state;
    snprintf(twice, sizeof twice, "%s / %s", once, once);
    assert_int_equal(read_by(twice), read_by(once));
    snprintf(twice, sizeof twice, "sum(%s) > 0 and sum(%s) < 1e9 unless sum(%s) == 1", once, once,
             once);
    assert_int_equal(read_by(twice), read_by(once));
    snprintf(twice, sizeof twice, "%s - %s offset 1m", once, "x_total{job=\"j1\"}");
    assert_true(read_by(twice) > read_by(once));
    agree("x_total + x_total + x_total", "x_total * 3", true);
    agree("-x_total / (x_total + 1) - x_total",
          "label_replace(-x_total, \"a\", \"\", \"a\", \"b\") / (x_total + 1) - x_total", false);
}

/* Pieces of a selection that fail, fail the query, and leave nothing behind. */
static void a_budget_that_is_too_small_is_told(void **state)
{
    mw_promql_options o = {.max_samples = 20000};
    mw_promql *small = mw_promql_new(&o);
    mw_promql_query q = {.expr = MW_STR("sum(rate(x_total[5m]))"), .start = to};
    mw_promql_result *r = NULL;
    mw_err err;
    (void)state;
    mw_err_init(&err);
    assert_int_equal(mw_promql_eval(small, mw_tsdb_source(db), &q, &r, &err), MW_ELIMIT);
    assert_non_null(strstr(err.msg, "too many samples"));
    volatile int stop = 1;
    q.cancel = &stop;
    mw_err_init(&err);
    assert_int_equal(mw_promql_eval(engine, mw_tsdb_source(db), &q, &r, &err), MW_ECANCEL);
    mw_promql_free(small);
    o = (mw_promql_options){.max_bytes = 300000};
    small = mw_promql_new(&o);
    q = (mw_promql_query){.expr = MW_STR("sum by (host) (rate(x_total[5m]))"), .start = to};
    mw_err_init(&err);
    assert_int_equal(mw_promql_eval(small, mw_tsdb_source(db), &q, &r, &err), MW_ELIMIT);
    mw_promql_free(small);
}

/* Labels are made when a row is chosen: without room for those of the last one it is not left out
 * silently. */
static void labels_without_room_fail_the_query(void **state)
{
    static char long_text[300000];
    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("long")}, {MW_STR("l"), mw_str_of(long_text)}};
    mw_labels *ls = mw_labels_new(l, 2, NULL);
    mw_appender *a = mw_appender_new(db);
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add(a, ls, &ref, to, 1), MW_OK);
    assert_int_equal(mw_appender_commit(a, NULL), MW_OK);
    mw_appender_free(a);
    mw_free(ls);
    mw_promql *small = mw_promql_new(&(mw_promql_options){.max_bytes = 200000});
    mw_promql_query q = {.expr = MW_STR("topk(1, long)"), .start = to};
    mw_promql_result *r = NULL;
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(mw_promql_eval(small, mw_tsdb_source(db), &q, &r, &err), MW_ELIMIT);
    assert_non_null(strstr(err.msg, "room for labels"));
    mw_promql_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggregations_of_passing_rows_are_those_of_all_rows),
        cmocka_unit_test(windows_of_a_range_are_those_of_its_steps),
        cmocka_unit_test(equal_values_are_ranked_by_their_labels),
        cmocka_unit_test(what_stands_twice_is_read_once),
        cmocka_unit_test(labels_without_room_fail_the_query),
        cmocka_unit_test(a_budget_that_is_too_small_is_told),
    };
    return cmocka_run_group_tests_name("test_streams", tests, open_world, close_world);
}
