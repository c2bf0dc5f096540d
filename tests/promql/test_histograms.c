/* test_histograms.c - promises about native histograms on their way through queries.
 *
 * In the world below lat{} is a histogram at 0, 60 and 120 s, a float at 180 s, a histogram again
 * at 240 s and ended at 300 s; ended{} is ended by a histogram whose sum is the stale marker.
 * SPDX-License-Identifier: MIT */
#include "test.h"

/* after test.h */
#include "base/clock.h"
#include "memsource.h"
#include "promql/promql.h"

static const mw_hspan span = {0, 2};
static const double counts[] = {1, 2};

typedef struct world {
    struct mem_source source; /* first */
    mw_nhist h[5], ended;
} world;

static mw_nhist histogram(double count, double sum)
{
    return (mw_nhist){.schema = 0, .count = count, .sum = sum, .pos = {&span, counts, 1, 2}};
}

static struct mem_series *series(world *w, const char *name)
{
    const char *rest;
    return mem_series_get(&w->source, mem_labels(name, &rest));
}

static int set_up(void **state)
{
    world *w = mw_zalloc(sizeof *w);
    mem_init(&w->source);
    struct mem_series *lat = series(w, "lat");
    for (int i = 0; i < 5; i++) {
        w->h[i] = histogram(3 + i, 10 * i);
        if (i == 3)
            mem_add(lat, 180000, 7);
        else
            mem_add_histogram(lat, 60000 * i, &w->h[i]);
    }
    mem_add(lat, 300000, mw_stale());
    w->ended = histogram(0, mw_stale());
    struct mem_series *ended = series(w, "ended");
    mem_add_histogram(ended, 0, &w->h[0]);
    mem_add_histogram(ended, 60000, &w->ended);
    mem_add(series(w, "up"), 0, 1);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    assert_int_equal(w->source.open, 0);
    mem_deinit(&w->source);
    mw_free(w);
    return 0;
}

/* The JSON of EXPR, freed with mw_free; a range of 60 s steps when END is not START. */
static char *json(world *w, const char *expr, int64_t start_s, int64_t end_s, bool histograms)
{
    mw_err err;
    mw_promql_result *r;
    mw_buf out = {0};
    mw_promql_cursor at = {0};
    mw_err_init(&err);
    mw_promql *q = mw_promql_new(NULL);
    mw_promql_query query = {.expr = mw_str_of(expr), .range = end_s != start_s};
    query.start = start_s * 1000;
    query.end = end_s * 1000;
    query.step = 60000;
    query.histograms = histograms;
    if (mw_promql_eval(q, &w->source.source, &query, &r, &err)) fail_msg("%s: %s", expr, err.msg);
    assert_true(mw_promql_result_json(r, &at, SIZE_MAX, &out));
    mw_promql_result_free(r);
    mw_promql_free(q);
    return mw_buf_take(&out);
}

static void has(world *w, const char *expr, int64_t start_s, int64_t end_s, const char *text)
{
    char *out = json(w, expr, start_s, end_s, true);
    if (!strstr(out, text)) fail_msg("%s: no %s in %s", expr, text, out);
    mw_free(out);
}

static void is_empty(world *w, const char *expr, int64_t at_s)
{
    has(w, expr, at_s, at_s, "\"result\":[]}");
}

static void a_selector_gives_the_histogram_and_not_its_sum(void **state)
{
    world *w = *state;
    has(w, "lat", 60, 60,
        "{\"metric\":{\"__name__\":\"lat\"},\"histogram\":[60,{\"count\":\"4\",\"sum\":\"10\"");
    has(w, "(lat)", 90, 90, "\"histogram\":[90,{\"count\":\"4\"");
    has(w, "+lat", 60, 60, "\"histogram\":[60,{\"count\":\"4\"");
    has(w, "lat offset 1m", 120, 120, "\"histogram\":[120,{\"count\":\"4\"");
    has(w, "lat @ 120", 0, 0, "\"histogram\":[0,{\"count\":\"5\"");
    has(w, "lat", 180, 180, "\"value\":[180,\"7\"]");
    has(w, "lat", 240, 240, "\"histogram\":[240,{\"count\":\"7\"");
}

static void a_range_query_has_floats_and_histograms_beside_each_other(void **state)
{
    world *w = *state;
    has(w, "lat", 0, 300, "\"values\":[[180,\"7\"]],\"histograms\":[[0,{\"count\":\"3\"");
    has(w, "lat", 0, 60, "{\"metric\":{\"__name__\":\"lat\"},\"histograms\":[[0,{");
    has(w, "lat @ 60", 0, 120, "[120,{\"count\":\"4\"");
    has(w, "up", 0, 60, "\"values\":[[0,\"1\"],[60,\"1\"]]}");
}

static void a_range_selector_gives_both_at_their_own_times(void **state)
{
    world *w = *state;
    has(w, "lat[10m]", 299, 299, "\"values\":[[180,\"7\"]],\"histograms\":[[0,{\"count\":\"3\"");
    has(w, "lat[10m]", 299, 299, "[240,{\"count\":\"7\"");
    has(w, "lat[1m]", 120, 120, "{\"metric\":{\"__name__\":\"lat\"},\"histograms\":[[120,{");
    has(w, "ended[10m]", 60, 60, "\"histograms\":[[0,{\"count\":\"3\"");
}

static void a_stale_marker_of_either_kind_ends_the_series(void **state)
{
    world *w = *state;
    is_empty(w, "lat", 300);
    has(w, "ended", 59, 59, "\"histogram\":[59,{\"count\":\"3\"");
    is_empty(w, "ended", 60);
    is_empty(w, "histogram_count(ended)", 60);
    has(w, "absent(ended)", 60, 60, "[60,\"1\"]");
}

static void what_knows_only_floats_leaves_histograms_out(void **state)
{
    world *w = *state;
    static const char *const exprs[] = {
        "lat + 1",
        "1 - lat",
        "lat * lat",
        "lat > 0",
        "2 / lat",
        "abs(lat)",
        "max(lat)",
        "topk(1, lat)",
        "quantile(0.5, lat)",
        "round(lat)",
        "clamp(lat, 0, 1)",
        "max_over_time(lat[2m])",
        "quantile_over_time(0.5, lat[2m])",
        "deriv(lat[2m])",
        "max_over_time(lat[2m:1m])",
        "sort(lat)",
        "hour(lat)",
    };
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) is_empty(w, exprs[i], 120);
    has(w, "sum(lat)", 180, 180, ",\"7\"]");
    has(w, "max_over_time(lat[10m])", 299, 299, ",\"7\"]");
    has(w, "scalar(lat)", 120, 120, ",\"NaN\"]");
}

static void functions_and_operators_of_histograms_give_histograms(void **state)
{
    world *w = *state;
    static const char *const exprs[] = {
        "sum(lat)",
        "lat + lat",
        "-lat * 2",
        "lat / 2",
        "lat == lat",
        "lat and lat",
        "lat or up",
        "limitk(1, lat)",
        "rate(lat[2m])",
        "sum_over_time(lat[2m])",
        "last_over_time(lat[2m:1m])",
        "label_replace(lat, \"a\", \"b\", \"\", \"\")",
    };
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++)
        has(w, exprs[i], 120, 120, "\"histogram\":[120,{\"count\":\"");
    is_empty(w, "topk(1, lat smoothed)", 100);   /* has no labels, but things to tell */
    is_empty(w, "sum_over_time(lat[10m])", 299); /* floats and histograms do not add up */
    has(w, "count_over_time(lat[10m])", 299, 299, ",\"5\"]");
    has(w, "count(lat)", 0, 120, "[[0,\"1\"],[60,\"1\"],[120,\"1\"]]");
}

static void presence_and_time_count_histograms(void **state)
{
    world *w = *state;
    is_empty(w, "absent(lat)", 120);
    is_empty(w, "absent_over_time(lat[1m])", 120);
    has(w, "absent_over_time(lat[1m])", 1000, 1000, ",\"1\"]");
    has(w, "timestamp(lat)", 130, 130, ",\"120\"]");
}

static void count_sum_and_average_are_read_from_histograms_only(void **state)
{
    world *w = *state;
    has(w, "histogram_count(lat)", 60, 60, "{\"metric\":{},\"value\":[60,\"4\"]}");
    has(w, "histogram_sum(lat)", 120, 120, ",\"20\"]");
    has(w, "histogram_avg(lat)", 120, 120, ",\"4\"]");
    has(w, "histogram_sum(lat) / histogram_count(lat)", 120, 120, ",\"4\"]");
    has(w, "sum(histogram_count(lat))", 0, 240, "[[0,\"3\"],[60,\"4\"],[120,\"5\"],[240,\"7\"]]");
    is_empty(w, "histogram_count(lat)", 180);
    is_empty(w, "histogram_count(up)", 60);
}

static void who_did_not_ask_for_histograms_gets_none(void **state)
{
    world *w = *state;
    static const char *const exprs[] = {"lat", "lat[2m]", "sum(lat)", "rate(lat[2m])"};
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
        char *out = json(w, exprs[i], 120, 120, false);
        if (!strstr(out, "\"result\":[]}")) fail_msg("%s", out);
        mw_free(out);
    }
}

/* Enough steps that both cores get a part of the rows, if there are two. */
static void rows_that_two_threads_read_add_up_to_the_same(void **state)
{
    world *w = *state;
    enum { ROWS = 600 };
    static const char *const exprs[] = {"sum by (g) (many)", "avg by (g) (many offset 0s)",
                                        "sum by (g) (2 * rate(many[2m]))"};
    mw_nhist h[2] = {histogram(3, 10), histogram(6, 30)};
    h[1].hint = MW_RESET_NO;
    for (int i = 0; i < ROWS; i++) {
        char name[64];
        snprintf(name, sizeof name, "many{i=\"%d\", g=\"%d\"}", i, i % 3);
        struct mem_series *s = series(w, name);
        for (int k = 0; k < 2; k++) mem_add_histogram(s, 60000 * k, &h[k]);
    }
    for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
        char *few = json(w, exprs[i], 0, 60, true), *many = json(w, exprs[i], 0, 240 * 60, true);
        for (const char *p = few; (p = strstr(p, "[60,{")); p++) {
            size_t n = strcspn(p, "}") + 1;
            char *row = strndup(p, n);
            if (!strstr(many, row)) fail_msg("%s: no %s", exprs[i], row);
            free(row);
        }
        assert_non_null(strstr(few, "[60,{"));
        mw_free(few);
        mw_free(many);
    }
}

static void the_memory_of_histograms_is_bounded(void **state)
{
    world *w = *state;
    enum { BUCKETS = 1 << 16 };
    double *many = mw_array(BUCKETS, sizeof *many);
    mw_nhist wide = histogram(1, 1);
    mw_hspan all = {0, BUCKETS};
    wide.pos = (mw_hside){&all, many, 1, BUCKETS};
    struct mem_series *s = series(w, "wide");
    for (int i = 0; i < 100; i++) mem_add_histogram(s, 1000 * i, &wide);
    mw_promql *q = mw_promql_new(&(mw_promql_options){.max_bytes = 8 << 20});
    mw_promql_result *r;
    mw_err err;
    mw_err_init(&err);
    mw_promql_query query = {.expr = MW_STR("wide[10m]"), .start = 100000, .histograms = true};
    assert_int_equal(mw_promql_eval(q, &w->source.source, &query, &r, &err), MW_ELIMIT);
    assert_non_null(strstr(err.msg, "query needs more than its 8 MiB of memory"));
    mw_promql_free(q);
    mw_free(many);
}

#define promise(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        promise(a_selector_gives_the_histogram_and_not_its_sum),
        promise(a_range_query_has_floats_and_histograms_beside_each_other),
        promise(a_range_selector_gives_both_at_their_own_times),
        promise(a_stale_marker_of_either_kind_ends_the_series),
        promise(what_knows_only_floats_leaves_histograms_out),
        promise(functions_and_operators_of_histograms_give_histograms),
        promise(presence_and_time_count_histograms),
        promise(count_sum_and_average_are_read_from_histograms_only),
        promise(who_did_not_ask_for_histograms_gets_none),
        promise(rows_that_two_threads_read_add_up_to_the_same),
        promise(the_memory_of_histograms_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
