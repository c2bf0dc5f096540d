/* test_explain.c - queries explained: what is counted, what is said.  SPDX-License-Identifier: MIT
 */
#include "test.h"

/* after test.h */
#include "base/arena.h"
#include "base/json.h"
#include "memsource.h"
#include "promql/promql.h"
#include "promql/querylog.h"

static mw_promql *engine;

static struct mem_source *world(void)
{
    static const char *const lines[] = {
        "up{job=\"a\"} 1x30",
        "up{job=\"b\"} 0 1 stale 1 _ 1x20",
        "http_total{job=\"a\",code=\"200\"} 0+10x30",
        "http_total{job=\"a\",code=\"500\"} 0+1x30",
        "http_total{job=\"b\",code=\"200\"} 0+1x30",
    };
    struct mem_source *m = mw_zalloc(sizeof *m);
    mem_init(m);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_true(mem_load(m, lines[i], 60000));
    return m;
}

static mw_buf explain(const char *expr, bool range, bool analyze)
{
    struct mem_source *m = world();
    mw_buf out = {0};
    mw_err err;
    mw_err_init(&err);
    mw_promql_query q = {
        .expr = mw_str_of(expr), .range = range, .start = 600000, .end = 1200000, .step = 60000};
    if (mw_promql_explain(engine, &m->source, &q, analyze, &out, &err))
        fail_msg("%s: %s", expr, err.msg);
    assert_int_equal(m->open, 0);
    mem_deinit(m);
    mw_free(m);
    mw_arena *arena = mw_arena_new(0); /* it is JSON as a whole */
    mw_json j;
    mw_json_init(&j, (mw_str){out.p, out.n}, arena, NULL);
    mw_json_skip(&j);
    assert_int_equal(mw_json_end(&j), MW_OK);
    mw_arena_free(arena);
    return out;
}

static void has(const mw_buf *b, const char *text)
{
    if (!strstr(b->p, text)) fail_msg("no %s in: %s", text, b->p);
}

static void says(const char *expr, bool range, const char *text)
{
    mw_buf b = explain(expr, range, true);
    has(&b, text);
    mw_buf_deinit(&b);
}

/* -- what is counted ------------------------------------------------------------------------ */

static void each_node_tells_its_rows_series_and_samples(void **state)
{
    (void)state;
    mw_buf b = explain("sum by (job) (rate(http_total[5m]))", true, true);
    has(&b,
        "{\"query\":\"sum by (job) (rate(http_total[5m]))\",\"analyzed\":true,\"type\":"
        "\"vector\",\"start\":600,\"end\":1200,\"step\":60,\"steps\":11,\"totals\":{\"rows\":2,");
    has(&b, "\"series\":3,\"samples\":45,\"peakBytes\":");
    has(&b, "\"kind\":\"aggregation\",\"does\":\"sum by (job): 3 \u2192 2 rows\"");
    has(&b, "\"does\":\"rate over 5m, a window that slides: 3 \u2192 3 rows\"");
    has(&b, "\"does\":\"range selector, 1 matcher, over 5m: 3 series, 45 samples\"");
    has(&b, "\"rows\":2,\"series\":3,\"samples\":45,");
    has(&b, "\"rows\":3,\"series\":3,\"samples\":45,");
    mw_buf_deinit(&b);
}

static void rows_without_a_value_are_not_counted(void **state)
{
    (void)state;
    says("http_total > 1000", false, "a number with each row: 3 \u2192 0 rows");
    says("up == 1", false, "2 \u2192 2 rows");
}

static void both_sides_of_an_operator_are_counted(void **state)
{
    (void)state;
    says("http_total / on (job) group_left up", true,
         "/ on (job) group_left (), many rows with one: 3 and 2 \u2192 3 rows");
    says("up and up", true, "and, two sets: 2 and 2 \u2192 2 rows");
    says("up - up", true, "-, rows one to one: 2 and 2 \u2192 2 rows");
    says("1 + time()", true, "+, two numbers");
}

static void what_does_not_move_is_computed_once(void **state)
{
    (void)state;
    mw_buf b = explain("up / scalar(sum(http_total @ end()))", true, true);
    has(&b,
        "\"does\":\"sum: 3 \u2192 1 row; computed once: does not depend on time\",\"once\":true,"
        "\"calls\":1,\"steps\":1,");
    mw_buf_deinit(&b);
}

static void a_subquery_tells_its_steps(void **state)
{
    (void)state;
    mw_buf b = explain("max_over_time(sum(up)[10m:1m])", true, true);
    has(&b, "subquery over 10m: its expression at 21 steps of 1m");
    has(&b, "max_over_time over 10m");
    mw_buf_deinit(&b);
}

static void shares_are_parts_of_the_whole(void **state)
{
    (void)state;
    mw_buf b = explain("topk(1, -up) or label_replace(up, \"a\", \"b\", \"\", \"\") or absent(x)",
                       true, true);
    double sum = 0;
    for (const char *at = b.p; (at = strstr(at, "\"share\":")); at++) sum += atof(at + 8);
    assert_true(sum > 0 && sum <= 1.001);
    mw_buf_deinit(&b);
}

static void a_range_vector_at_the_top_is_explained_too(void **state)
{
    (void)state;
    says("http_total[5m]", false, "range selector, 1 matcher, over 5m: 3 series, 15 samples");
    says("timestamp(up)", false, "selector, 1 matcher: 2 series");
    says("2", true, "\"kind\":\"number\",\"does\":\"a number\"");
}

/* -- only the plan -------------------------------------------------------------------------- */

static void a_plan_reads_nothing_and_is_not_remembered(void **state)
{
    (void)state;
    mw_buf b = explain("sum(plan_only_metric offset 5m)", true, false);
    has(&b, "\"analyzed\":false,");
    has(&b, "\"does\":\"sum\",\"once\":false,\"hints\":[],\"children\":[{");
    has(&b, "\"does\":\"selector, 1 matcher\"");
    assert_null(strstr(b.p, "\"totals\""));
    assert_null(strstr(b.p, "\"seconds\""));
    assert_int_equal(mw_querylog_use(mw_promql_log(engine), MW_STR("plan_only_metric")).count, 0);
    mw_buf_deinit(&b);
    b = explain("sum(analyzed_metric)", true, true);
    assert_int_equal(mw_querylog_use(mw_promql_log(engine), MW_STR("analyzed_metric")).count, 1);
    mw_buf_deinit(&b);
}

/* -- hints ---------------------------------------------------------------------------------- */

static void hints_name_what_makes_a_query_slow(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{job=~\"a.+\"}", "this selector has no equality matcher"},
        {"up{job=~\"a\"}", "the pattern for job is a plain text: = finds it at once"},
        {"up{job=~\".*\"}", "the pattern for job fits everything: leave it out"},
        {"up{job=~\".*a\"}", "the pattern for job begins with .*: every value is tried"},
        {"max_over_time(up[1h:1s])", "this subquery evaluates 4201 steps: use a larger step"},
        {"rate(http_total[1h])", "each sample is in 60 windows"},
        {"sum(up) / count(up)", "this selector is read 2 times"},
        {"sum(up @ 60)", "the answer is the same at every step: an instant query gives it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) says(rows[i][0], true, rows[i][1]);
    mw_buf b = explain("sum by (job) (rate(http_total{job=~\"a|b\"}[5m]))", true, true);
    assert_null(strstr(b.p, "\"hints\":[\""));
    mw_buf_deinit(&b);
}

static void a_repeated_selector_is_told_of_once(void **state)
{
    (void)state;
    mw_buf b = explain("sum(up) + count(up) + max(up)", true, true);
    const char *first = strstr(b.p, "is read 3 times");
    assert_non_null(first);
    assert_null(strstr(first + 1, "is read 3 times"));
    mw_buf_deinit(&b);
}

static void what_stands_twice_is_known_at_its_second_place(void **state)
{
    (void)state;
    mw_buf b = explain("up / (up + 1)", true, true);
    has(&b, "known: the same stands before it");
    assert_null(strstr(b.p, "is read 2 times"));
    mw_buf_deinit(&b);
}

/* -- what is refused ------------------------------------------------------------------------ */

static void refused(const char *expr, int code, const char *text)
{
    struct mem_source *m = world();
    mw_buf out = {0};
    mw_err err;
    mw_err_init(&err);
    mw_promql_query q = {.expr = mw_str_of(expr), .start = 600000};
    assert_int_equal(mw_promql_explain(engine, &m->source, &q, true, &out, &err), code);
    if (!strstr(err.msg, text)) fail_msg("%s", err.msg);
    assert_int_equal(out.n, 0);
    mem_deinit(m);
    mw_free(m);
}

static void mistakes_and_giants_are_refused(void **state)
{
    (void)state;
    mw_buf big = {0};
    refused("sum(", MW_EPARSE, "unclosed left parenthesis");
    refused("up + on () up", MW_EEXEC, "");
    mw_buf_text(&big, "min_of(");
    for (int side = 0; side < 2; side++) {
        mw_buf_text(&big, side ? "," : "");
        for (int i = 0; i < 16; i++) {
            if (i) mw_buf_text(&big, "+");
            mw_buf_text(&big, "(time()");
            for (int k = 0; k < 99; k++) mw_buf_text(&big, "+time()");
            mw_buf_text(&big, ")");
        }
    }
    mw_buf_text(&big, ")");
    refused(big.p, MW_ELIMIT, "those of up to 2000 are explained");
    mw_buf_deinit(&big);
}

static int set_up(void **state)
{
    (void)state;
    engine = mw_promql_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mw_promql_free(engine);
    return 0;
}

#define promise(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        promise(each_node_tells_its_rows_series_and_samples),
        promise(rows_without_a_value_are_not_counted),
        promise(both_sides_of_an_operator_are_counted),
        promise(what_does_not_move_is_computed_once),
        promise(a_subquery_tells_its_steps),
        promise(shares_are_parts_of_the_whole),
        promise(a_range_vector_at_the_top_is_explained_too),
        promise(a_plan_reads_nothing_and_is_not_remembered),
        promise(hints_name_what_makes_a_query_slow),
        promise(a_repeated_selector_is_told_of_once),
        promise(what_stands_twice_is_known_at_its_second_place),
        promise(mistakes_and_giants_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
