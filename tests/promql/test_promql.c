/* test_promql.c - the language and its limits, as promises.  SPDX-License-Identifier: MIT */
#include "test.h"

/* after test.h */
#include "base/clock.h"
#include "memsource.h"
#include "mutate.h"
#include "promql/promql.h"

static struct mem_source *world(void)
{
    static const char *const lines[] = {
        "up{job=\"a\"} 1x30",
        "up{job=\"b\"} 0 1 stale 1 _ 1x20",
        "http_total{job=\"a\",code=\"200\"} 0+10x30",
        "http_total{job=\"a\",code=\"500\"} 0+1x10 0+2x15",
        "lat_bucket{le=\"0.1\"} 0+1x30",
        "lat_bucket{le=\"1\"} 0+3x30",
        "lat_bucket{le=\"+Inf\"} 0+4x30",
    };
    struct mem_source *m = mw_zalloc(sizeof *m);
    mem_init(m);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_true(mem_load(m, lines[i], 60000));
    return m;
}

static void end(struct mem_source *m)
{
    assert_int_equal(m->open, 0);
    mem_deinit(m);
    mw_free(m);
}

static void says(const char *expr, int code, int line, int col, const char *text)
{
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(mw_promql_check(mw_str_of(expr), &err), code);
    assert_string_equal(err.msg, text);
    assert_int_equal(err.line, line);
    assert_int_equal(err.col, col);
}

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    says("ratee(up[5m])", MW_EPARSE, 1, 1,
         "unknown function with name \"ratee\"; did you mean \"rate\"?");
    says("rate(up)", MW_EPARSE, 1, 6,
         "expected type range vector in call to function \"rate\", got instant vector");
    says("sum(up", MW_EPARSE, 1, 7, "unclosed left parenthesis");
    says("sum(up down)", MW_EPARSE, 1, 8, "unexpected identifier \"down\" in aggregation");
    says("up\n  and", MW_EPARSE, 2, 6, "unexpected end of input");
    says("up{job=\"a\"", MW_EPARSE, 1, 11, "unexpected end of input inside braces");
    says("{}", MW_EPARSE, 1, 1, "vector selector must contain at least one non-empty matcher");
    says("1 == 1", MW_EPARSE, 1, 3, "comparisons between scalars must use BOOL modifier");
    says("\"a", MW_EPARSE, 1, 1, "unterminated quoted string");
    says("", MW_EPARSE, 1, 1, "no expression found in input");
}

static void keywords_still_name_metrics_and_labels(void **state)
{
    static const char *const good[] = {
        "sum",
        "sum + by",
        "offset offset 5m",
        "up{on=\"1\",by=\"2\"}",
        "sum by (sum, on) (count)",
        "{\"a.b\", \"c.d\"=~\"x\"}",
        "up offset -1h30m",
        "up @ start()",
        "rate(up[5m] @ 1.5 offset 1m)",
        "max_over_time(up[1h:])",
        "0x1F + 1_000 + 1e3 + .5 + 5m",
        "a:b:c",
        "`raw`",
        "'\\u00e9\\x41\\n'",
        "up # comment",
        "start + end",
        "2 ^ 3 ^ 2",
        "a and on() b unless c or d",
        "Inf - nan",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        mw_err err;
        mw_err_init(&err);
        int rc = mw_promql_check(mw_str_of(good[i]), &err);
        if (rc) print_error("%s: %s\n", good[i], err.msg);
        assert_int_equal(rc, MW_OK);
    }
}

static void nesting_without_end_is_refused(void **state)
{
    (void)state;
    static const char *const pieces[] = {"(",  "-",  "abs(", "1+(",         "sum(",
                                         "a[", "1+", "2^",   "up offset -("};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        mw_buf b;
        mw_err err;
        mw_buf_init(&b);
        mw_err_init(&err);
        for (int k = 0; k < 20000; k++) mw_buf_text(&b, pieces[i]);
        mw_buf_text(&b, "1");
        assert_int_equal(mw_promql_check((mw_str){b.p, b.n}, &err), MW_EPARSE);
        mw_buf_deinit(&b);
    }
}

static int ask(const char *expr, const mw_promql_options *opt, mw_promql_query q, mw_err *err)
{
    struct mem_source *m = world();
    mw_promql *engine = mw_promql_new(opt);
    mw_promql_result *r;
    mw_err_init(err);
    q.expr = mw_str_of(expr);
    int rc = mw_promql_eval(engine, &m->source, &q, &r, err);
    mw_promql_result_free(r);
    mw_promql_free(engine);
    end(m);
    return rc;
}

static void budgets_deadlines_and_cancel_stop_a_query(void **state)
{
    mw_promql_query year = {.range = true, .end = 31536000000, .step = 1000};
    int stop = 1;
    mw_err err;
    (void)state;
    assert_int_equal(ask("up", &(mw_promql_options){.max_samples = 100},
                         (mw_promql_query){.start = 900000}, &err),
                     MW_OK);
    assert_int_equal(ask("sum_over_time(up[30m])", &(mw_promql_options){.max_samples = 10},
                         (mw_promql_query){.start = 1800000}, &err),
                     MW_ELIMIT);
    assert_int_equal(ask("up + up", &(mw_promql_options){.max_bytes = 1 << 20}, year, &err),
                     MW_ELIMIT);
    year.cancel = &stop;
    assert_int_equal(ask("sum(up)", NULL, year, &err), MW_ECANCEL);
    year.cancel = NULL;
    year.deadline_mono_ns = 1;
    assert_int_equal(ask("sum(up)", NULL, year, &err), MW_ETIMEOUT);
    assert_int_equal(
        ask("up[5m]", NULL, (mw_promql_query){.range = true, .end = 1, .step = 1}, &err),
        MW_EPARSE);
}

static char *answer_json(mw_promql_result *r)
{
    mw_buf b;
    mw_promql_cursor row = {0};
    mw_buf_init(&b);
    assert_true(mw_promql_result_json(r, &row, SIZE_MAX, &b));
    char *text = strdup(b.p);
    mw_promql_result_free(r);
    mw_buf_deinit(&b);
    return text;
}

static void a_prepared_expression_answers_as_one_that_is_parsed_each_time(void **state)
{
    static const char *const exprs[] = {"up == 1",
                                        "sum by (job) (rate(http_total[5m])) or up @ start()",
                                        "max_over_time(up[10m:1m] @ end()) + step()",
                                        "label_replace(up, 'x', '$1', 'job', '(.*)')", "time()"};
    struct mem_source *m = world();
    mw_promql *engine = mw_promql_new(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
        mw_err err;
        mw_err_init(&err);
        mw_promql_prepared *p = mw_promql_prepare(mw_str_of(exprs[i]), &err);
        assert_non_null(p);
        assert_int_equal(mw_promql_prepared_type(p), mw_promql_type(mw_str_of(exprs[i]), NULL));
        for (int64_t t = 0; t <= 1800000; t += 300000) {
            mw_promql_query q = {.expr = mw_str_of(exprs[i]), .start = t, .range = t > 900000};
            q.end = t + 600000, q.step = 60000;
            mw_promql_result *a, *b;
            assert_int_equal(mw_promql_eval(engine, &m->source, &q, &a, NULL), MW_OK);
            assert_int_equal(mw_promql_eval_prepared(engine, &m->source, p, &q, &b, NULL), MW_OK);
            char *x = answer_json(a), *y = answer_json(b);
            assert_string_equal(x, y);
            free(x);
            free(y);
        }
        mw_promql_prepared_free(p);
    }
    mw_promql_free(engine);
    end(m);
}

static void a_prepared_expression_lives_on_after_it_failed(void **state)
{
    struct mem_source *m = world();
    mw_promql *engine = mw_promql_new(&(mw_promql_options){.max_samples = 10});
    mw_promql_prepared *p = mw_promql_prepare(MW_STR("sum_over_time(up[30m])"), NULL);
    mw_promql_result *r;
    mw_err err;
    (void)state;
    mw_err_init(&err);
    assert_int_equal(mw_promql_eval_prepared(engine, &m->source, p,
                                             &(mw_promql_query){.start = 1800000}, &r, &err),
                     MW_ELIMIT);
    assert_null(r);
    assert_int_equal(mw_promql_eval_prepared(engine, &m->source, p,
                                             &(mw_promql_query){.start = 60000}, &r, NULL),
                     MW_OK);
    mw_promql_result_free(r);
    mw_promql_prepared_free(p);
    mw_promql_free(engine);
    end(m);
    mw_err_init(&err);
    assert_null(mw_promql_prepare(MW_STR("sum("), &err));
    assert_int_equal(err.code, MW_EPARSE);
    assert_true(err.line == 1 && err.col);
    mw_promql_prepared_free(NULL);
}

static void answers_become_the_json_of_the_api_in_pieces(void **state)
{
    struct mem_source *m = world();
    mw_promql *engine = mw_promql_new(NULL);
    mw_promql_query q = {.expr = MW_STR("up"), .range = true, .end = 60500, .step = 60500};
    mw_promql_result *r;
    mw_buf b;
    mw_promql_cursor at = {0};
    size_t pieces = 1;
    (void)state;
    mw_buf_init(&b);
    assert_int_equal(mw_promql_eval(engine, &m->source, &q, &r, NULL), MW_OK);
    while (!mw_promql_result_json(r, &at, 1, &b)) pieces++;
    assert_int_equal(pieces, 4); /* a row may be long: pieces end behind any point */
    assert_string_equal(
        b.p,
        "{\"resultType\":\"matrix\",\"result\":["
        "{\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"values\":[[0,\"1\"],[60.5,\"1\"]]},"
        "{\"metric\":{\"__name__\":\"up\",\"job\":\"b\"},\"values\":[[0,\"0\"],[60.5,\"1\"]]}]}");
    mw_promql_result_free(r);
    mw_buf_deinit(&b);
    mw_promql_free(engine);
    end(m);
}

static void selectors_of_apis_give_their_matchers(void **state)
{
    mw_matcher *m;
    size_t n;
    mw_err err;
    (void)state;
    assert_int_equal(mw_promql_selector(MW_STR("up{job=~\"a|b\"}"), &m, &n, NULL), MW_OK);
    assert_int_equal(n, 2);
    mw_matchers_free(m, n);
    mw_err_init(&err);
    assert_int_equal(mw_promql_selector(MW_STR("up[5m]"), &m, &n, &err), MW_EPARSE);
    mw_err_init(&err);
    assert_int_equal(mw_promql_selector(MW_STR("rate(up[5m])"), &m, &n, &err), MW_EPARSE);
}

static void damaged_queries_never_bring_it_down(void **state)
{
    static const char *const seeds[] = {
        "sum by (job) (rate(http_total{code=~\"5..\"}[5m] offset 1m)) / on(job) group_left(x) up",
        "histogram_quantile(0.9, sum without (job) (rate(lat_bucket[5m]))) or vector(time())",
        "label_replace(up, \"a\", \"${1}$2\", \"job\", \"(.)(.*)\") and topk(2, up) unless up @ "
        "end()",
        "max_over_time(deriv(http_total[3m])[10m:30s] @ 600) > bool 2 ^ -1 % 7 atan2 0x1f",
        "count_values(\"v\", up) + ignoring(v) group_right() quantile(0.5, http_total) # c",
        "increase(http_total[2m] smoothed) + fill(0) changes(up[3m] anchored) == bool absent(up)",
        "sort_desc(predict_linear(up[10m], 1h)) * scalar(limitk(1, up)) - -day_of_year()",
        "quantile_over_time(0.3, http_total[min_of(step()+5m,10m)]) or {\"up\", job!~'a'}",
        "holt_winters(http_total[9m], 0.3, 0.4) + label_join(up, 'x', '-', 'job', \"\\u00e9\")",
    };
    struct mem_source *m = world();
    mw_promql *engine =
        mw_promql_new(&(mw_promql_options){.max_bytes = 8 << 20, .max_samples = 200000});
    mutator mu = {88172645463325252ULL};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const char *seed = seeds[mutator_below(&mu, sizeof seeds / sizeof *seeds)];
        size_t n;
        char *text = mutate(&mu, seed, strlen(seed), &n);
        if (i % 8 == 0) free(text), n = strlen(seed), text = memcpy(malloc(n), seed, n);
        mw_promql_query q = {.expr = {text, n}, .start = 1200000, .range = i & 1};
        q.end = 1500000, q.step = 60000, q.deadline_mono_ns = mw_mono_ns() + 200000000;
        mw_promql_result *r;
        mw_err err;
        mw_err_init(&err);
        int rc = mw_promql_eval(engine, &m->source, &q, &r, &err);
        assert_true(rc == MW_OK || *err.msg);
        mw_promql_result_free(r);
        free(text);
    }
    mw_promql_free(engine);
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named_with_their_place),
        cmocka_unit_test(keywords_still_name_metrics_and_labels),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(budgets_deadlines_and_cancel_stop_a_query),
        cmocka_unit_test(a_prepared_expression_answers_as_one_that_is_parsed_each_time),
        cmocka_unit_test(a_prepared_expression_lives_on_after_it_failed),
        cmocka_unit_test(answers_become_the_json_of_the_api_in_pieces),
        cmocka_unit_test(selectors_of_apis_give_their_matchers),
        cmocka_unit_test(damaged_queries_never_bring_it_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
