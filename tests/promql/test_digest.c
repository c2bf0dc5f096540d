/* test_digest.c - what the figures of blocks say of a long range is what its samples say.
 *
 * A query at one time may use figures, one over two steps never does: both must agree.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "promql/promql.h"
#include "store/folder.h"
#include "tsdb/tsdb.h"

enum { SERIES = 60, SAMPLES = 3000, STEP = 15000 };
static const int64_t start = 1700000000000;

static uint64_t seed = 88172645463325252ULL;
static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* What series number I is worth at its sample K: each kind of run there is. */
static double value(int i, int k, double before)
{
    uint64_t r = next_random() % 1000;
    switch (i % 6) {
    case 0: return before + (double)(r % 50);                         /* a counter */
    case 1: return r < 2 ? 0 : before + (double)(r % 50);             /* with resets */
    case 2: return r < 5 ? mw_stale() : (double)r / 7;                /* a gauge with markers */
    case 3: return r < 300 ? NAN : sin((double)k);                    /* mostly no numbers */
    case 4: return i % 12 == 4 ? 42 : (double)(r % 3);                /* hardly anything */
    default: return r < 3 ? INFINITY : r < 6 ? -INFINITY : (double)r; /* extremes */
    }
}

static void append(mw_tsdb *db, int from, int to)
{
    static double before[SERIES];
    mw_appender *a = mw_appender_new(db);
    for (int i = 0; i < SERIES; i++) {
        char text[16];
        uint64_t ref = 0;
        snprintf(text, sizeof text, "%d", i);
        mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("x_total")},
                        {MW_STR("n"), mw_str_of(text)}};
        mw_labels *ls = mw_labels_new(l, 2, NULL);
        for (int k = from; k < to; k++) {
            before[i] = value(i, k, mw_is_stale(before[i]) ? 0 : before[i]);
            if (i % 7 != 1 || k % 10)
                mw_appender_add(a, ls, &ref, start + (int64_t)k * STEP, before[i]);
        }
        mw_free(ls);
    }
    assert_int_equal(mw_appender_commit(a, NULL), MW_OK);
    mw_appender_free(a);
}

/* Samples between those that are in blocks already. */
static void append_late(mw_tsdb *db)
{
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("x_total")}, {MW_STR("n"), MW_STR("6")}};
    mw_labels *ls = mw_labels_new(l, 2, NULL);
    mw_appender *a = mw_appender_new(db);
    uint64_t ref = 0;
    for (int k = 0; k < 200; k++)
        mw_appender_add(a, ls, &ref, start + (int64_t)k * 7 * STEP + 5000, k);
    assert_int_equal(mw_appender_commit(a, NULL), MW_OK);
    mw_appender_free(a);
    mw_free(ls);
}

static mw_promql_result *ask(mw_promql *q, mw_tsdb *db, const char *expr, bool range, int64_t t)
{
    mw_promql_query query = {.expr = mw_str_of(expr), .range = range, .start = t, .end = t + 1};
    query.step = 1;
    mw_promql_result *r = NULL;
    mw_err err;
    mw_err_init(&err);
    if (mw_promql_eval(q, mw_tsdb_source(db), &query, &r, &err)) fail_msg("%s: %s", expr, err.msg);
    return r;
}

static void compare(const char *expr, const mw_promql_result *a, const mw_promql_result *b)
{
    if (a->n != b->n) fail_msg("%s: %zu rows, not %zu", expr, a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        double x = a->rows[i].v[0], y = b->rows[i].v[0];
        bool same = x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= 1e-9 * fabs(y);
        if (!mw_labels_eq(a->rows[i].labels, b->rows[i].labels) || !same)
            fail_msg("%s of %s: %.17g, not %.17g", expr, mw_labels_find(a->rows[i].labels, "n").p,
                     x, y);
    }
}

static void figures_say_what_samples_say(void **state)
{
    static const char *const fn[] = {
        "rate",          "increase",         "delta",           "min_over_time",
        "max_over_time", "count_over_time",  "first_over_time", "last_over_time",
        "resets",        "present_over_time"};
    char *dir = folder_new_quick();
    mw_tsdb_options o = {.dir = dir, .clock = &mw_clock_system, .out_of_order_ms = -1};
    mw_tsdb *db = mw_tsdb_open(&o, NULL);
    mw_promql *q = mw_promql_new(NULL);
    size_t plain = 0, digested = 0;
    (void)state;
    assert_int_equal(mw_tsdb_recover(db, NULL), MW_OK);
    append(db, 0, 1700);
    assert_int_equal(mw_tsdb_seal(db, NULL), MW_OK);
    append(db, 1700, 2500);
    append_late(db);
    assert_int_equal(mw_tsdb_seal(db, NULL), MW_OK);
    append(db, 2500, SAMPLES);
    for (size_t f = 0; f < sizeof fn / sizeof *fn; f++)
        for (int w = 0; w < 6; w++) {
            char expr[100];
            int64_t t = start + (int64_t)STEP * (SAMPLES - w * 333) - w * 777;
            snprintf(expr, sizeof expr, "%s(x_total[%s])", fn[f], w % 2 ? "11h" : "3h30m");
            mw_promql_result *a = ask(q, db, expr, false, t), *b = ask(q, db, expr, true, t);
            compare(expr, a, b);
            digested += a->samples_read;
            plain += b->samples_read;
            mw_promql_result_free(a);
            mw_promql_result_free(b);
        }
    assert_true(digested < plain * 3 / 4); /* figures were used */
    mw_promql_free(q);
    mw_tsdb_close(db);
    folder_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_say_what_samples_say)};
    return cmocka_run_group_tests_name("test_digest", tests, NULL, NULL);
}
