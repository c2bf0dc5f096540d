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

/* A great many samples in no order, and then step by step. */
static void a_quantile_of_a_long_range_takes_no_time(void **state)
{
    enum { MANY = 200000 };
    (void)state;
    struct mem_series *s = series("x", 0);
    for (int i = 0; i < MANY; i++) mem_add(s, i + 1, (double)((i * 7919) % MANY));
    assert_float_equal(value("quantile_over_time(0.5, x[1h])", MANY), (MANY - 1) / 2.0, 0);
    assert_float_equal(value("sum(quantile_over_time(1, x[100s:1s]))", MANY),
                       value("max_over_time(x[100s:1s])", MANY), 0);
    mw_promql_query q = {.expr = MW_STR("quantile_over_time(0, x[10s]) - min_over_time(x[10s])"),
                         .range = true,
                         .start = 1,
                         .end = MANY + 20000,
                         .step = 137};
    mw_promql_result *r;
    assert_int_equal(mw_promql_eval(engine, &mem.source, &q, &r, NULL), MW_OK);
    for (size_t i = 0; i < r->rows[0].n; i++) assert_float_equal(r->rows[0].v[i], 0, 0);
    assert_int_equal(r->rows[0].n, (MANY + 10000) / 137 + 1);
    mw_promql_result_free(r);
}

static void a_label_that_grows_without_end_is_refused(void **state)
{
    mw_buf expr = {0};
    mw_promql_result *r;
    mw_err err;
    (void)state;
    mw_buf long_value = {0};
    for (int i = 0; i < 5000; i++) mw_buf_byte(&long_value, 'a');
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("x")},
                    {MW_STR("n"), {long_value.p, long_value.n}}};
    mem_add(mem_series_get(&mem, mw_labels_new(l, 2, NULL)), 1, 1);
    mw_buf_text(&expr, "label_replace(x, \"n\", \"");
    for (int i = 0; i < 1000; i++) mw_buf_text(&expr, "$1");
    mw_buf_text(&expr, "\", \"n\", \"(.*)\")");
    mw_buf_byte(&expr, 0);
    assert_int_equal(ask(expr.p, 1, &r, &err), MW_ELIMIT);
    assert_non_null(strstr(err.msg, "label_replace() makes a label value of more than"));
    mw_buf_deinit(&expr);
    mw_buf_deinit(&long_value);
}

static void long_lists_of_names_are_refused_before_they_are_compared(void **state)
{
    static const char *const form[] = {"sum by (%s) (x)", "x * on (n) group_left (%s) x",
                                       "x and ignoring (%s) x"};
    (void)state;
    mem_add(series("x", 0), 1, 1);
    for (size_t f = 0; f < 3; f++)
        for (int n = 1000; n <= 1001; n++) {
            mw_buf names = {0}, expr = {0};
            mw_promql_result *r = NULL;
            mw_err err;
            for (int i = 0; i < n; i++) mw_buf_printf(&names, "%sa%d", i ? "," : "", i);
            mw_buf_printf(&expr, form[f], names.p);
            int code = ask(expr.p, 1, &r, &err);
            assert_int_equal(code, n == 1000 ? MW_OK : MW_EPARSE);
            if (code) assert_string_equal(err.msg, "more than 1000 label names in a list");
            mw_promql_result_free(r);
            mw_buf_deinit(&names);
            mw_buf_deinit(&expr);
        }
}

static void a_look_back_to_the_beginning_of_time_finds_what_is_there(void **state)
{
    mw_promql_query q = {.expr = MW_STR("x"), .range = true, .start = -5000, .end = -5000};
    mw_promql_result *r;
    (void)state;
    mem_add(series("x", 0), -1000000, 7);
    q.step = q.lookback_ms = INT64_MAX;
    assert_int_equal(mw_promql_eval(engine, &mem.source, &q, &r, NULL), MW_OK);
    assert_int_equal(r->n, 1);
    assert_float_equal(r->rows[0].v[0], 7, 0);
    mw_promql_result_free(r);
}

static void short_patterns_that_become_long_programs_are_counted(void **state)
{
    mw_buf b = {0};
    mw_promql_result *r;
    mw_err err;
    (void)state;
    mw_buf_text(&b, "x{");
    for (int i = 0; i < 3000; i++) mw_buf_printf(&b, "n=~\"([xz]|y%d){999}\",", i);
    mw_buf_byte(&b, '}');
    mw_buf_byte(&b, 0);
    assert_int_equal(ask(b.p, 1, &r, &err), MW_EPARSE);
    assert_string_equal(err.msg, "regular expressions need more than 32 MiB of memory");
    mw_buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sum_within_a_sum_leaves_no_selection_open, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_quantile_of_a_long_range_takes_no_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(long_lists_of_names_are_refused_before_they_are_compared,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_look_back_to_the_beginning_of_time_finds_what_is_there,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_patterns_that_become_long_programs_are_counted,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_label_that_grows_without_end_is_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("test_budgets", tests, NULL, NULL);
}
