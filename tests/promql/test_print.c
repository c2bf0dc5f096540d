/* test_print.c - trees as text and as JSON.  SPDX-License-Identifier: MIT */
#include "test.h"

/* after test.h */
#include <stdio.h>

#include "base/mem.h"
#include "sametree.h"

static void prints(const char *expr, bool pretty, const char *want)
{
    mw_buf out = {0};
    if (mw_promql_format(mw_str_of(expr), pretty, &out, NULL)) fail_msg("refused: %s", expr);
    assert_string_equal(out.p, want);
    mw_buf_deinit(&out);
    if (!survives_printing(mw_str_of(expr))) fail_msg("another tree after printing: %s", expr);
}

static void one_line_is_spelled_as_prometheus_spells_it(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"sum by() (x{job='s'})", "sum(x{job=\"s\"})"},
        {"sum(x) by(code,job)", "sum by (code, job) (x)"},
        {"sum without()(x)", "sum without () (x)"},
        {"count by(\"a.b\", c) (x)", "count by (\"a.b\", c) (x)"},
        {"TOPK(5,x)", "topk(5, x)"},
        {"a- on()c", "a - on () c"},
        {"a - ignoring() c", "a - c"},
        {"a - ignoring() group_left c", "a - ignoring () group_left () c"},
        {"a - on(b)group_right(x,y) c", "a - on (b) group_right (x, y) c"},
        {"a + fill_right(42) fill_left(-23) b", "a + fill_left (-23) fill_right (42) b"},
        {"a + fill_left(5) fill_right(5) b", "a + fill (5) b"},
        {"1 == bool on() 2", "1 == bool 2"},
        {"a AND UNLESS", "a and UNLESS"},
        {"x{b!='c',a=~\"d\",\"c.d\"!~`\\d`}", "x{\"c.d\"!~\"\\\\d\",a=~\"d\",b!=\"c\"}"},
        {"{\"a.b\"}", "{__name__=\"a.b\"}"},
        {"{__name__='a',b='c'}", "{__name__=\"a\",b=\"c\"}"},
        {"{a='',b='c'}", "{a=\"\",b=\"c\"}"},
        {"a[300]", "a[5m]"},
        {"a[0.0005]", "a[0.0005]"},
        {"a[1w] offset 90s", "a[1w] offset 1m30s"},
        {"a offset -7m @ 10", "a @ 10.000 offset -7m"},
        {"a offset 0s", "a"},
        {"a[1h:]", "a[1h:]"},
        {"a[1h:5m] @ end() offset 1d", "a[1h:5m] @ end() offset 1d"},
        {"a[5m] smoothed @ start() offset 1m", "a[5m] smoothed @ start() offset 1m"},
        {"a anchored", "a anchored"},
        {"foo[200-min_of(-step()^+step(),1)]", "foo[200 - min_of(-step() ^ step(), 1)]"},
        {"foo offset +min_of(10s, 20s)", "foo offset min_of(10s, 20s)"},
        {"foo offset -(5)", "foo offset -(5)"},
        {"foo[((5m)):(1m)]", "foo[(5m):(1m)]"},
        {"1e3+1048576 + 0x10", "1000 + 1048576 + 16"},
        {"-Inf + nan * inf", "-Inf + NaN * +Inf"},
        {"-inf ^ 2 + inf", "-Inf ^ 2 + +Inf"},
        {"x > bool 5m", "x > bool 5m"},
        {"--1 + -(1) - +x", "1 + -(1) - +x"},
        {"((x))", "((x))"},
        {"vector(1) # why not", "vector(1)"},
        {"\"a\\x00\\t\\\"\\u00e4\\u200b\\xff\"", "\"a\\x00\\t\\\"\u00e4\\u200b\\xff\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        prints(cases[i][0], false, cases[i][1]);
}

static void any_number_reads_as_it_was(void **state)
{
    (void)state;
    static const char *const numbers[] = {"1e308",    "5e-324", "0.1", "123456789012345678",
                                          "2.5e-300", "-0",     "1e21"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_true(survives_printing(mw_str_of(numbers[i])));
}

#define LONG "a_metric_with_a_rather_long_name{environment=\"production\",job=\"api\"}"

static void long_expressions_are_broken_at_their_operands(void **state)
{
    (void)state;
    prints("sum(rate(" LONG "[5m])) by (job)", true, "sum by (job) (rate(" LONG "[5m]))");
    prints("sum(rate(" LONG "[5m] offset 1d)) by (job,instance)", true,
           "sum by (job, instance) (\n"
           "  rate(" LONG "[5m] offset 1d)\n"
           ")");
    prints("topk(3," LONG "+on(job)group_left " LONG ")", true,
           "topk(\n"
           "  3,\n"
           "    " LONG "\n"
           "  + on (job) group_left ()\n"
           "    " LONG "\n"
           ")");
    prints("-((" LONG " or " LONG "))", true,
           "-(\n"
           "  (\n"
           "      " LONG "\n"
           "    or\n"
           "      " LONG "\n"
           "  )\n"
           ")");
    prints("label_replace(-" LONG ", \"destination\", \"$1\", \"source\", \"(.*)\")", true,
           "label_replace(\n"
           "  -" LONG ",\n"
           "  \"destination\",\n"
           "  \"$1\",\n"
           "  \"source\",\n"
           "  \"(.*)\"\n"
           ")");
    prints("max_over_time(rate(" LONG "[5m])[1h:1m] @ start() offset 1m)", true,
           "max_over_time(\n"
           "  rate(" LONG "[5m])[1h:1m] @ start() offset 1m\n"
           ")");
    prints("max_over_time(rate(" LONG "[5m])[1h:1m] @ start())", true,
           "max_over_time(\n"
           "rate(" LONG "[5m])[1h:1m] @ start()\n"
           ")");
}

static void what_would_get_absurdly_long_is_refused(void **state)
{
    (void)state;
    mw_buf expr = {0}, out = {0};
    mw_err err;
    mw_err_init(&err);
    for (int i = 0; i < 200; i++) mw_buf_byte(&expr, '(');
    mw_buf_text(&expr, "histogram_quantiles(x, \"\"");
    for (int i = 0; i < 9; i++) mw_buf_text(&expr, ",1");
    mw_buf_byte(&expr, ')');
    for (int i = 0; i < 200; i++) mw_buf_byte(&expr, ')');
    struct ast *a = mw_pq_parse((mw_str){expr.p, expr.n}, &err);
    assert_non_null(a);
    assert_false(mw_pq_pretty(&out, a->root, 10000));
    assert_true(out.n < 20000);
    mw_buf_reset(&out);
    assert_true(mw_pq_pretty(&out, a->root, 100000));
    mw_pq_free(a);
    mw_buf_deinit(&expr);
    mw_buf_deinit(&out);
}

/* -- every expression of the language's own tests ------------------------------------------- */

static const char *expression_of(char *line)
{
    static const char *const words[] = {"eval instant at ", "eval range from "};
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, words[0], strlen(words[0]))) {
        char *at = strchr(line + strlen(words[0]), ' ');
        return at ? at + 1 : NULL;
    }
    char *step = strncmp(line, words[1], strlen(words[1])) ? NULL : strstr(line, " step ");
    step = step ? strchr(step + 6, ' ') : NULL;
    return step ? step + 1 : NULL;
}

static void every_expression_of_the_scripts_survives_printing(void **state)
{
    (void)state;
    char line[1 << 14];
    size_t seen = 0;
    FILE *f = fopen("tests/promql/data/core.test", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *expr = expression_of(line);
        if (!expr) continue;
        seen++;
        if (!survives_printing(mw_str_of(expr))) fail_msg("another tree after printing: %s", expr);
    }
    fclose(f);
    assert_true(seen > 10);
}

/* -- JSON ----------------------------------------------------------------------------------- */

static void is_tree(const char *expr, const char *want)
{
    mw_buf out = {0};
    assert_int_equal(mw_promql_tree_json(mw_str_of(expr), &out, NULL), MW_OK);
    assert_string_equal(out.p, want);
    mw_buf_deinit(&out);
}

#define NAMED(n)  "\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"" n "\"}]"
#define NO_OFFSET "\"offset\":0,\"offsetExpr\":null,"
#define VECTOR(n)                                                                                \
    "{\"anchored\":false," NAMED(n) ",\"name\":\"" n "\"," NO_OFFSET                             \
                                    "\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":null," \
                                    "\"type\":\"vectorSelector\"}"

static void a_tree_has_the_members_of_parse_query(void **state)
{
    (void)state;
    is_tree("up", VECTOR("up"));
    is_tree("(1.5)",
            "{\"expr\":{\"type\":\"numberLiteral\",\"val\":\"1.5\"},\"type\":\"parenExpr\"}");
    is_tree("'a\"'", "{\"type\":\"stringLiteral\",\"val\":\"a\\\"\"}");
    is_tree("-a", "{\"expr\":" VECTOR("a") ",\"op\":\"-\",\"type\":\"unaryExpr\"}");
    is_tree("{\"a.b\"}", "{\"anchored\":false," NAMED(
                             "a.b") ",\"name\":\"\"," NO_OFFSET
                                    "\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":null,"
                                    "\"type\":\"vectorSelector\"}");
    is_tree("a{b!='c'}[5m] anchored @ 1.5 offset -1m",
            "{\"anchored\":true,\"matchers\":[{\"name\":\"b\",\"type\":\"!=\",\"value\":\"c\"},"
            "{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"a\"}],\"name\":\"a\","
            "\"offset\":-60000,\"offsetExpr\":null,\"range\":300000,\"rangeExpr\":null,"
            "\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":1500,"
            "\"type\":\"matrixSelector\"}");
    is_tree("a[1h:30s] @ end()",
            "{\"expr\":" VECTOR(
                "a") "," NO_OFFSET
                     "\"range\":3600000,\"rangeExpr\":null,\"startOrEnd\":\"end\",\"step\":30000,"
                     "\"stepExpr\":null,\"timestamp\":null,\"type\":\"subquery\"}");
    is_tree("topk by (x) (2, a)",
            "{\"expr\":" VECTOR(
                "a") ",\"grouping\":[\"x\"],\"op\":\"topk\",\"param\":"
                     "{\"type\":\"numberLiteral\",\"val\":\"2\"},\"type\":\"aggregation\","
                     "\"without\":false}");
    is_tree(
        "a > bool on (x) group_left (y) fill_right (7) b",
        "{\"bool\":true,\"lhs\":" VECTOR(
            "a") ",\"matching\":{\"card\":\"many-to-one\","
                 "\"fillValues\":{\"lhs\":null,\"rhs\":7},\"include\":[\"y\"],\"labels\":[\"x\"],"
                 "\"on\":true},\"op\":\">\",\"rhs\":" VECTOR("b") ",\"type\":\"binaryExpr\"}");
    is_tree("1+2", "{\"bool\":false,\"lhs\":{\"type\":\"numberLiteral\",\"val\":\"1\"},"
                   "\"matching\":null,\"op\":\"+\",\"rhs\":{\"type\":\"numberLiteral\","
                   "\"val\":\"2\"},\"type\":\"binaryExpr\"}");
    is_tree("hour()", "{\"args\":[],\"func\":{\"argTypes\":[\"vector\"],\"name\":\"hour\","
                      "\"returnType\":\"vector\",\"variadic\":1},\"type\":\"call\"}");
    is_tree(
        "histogram_quantiles(a, 'q', 0.5)",
        "{\"args\":[" VECTOR(
            "a") ",{\"type\":\"stringLiteral\",\"val\":\"q\"},"
                 "{\"type\":\"numberLiteral\",\"val\":\"0.5\"}],\"func\":{\"argTypes\":[\"vector\","
                 "\"string\",\"scalar\",\"scalar\"],\"name\":\"histogram_quantiles\","
                 "\"returnType\":\"vector\",\"variadic\":9},\"type\":\"call\"}");
}

static void durations_are_trees_of_their_own(void **state)
{
    (void)state;
#define OFFSET(e)                                                                              \
    "{\"anchored\":false," NAMED("a") ",\"name\":\"a\",\"offset\":0,\"offsetExpr\":" e         \
                                      ",\"smoothed\":false,\"startOrEnd\":null,\"timestamp\":" \
                                      "null,\"type\":\"vectorSelector\"}"
#define EXPR(l, op, r, w) \
    "{\"lhs\":" l ",\"op\":\"" op "\",\"rhs\":" r ",\"type\":\"durationExpr\",\"wrapped\":" w "}"
#define FIVE(d) "{\"duration\":" d ",\"type\":\"numberLiteral\",\"val\":\"5\"}"
    is_tree("a offset step()", OFFSET(EXPR("null", "step", "null", "false")));
    is_tree("a offset +step()",
            OFFSET(EXPR("null", "+", EXPR("null", "step", "null", "false"), "false")));
    is_tree("a offset -((5))",
            OFFSET(EXPR("null", "-", EXPR("null", "+", FIVE("false"), "true"), "false")));
    is_tree("a offset (+step() * 5s)",
            OFFSET(EXPR(EXPR("null", "step", "null", "false"), "*", FIVE("true"), "true")));
}

static void mistakes_have_their_place(void **state)
{
    (void)state;
    mw_err err;
    mw_buf out = {0};
    mw_err_init(&err);
    assert_int_equal(mw_promql_tree_json(MW_STR("sum(x"), &out, &err), MW_EPARSE);
    assert_int_equal(err.col, 6);
    assert_int_equal(mw_promql_format(MW_STR(""), true, &out, NULL), MW_EPARSE);
    assert_int_equal(out.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_is_spelled_as_prometheus_spells_it),
        cmocka_unit_test(any_number_reads_as_it_was),
        cmocka_unit_test(long_expressions_are_broken_at_their_operands),
        cmocka_unit_test(what_would_get_absurdly_long_is_refused),
        cmocka_unit_test(every_expression_of_the_scripts_survives_printing),
        cmocka_unit_test(a_tree_has_the_members_of_parse_query),
        cmocka_unit_test(durations_are_trees_of_their_own),
        cmocka_unit_test(mistakes_have_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
