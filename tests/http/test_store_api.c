/* test_store_api.c - promises of the APIs that concern the store as a whole.
 * SPDX-License-Identifier: MIT */
#include "world.h"

#include "http/route.h"

static void push_series(const world *w)
{
    assert_post(w, "/api/v1/import/prometheus", "text/plain",
                "up{job=\"a\",instance=\"1\"} 1\nup{job=\"b\",instance=\"2\"} 0\n"
                "requests_total{job=\"a\"} 42\n",
                204, "");
}

static const char form[] = "application/x-www-form-urlencoded";

/* A part of the store that cannot do it yet says so; then there is nothing to promise. */
static answer ask_store(const world *w, const char *method, const char *target)
{
    answer a = ask(w, method, target, "", MW_STR(""));
    bool missing = a.status == 422 && find_text(&a.body, " yet");
    if (missing) answer_deinit(&a);
    if (missing) skip();
    return a;
}

static const mw_route *route_of(const char *pattern)
{
    for (size_t i = 0; i < mw_n_routes; i++)
        if (!strcmp(mw_routes[i].pattern, pattern)) return &mw_routes[i];
    return NULL;
}

static void what_the_disk_says_becomes_a_status_that_fits_the_asker(void **state)
{
    world *w = *state;
    static const struct {
        const char *pattern;
        int code, status;
        const char *again; /* Retry-After */
    } rows[] = {
        {"/api/v1/write", MW_EFULL, 503, "5"},     {"/api/v1/write", MW_EIO, 503, "5"},
        {"/v1/metrics", MW_EIO, 503, "5"},         {"/api/v1/write", MW_ECORRUPT, 500, NULL},
        {"/api/v1/query", MW_EFULL, 503, "5"},     {"/api/v1/query", MW_EIO, 500, NULL},
        {"/api/v1/query", MW_ECORRUPT, 500, NULL}, {"/api/v1/query", MW_EBUSY, 503, "1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_call *c = call_new(w->server);
        c->route = route_of(rows[i].pattern);
        assert_non_null(c->route);
        call_fail_text(c, rows[i].code, "the disk");
        assert_int_equal(c->status, rows[i].status);
        assert_int_equal(c->n_answer_headers, rows[i].again != NULL);
        if (rows[i].again) assert_true(mw_str_is(c->answer_headers[0].value, rows[i].again));
        call_free(c);
    }
}

static void deletions_say_what_is_wrong_as_prometheus_does(void **state)
{
    world *w = *state;
    static const char path[] = "/api/v1/admin/tsdb/delete_series";
    assert_post(w, path, form, "", 400,
                "\"errorType\":\"bad_data\",\"error\":\"no match[] parameter");
    assert_post(w, path, form, "match[]=up%7B", 400, "invalid parameter \\\"match[]\\\"");
    assert_post(w, path, form, "match[]=%7Bx%3D%22%22%7D", 400, "bad_data");
    assert_post(w, path, form, "match[]=up&start=x", 400, "invalid parameter \\\"start\\\"");
    assert_post(w, path, form, "match[]=up&start=2&end=1", 400, "end timestamp must not be before");
    assert_get(w, path, 405, "method_not_allowed");
    answer a = ask(w, "POST", "/api/v1/admin/tsdb/delete_series?match[]=up",
                   "Sec-Fetch-Site: cross-site\r\n", MW_STR(""));
    assert_status(a, 403);
    answer_deinit(&a);
}

static void what_was_deleted_is_gone_when_it_is_answered(void **state)
{
    world *w = *state;
    push_series(w);
    answer a =
        ask_store(w, "PUT", "/api/v1/admin/tsdb/delete_series?match[]=up%7Bjob%3D%22a%22%7D");
    assert_status(a, 204);
    answer_deinit(&a);
    assert_get(w, "/api/v1/query?query=count(up)", 200, ",\"1\"]");
    assert_get(w, "/api/v1/query?query=requests_total", 200, ",\"42\"]");
    assert_post(w, "/api/v1/admin/tsdb/clean_tombstones", form, "", 204, "");
}

static void a_snapshot_needs_sane_parameters_and_a_folder(void **state)
{
    world *w = *state;
    static const char path[] = "/api/v1/admin/tsdb/snapshot";
    assert_post(w, path, form, "skip_head=maybe", 400, "unable to parse boolean \\\"maybe\\\"");
    assert_post(w, path, form, "skip_head=t", 500, "cannot make the folder /nowhere/snapshots: ");
    assert_get(w, path, 405, "method_not_allowed");
}

static void exemplars_are_asked_with_an_expression(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/v1/query_exemplars?query=rate(up%5B5m%5D)%2Fsum(x)", 200,
               "{\"status\":\"success\",\"data\":[]}");
    assert_get(w, "/api/v1/query_exemplars?query=1", 200, "\"data\":[]}");
    assert_post(w, "/api/v1/query_exemplars", form, "query=up&start=1&end=2", 200, "\"data\":[]}");
    assert_get(w, "/api/v1/query_exemplars", 400, "parse error: ");
    assert_get(w, "/api/v1/query_exemplars?query=up%7B", 400, "bad_data");
    assert_get(w, "/api/v1/query_exemplars?query=up&start=2&end=1", 400, "end timestamp must not");
    assert_get(w, "/api/v1/query_exemplars?query=up&end=x", 400, "valid timestamp");
}

static void exemplars_stand_with_their_series(void **state)
{
    world *w = *state;
    mw_label l[] = {{MW_STR(MW_METRIC_NAME), MW_STR("up")}, {MW_STR("job"), MW_STR("a")}};
    mw_label trace = {MW_STR("trace_id"), MW_STR("abc")};
    mw_labels *series = mw_labels_new(l, 2, NULL), *labels = mw_labels_new(&trace, 1, NULL);
    mw_appender *app = mw_appender_new(w->host.tsdb);
    uint64_t ref = 0;
    mw_appender_add(app, series, &ref, NOW_MS, 1);
    mw_appender_commit(app, NULL);
    int rc = MW_OK;
    for (int i = 0; i < 2 && !rc; i++)
        rc = mw_appender_add_exemplar(app, series,
                                      &(mw_exemplar){labels, 6 + i, NOW_MS + 479 + 1000 * i});
    mw_appender_commit(app, NULL);
    mw_appender_free(app);
    mw_free(series);
    mw_free(labels);
    if (rc == MW_EMISSING) skip();
    assert_get(
        w, "/api/v1/query_exemplars?query=sum(rate(up%5B5m%5D))", 200,
        "\"data\":[{\"seriesLabels\":{\"__name__\":\"up\",\"job\":\"a\"},\"exemplars\":["
        "{\"labels\":{\"trace_id\":\"abc\"},\"value\":\"6\",\"timestamp\":1795424400.479},"
        "{\"labels\":{\"trace_id\":\"abc\"},\"value\":\"7\",\"timestamp\":1795424401.479}]}]}");
    assert_get(w, "/api/v1/query_exemplars?query=up&end=1795424401", 200, "400.479}]}]}");
}

static int one_is_there(void *arg, const mw_metadata *m)
{
    *(bool *)arg = true;
    return 1;
}

static void metadata_is_listed_by_name(void **state)
{
    world *w = *state;
    bool there = false;
    mw_appender *app = mw_appender_new(w->host.tsdb);
    static const char *const rows[][4] = {{"up", "gauge", "Whether \"it\" lives.", ""},
                                          {"a_seconds", "histogram", "Time.", "seconds"},
                                          {"odd", "", "No type.", ""}};
    for (size_t i = 0; i < 3; i++)
        mw_appender_set_metadata(app, mw_str_of(rows[i][0]), mw_str_of(rows[i][1]),
                                 mw_str_of(rows[i][2]), mw_str_of(rows[i][3]));
    mw_appender_commit(app, NULL);
    mw_appender_free(app);
    mw_tsdb_metadata(w->host.tsdb, MW_STR(""), one_is_there, &there);
    if (!there) skip();
    static const char first[] =
        "{\"a_seconds\":[{\"type\":\"histogram\",\"help\":\"Time.\",\"unit\":\"seconds\"}]";
    char all[400], one[200];
    snprintf(
        all, sizeof all,
        "%s,\"odd\":[{\"type\":\"unknown\",\"help\":\"No type.\",\"unit\":\"\"}],\"up\":[{\"type\":"
        "\"gauge\",\"help\":\"Whether \\\"it\\\" lives.\",\"unit\":\"\"}]}}",
        first);
    snprintf(one, sizeof one, "%s}}", first);
    assert_get(w, "/api/v1/metadata", 200, all);
    assert_get(w, "/api/v1/metadata?limit=1", 200, one);
    assert_get(w, "/api/v1/metadata?metric=a_seconds&limit_per_metric=1", 200, one);
    assert_get(w, "/api/v1/metadata?metric=nothing", 200, "\"data\":{}}");
    assert_get(w, "/api/v1/metadata?limit=0", 200, "\"data\":{}}");
    assert_get(w, "/api/v1/metadata?limit=x", 400, "bad_data");
}

static void the_status_of_the_store_counts_labels_and_blocks(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/v1/status/tsdb", 200,
               "{\"headStats\":{\"numSeries\":3,\"numLabelPairs\":6,\"chunkCount\":");
    assert_get(w, "/api/v1/status/tsdb", 200, "\"storeStats\":{\"blocks\":0,\"blockBytes\":0,");
    assert_get(w, "/api/v1/status/tsdb?limit=1", 200,
               "\"labelValueCountByLabelName\":[{\"name\":\"__name__\",\"value\":2}],"
               "\"memoryInBytesByLabelName\":[{\"name\":\"__name__\",\"value\":16}],"
               "\"seriesCountByLabelValuePair\":[{\"name\":\"job=a\",\"value\":2}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        promise(what_the_disk_says_becomes_a_status_that_fits_the_asker),
        promise(deletions_say_what_is_wrong_as_prometheus_does),
        promise(what_was_deleted_is_gone_when_it_is_answered),
        promise(a_snapshot_needs_sane_parameters_and_a_folder),
        promise(exemplars_are_asked_with_an_expression),
        promise(exemplars_stand_with_their_series),
        promise(metadata_is_listed_by_name),
        promise(the_status_of_the_store_counts_labels_and_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
