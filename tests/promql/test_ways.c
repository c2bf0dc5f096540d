/* test_ways.c - expressions made by chance say the same whether their rows pass by one after the
 * other or stand in memory all at once, and whether what stands twice is computed once.
 *
 * label_replace makes all rows stand; parentheses make a text another one.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>
#include <stdio.h>

#include "memsource.h"
#include "promql/promql.h"

enum { SERIES = 14, SAMPLES = 60, TRIES = 800 };

static mw_promql *engine;
static struct mem_source mem;

static unsigned chance(unsigned n)
{
    static uint64_t seed = 88172645463325252ULL;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 11) % n;
}

#define ANY(list) list[chance(sizeof list / sizeof *list)]

static const char *const selectors[] = {
    "x", "y", "{__name__=~\"x|y\"}", "{job=\"a\"}", "x{job=~\".+\"}", "{__type__=\"gauge\"}"};
static const char *const groups[] = {"",
                                     "by (job)",
                                     "by (__name__)",
                                     "by (__type__, job)",
                                     "without (n)",
                                     "without (__name__, job)",
                                     "without ()",
                                     "by (n, none)",
                                     "without (__type__, __unit__)",
                                     "by (__name__, __unit__)"};
static const char *const over[] = {"rate(%s[%s])",
                                   "last_over_time(%s[%s])",
                                   "max_over_time(%s[%s])",
                                   "quantile_over_time(0.3, %s[%s])",
                                   "stddev_over_time(%s[%s])",
                                   "first_over_time(%s[%s])"};
/* What is made of an expression; "#" is the expression. */
static const char *const made[] = {"abs(#)",        "(-#)",    "(# * 2)", "(# > 3)",
                                   "(# <= bool 3)", "(2 - #)", "(+#)",    "(# + scalar(sum(y)))"};
static const char *const op[] = {"sum G (#)",          "avg G (#)",
                                 "min G (#)",          "count G (#)",
                                 "group G (#)",        "stddev G (#)",
                                 "topk G (2, #)",      "bottomk G (1, #)",
                                 "limitk G (2, #)",    "limit_ratio G (0.5, #)",
                                 "quantile G (0.5, #)"};

static void fill_in(mw_buf *out, const char *form, const char *expr, const char *group)
{
    for (; *form; form++) {
        if (*form == '#')
            mw_buf_text(out, expr);
        else if (*form == 'G')
            mw_buf_text(out, group);
        else
            mw_buf_byte(out, *form);
    }
}

static mw_buf expression(unsigned depth)
{
    mw_buf b = {0};
    if (!depth && chance(3)) {
        mw_buf_printf(&b, ANY(over), ANY(selectors), chance(2) ? "2m" : "5m");
        return b;
    }
    if (!depth) {
        mw_buf_text(&b, ANY(selectors));
        return b;
    }
    mw_buf inner = expression(depth - 1);
    fill_in(&b, chance(8) ? ANY(made) : "sum G (#)", inner.p, ANY(groups));
    mw_buf_deinit(&inner);
    return b;
}

static int ask(const char *expr, bool range, mw_promql_result **r, mw_err *err)
{
    mw_promql_query q = {.expr = mw_str_of(expr),
                         .range = range,
                         .start = 240000,
                         .end = 720000,
                         .step = 45000,
                         .histograms = true};
    mw_err_init(err);
    int code = mw_promql_eval(engine, &mem.source, &q, r, err);
    assert_int_equal(mem.open, 0);
    return code;
}

static bool near(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static bool same_row(const mw_promql_row *a, const mw_promql_row *b)
{
    if (!mw_labels_eq(a->labels, b->labels) || a->n != b->n) return false;
    for (size_t k = 0; k < a->n; k++)
        if (a->t[k] != b->t[k] || !near(a->v[k], b->v[k])) return false;
    bool same = a->n_h == b->n_h;
    for (size_t k = 0; k < a->n_h && same; k++) {
        mw_buf x = {0}, y = {0};
        mw_nhist_text(a->h[k], &x);
        mw_nhist_text(b->h[k], &y);
        same = a->t_h[k] == b->t_h[k] && mw_str_eq((mw_str){x.p, x.n}, (mw_str){y.p, y.n});
        mw_buf_deinit(&x);
        mw_buf_deinit(&y);
    }
    return same;
}

static void agree(const char *a, const char *b)
{
    mw_promql_result *x, *y;
    mw_err ex, ey;
    bool range = chance(2);
    int code = ask(a, range, &x, &ex);
    if (code != ask(b, range, &y, &ey)) fail_msg("%s\n%s\n%s%s", a, b, ex.msg, ey.msg);
    if (code) return;
    if (x->n != y->n) fail_msg("%s\n%s\n%zu rows and %zu", a, b, x->n, y->n);
    for (size_t i = 0; i < x->n; i++)
        if (!same_row(&x->rows[i], &y->rows[i])) fail_msg("%s\n%s\nrow %zu", a, b, i);
    mw_promql_result_free(x);
    mw_promql_result_free(y);
}

static void fill(bool typed)
{
    for (int i = 0; i < SERIES; i++) {
        char n[16];
        size_t k = 3;
        snprintf(n, sizeof n, "%d", i / 2 % 5);
        mw_label l[5] = {{MW_STR(MW_METRIC_NAME), i % 2 ? MW_STR("x") : MW_STR("y")},
                         {MW_STR("job"), i % 3 ? MW_STR("a") : MW_STR("b")},
                         {MW_STR("n"), mw_str_of(n)}};
        if (typed && i % 4) l[k++] = (mw_label){MW_STR("__type__"), MW_STR("gauge")};
        if (typed && i % 5 == 0) l[k++] = (mw_label){MW_STR("__unit__"), MW_STR("s")};
        struct mem_series *s = mem_series_get(&mem, mw_labels_new(l, k, NULL));
        for (int t = 0; t < SAMPLES; t++) {
            unsigned c = chance(40);
            double v = c == 0 ? mw_stale() : c == 1 ? NAN : c == 2 ? INFINITY : chance(8);
            if (c > 3) mem_add(s, t * 15000 + i % 3, v);
        }
    }
}

static const char *const histograms[] = {
    "x{job=\"h\",n=\"1\"} {{schema:0 sum:4 count:6 buckets:[1 2 3]}}+{{sum:1 count:2 buckets:[1 "
    "1]}}x50",
    "y{job=\"h\",n=\"1\"} {{schema:1 sum:4 count:3 buckets:[1 2] n_buckets:[1]}}x9 3 4 stale "
    "{{schema:0 sum:1 count:1 buckets:[1]}}x30",
    "x{job=\"a\",n=\"9\"} 1+1x20 {{schema:0 sum:2 count:1 buckets:[0 1]}}x20 stale 5x10",
    "x{job=\"h\",n=\"2\"} {{schema:-53 sum:1 count:3 custom_values:[5 10] buckets:[1 2]}}x40",
};

static void try_expressions(void)
{
    for (int i = 0; i < TRIES; i++) {
        mw_buf e = expression(chance(4)), standing = {0}, a = {0}, b = {0};
        const char *form = ANY(op), *group = ANY(groups);
        mw_buf_printf(&standing, "label_replace(%s, \"none\", \"\", \"n\", \"never\")", e.p);
        fill_in(&a, form, e.p, group);
        fill_in(&b, form, standing.p, group);
        agree(a.p, b.p);
        a.n = b.n = 0;
        fill_in(&a, "(#) + (#) * #", e.p, "");
        fill_in(&b, "(#) + ((#)) * ( #)", e.p, "");
        if (e.p[0] != '(') agree(a.p, b.p);
        mw_buf_deinit(&e);
        mw_buf_deinit(&standing);
        mw_buf_deinit(&a);
        mw_buf_deinit(&b);
    }
}

static void expressions_say_the_same_however_they_are_computed(void **state)
{
    (void)state;
    for (int mode = 0; mode < 8; mode++) {
        mw_promql_options o = {.closed_ranges = mode & 1, .delayed_names = mode & 2};
        engine = mw_promql_new(&o);
        mem_init(&mem);
        fill(mode & 4);
        for (size_t i = 0; i < sizeof histograms / sizeof *histograms; i++)
            assert_true(mem_load(&mem, histograms[i], 15000));
        try_expressions();
        mem_deinit(&mem);
        mw_promql_free(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_say_the_same_however_they_are_computed),
    };
    return cmocka_run_group_tests_name("test_ways", tests, NULL, NULL);
}
