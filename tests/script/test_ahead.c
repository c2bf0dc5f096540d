/* test_ahead.c - promises of windows: whoever asks at even distances gets what instant queries
 * give, whether a second thread works beside or not, and may leave at any time.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/mem.h"
#include "script/ahead.h"
#include "script/signals.h"

enum { STEP = 15000, STEPS = 9000, SERIES = 3 };
static const int64_t start = 1760000000000;

static const char *const exprs[] = {
    "x", "sum(x)", "rate(x[5m]) > 0.2", "x{i=\"1\"} % 7 == 3", "vector(time())", "absent(y)", "y",
};
enum { EXPRS = sizeof exprs / sizeof *exprs };

static int setup(void **state)
{
    mw_host *h = mw_zalloc(sizeof *h);
    h->clock = &mw_clock_system;
    h->tsdb = mw_tsdb_open(&(mw_tsdb_options){0}, NULL);
    h->source = mw_tsdb_source(h->tsdb);
    h->promql = mw_promql_new(NULL);
    mw_appender *a = mw_appender_new(h->tsdb);
    for (int i = 0; i < SERIES; i++) {
        char name[2] = {(char)('0' + i), 0};
        mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("x")}, {MW_STR("i"), mw_str_of(name)}};
        mw_labels *ls = mw_labels_new(l, 2, NULL);
        uint64_t ref = 0;
        for (int s = 0; s < STEPS; s++)
            if (s % 1000 > 30 * i) /* gaps */
                mw_appender_add(a, ls, &ref, start + (int64_t)s * STEP, (s * (i + 1)) % 4000);
        mw_free(ls);
    }
    assert_int_equal(mw_appender_commit(a, NULL), MW_OK);
    mw_appender_free(a);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    mw_host *h = *state;
    mw_promql_free(h->promql);
    mw_tsdb_close(h->tsdb);
    mw_free(h);
    return 0;
}

static mw_ahead *begin(mw_host *h, bool beside)
{
    return mw_ahead_new(NULL, 0, start + (int64_t)STEPS * STEP, beside ? h : NULL);
}

static void assert_as_alone(mw_host *h, const char *expr, int64_t t, const mw_promql_result *got)
{
    mw_promql_query q = {.expr = mw_str_of(expr), .start = t, .end = t};
    mw_promql_result *alone;
    assert_int_equal(mw_promql_eval(h->promql, h->source, &q, &alone, NULL), MW_OK);
    assert_int_equal(got->n, alone->n);
    for (size_t i = 0; i < got->n; i++) {
        assert_true(mw_labels_eq(got->rows[i].labels, alone->rows[i].labels));
        assert_float_equal(got->rows[i].v[0], alone->rows[i].v[0], 1e-9);
    }
    mw_promql_result_free(alone);
}

/* All expressions, moment by moment; every 41st moment is compared. */
static void walk(mw_host *h, mw_ahead *a, int moments)
{
    for (int s = 0; s < moments; s++)
        for (int e = 0; e < EXPRS; e++) {
            int64_t t = start + (int64_t)s * STEP;
            mw_ahead_item *it = mw_ahead_find(a, mw_str_of(exprs[e]), false, NAN, NAN);
            mw_promql_result *got = mw_ahead_at(a, it, h, t, NULL);
            assert_non_null(got);
            if (s % 41 == 0) assert_as_alone(h, exprs[e], t, got);
            mw_promql_result_free(got);
        }
}

static void windows_give_what_instant_queries_give(void **state)
{
    for (int beside = 0; beside < 2; beside++) {
        mw_ahead *a = begin(*state, beside);
        mw_ahead_stats s;
        walk(*state, a, STEPS);
        mw_ahead_stats_read(a, &s);
        assert_true(s.instants < EXPRS * 20 && s.steps > EXPRS * (STEPS - 20));
        mw_ahead_free(a);
    }
}

static void who_leaves_in_the_middle_leaves_nothing_behind(void **state)
{
    for (int moments = 1; moments < 700; moments += 53) {
        mw_ahead *a = begin(*state, true);
        walk(*state, a, moments);
        mw_ahead_free(a);
    }
}

static void who_goes_another_way_than_was_foreseen_gets_his_answer(void **state)
{
    mw_ahead *a = begin(*state, true);
    int64_t t = start;
    for (int i = 0; i < 2000; i++) {
        t += i % 97 == 0 ? 3 * STEP : STEP;
        for (int e = 0; e < EXPRS; e++) {
            mw_ahead_item *it = mw_ahead_find(a, mw_str_of(exprs[e]), false, NAN, NAN);
            mw_promql_result *got = mw_ahead_at(a, it, *state, t, NULL);
            if (i % 13 == 0) assert_as_alone(*state, exprs[e], t, got);
            mw_promql_result_free(got);
        }
    }
    mw_ahead_free(a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(windows_give_what_instant_queries_give),
        T(who_leaves_in_the_middle_leaves_nothing_behind),
        T(who_goes_another_way_than_was_foreseen_gets_his_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
