/* test_budgets.c - what an attacker, or a tired person, would ask: it is answered or refused, and
 * leaves nothing open behind it.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>
#include <stdio.h>

#include "memsource.h"
#include "promql/promql.h"

static struct mem_source mem;
static mw_promql *engine;

/* The series NAME{n="NUMBER"}, which takes samples. */
static struct mem_series *series(const char *name, int number)
{
    char n[16];
    snprintf(n, sizeof n, "%d", number);
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), mw_str_of(name)}, {MW_STR("n"), mw_str_of(n)}};
    return mem_series_get(&mem, mw_labels_new(l, 2, NULL));
}

static int set_up(void **state)
{
    (void)state;
    mem_init(&mem);
    engine = mw_promql_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mem_deinit(&mem);
    mw_promql_free(engine);
    return 0;
}

static int ask(const char *expr, int64_t at, mw_promql_result **r, mw_err *err)
{
    mw_promql_query q = {.expr = mw_str_of(expr), .start = at};
    mw_err_init(err);
    return mw_promql_eval(engine, &mem.source, &q, r, err);
}

static double value(const char *expr, int64_t at)
{
    mw_promql_result *r;
    mw_err err;
    if (ask(expr, at, &r, &err)) fail_msg("%s: %s", expr, err.msg);
    assert_int_equal(mem.open, 0);
    assert_int_equal(r->n, 1);
    double v = r->rows[0].v[0];
    mw_promql_result_free(r);
    return v;
}

static void a_sum_within_a_sum_leaves_no_selection_open(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        mem_add(series("x", i), 1000, i);
        mem_add(series("y", i), 1000, 0.5);
    }
    assert_float_equal(value("sum(x > scalar(sum(y)))", 2000), 7, 0);
    assert_float_equal(value("sum(quantile_over_time(scalar(sum(y)) - 2, x[1m]))", 2000), 10, 0);
    assert_float_equal(value("max(x + scalar(sum(y + scalar(max(x)))))", 2000), 26.5, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sum_within_a_sum_leaves_no_selection_open, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("test_budgets", tests, NULL, NULL);
}
