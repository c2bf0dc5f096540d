/* test_queries.c - what the server says of queries, and of what nobody asks for.
 * SPDX-License-Identifier: MIT */
#include "world.h"

#include <semaphore.h>

#include "promql/querylog.h"

/* A source that waits in select until it is told to go on. */
typedef struct gate {
    mw_source face;
    mw_source *behind;
    sem_t entered, go;
} gate;

static int gate_select(mw_source *self, const mw_select *sel, mw_series_set **out, mw_err *err)
{
    gate *g = (gate *)self;
    sem_post(&g->entered);
    sem_wait(&g->go);
    return g->behind->select(g->behind, sel, out, err);
}

static void push_series(const world *w)
{
    assert_post(w, "/api/v1/import/prometheus", "text/plain",
                "up{job=\"a\",instance=\"1\"} 1\nup{job=\"b\",instance=\"2\"} 0\n"
                "up{job=\"a\",instance=\"3\"} 1\nrequests_total{job=\"a\"} 42\n",
                204, "");
}

/* -- running --------------------------------------------------------------------------------- */

static int ask_and_leave_open(const world *w, const char *target)
{
    char text[300];
    int fd = client_open(w);
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nhost: x\r\n\r\n", target);
    assert_true(client_send(fd, text, (size_t)n));
    return fd;
}

static void a_running_query_is_listed_and_can_be_ended(void **state)
{
    world *w = *state;
    gate g = {.face = {.select = gate_select}, .behind = w->host.source};
    push_series(w);
    sem_init(&g.entered, 0, 0);
    sem_init(&g.go, 0, 0);
    w->host.source = &g.face;
    int fd = ask_and_leave_open(w, "/api/v1/query?query=sum_over_time(up[30d:1s])&time=1795424400");
    sem_wait(&g.entered);
    assert_get(w, "/api/mw/v1/queries", 200,
               "{\"running\":[{\"id\":1,\"query\":\"sum_over_time(up[30d:1s])\",\"origin\":\"api\","
               "\"started\":1795424400,\"ageSeconds\":");
    assert_get(w, "/api/mw/v1/queries", 200,
               ",\"time\":1795424400,\"cancelled\":false,"
               "\"cancel\":\"DELETE /api/mw/v1/queries/1\"}]");
    answer a = ask(w, "DELETE", "/api/mw/v1/queries/1", "", MW_STR(""));
    assert_status(a, 204);
    answer_deinit(&a);
    assert_get(w, "/api/mw/v1/queries", 200, "\"cancelled\":true");
    sem_post(&g.go);
    a = client_read(fd);
    assert_status(a, 499);
    assert_body_has(a, "\"errorType\":\"canceled\"");
    answer_deinit(&a);
    close(fd);
    assert_get(w, "/api/mw/v1/queries", 200, "{\"running\":[],");
    assert_get(w, "/api/mw/v1/queries", 200, "\"count\":1,\"ranges\":0,\"failed\":1,");
    w->host.source = g.behind;
}

static void ending_what_does_not_run_says_so(void **state)
{
    world *w = *state;
    static const struct {
        const char *target;
        int status;
        const char *text;
    } rows[] = {
        {"/api/mw/v1/queries/7", 404, "no query 7 runs"},
        {"/api/mw/v1/queries/x", 400, "the number of a query is expected, got \\\"x\\\""},
        {"/api/mw/v1/queries/-1", 400, "the number of a query is expected"},
        {"/api/mw/v1/queries", 405, "does not answer that method"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer a = ask(w, "DELETE", rows[i].target, "", MW_STR(""));
        assert_status(a, rows[i].status);
        assert_body_has(a, rows[i].text);
        answer_deinit(&a);
    }
}

/* -- what ran -------------------------------------------------------------------------------- */

static void queries_are_summed_up_by_their_normalised_text(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/v1/query?query=sum(up)by(job)", 200, "success");
    assert_get(w, "/api/v1/query?query=sum+by+(job)+(up)", 200, "success");
    assert_get(w, "/api/v1/query?query=requests_total", 200, "success");
    assert_get(w, "/api/v1/query_range?query=sum(up)by(job)&start=1&end=2&step=1", 200, "success");
    assert_get(w, "/api/v1/query?query=sum(", 400, "bad_data");
    assert_get(w, "/api/mw/v1/queries?by=count&limit=1", 200,
               "\"top\":[{\"query\":\"sum by (job) (up)\",\"count\":3,\"ranges\":1,\"failed\":0,"
               "\"totalSeconds\":");
    assert_get(w, "/api/mw/v1/queries?by=samples", 200, "{\"query\":\"requests_total\",");
    assert_get(w, "/api/mw/v1/queries?by=luck", 400, "one of time, samples, count is expected");
    assert_get(w, "/api/mw/v1/queries?limit=x", 400, "limit");
    assert_get(w, "/api/mw/v1/queries?limit=0", 200, "\"top\":[]}");
}

/* -- explained ------------------------------------------------------------------------------- */

static void a_query_is_explained_with_what_it_took(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/mw/v1/explain?query=sum(up)by(job)", 200,
               "{\"query\":\"sum by (job) (up)\",\"analyzed\":true,\"type\":\"vector\","
               "\"start\":1795424400,\"end\":1795424400,\"step\":0,\"steps\":1,\"totals\":{");
    assert_get(w, "/api/mw/v1/explain?query=sum(up)by(job)", 200,
               "selector, 1 matcher: 3 series, 3 samples, read from memory\"");
    assert_get(w, "/api/mw/v1/explain?query=up&start=1795424400&end=1795424460&step=30", 200,
               "\"steps\":3,");
    assert_get(w, "/api/mw/v1/explain?query=up&time=1", 200,
               "read from nowhere: there is nothing of that time");
    assert_get(w, "/api/mw/v1/explain?query=up&analyze=false", 200, "\"analyzed\":false,");
    assert_post(w, "/api/mw/v1/explain", "application/x-www-form-urlencoded", "query=up%2B1", 200,
                "\"query\":\"up + 1\"");
    assert_get(w, "/api/mw/v1/explain?query=up&analyze=perhaps", 400, "true or false");
    assert_get(w, "/api/mw/v1/explain?query=up&start=1&step=1", 400, "end");
    assert_get(w, "/api/mw/v1/explain?query=sum(", 400, "1:5: parse error: ");
    assert_get(w, "/api/mw/v1/queries?by=count", 200,
               "\"query\":\"sum by (job) (up)\",\"count\":2");
}

static void what_several_threads_read_is_counted_whole(void **state)
{
    world *w = *state;
    mw_buf page = {0};
    for (int i = 0; i < 6000; i++) mw_buf_printf(&page, "many{n=\"%d\",k=\"%d\"} 1\n", i, i % 3);
    assert_post(w, "/api/v1/import/prometheus", "text/plain", page.p, 204, "");
    mw_buf_deinit(&page);
    assert_get(w, "/api/mw/v1/explain?query=sum+by+(k)(-rate(many[5m]))", 200,
               ",\"series\":6000,\"samples\":6000,\"peakBytes\":");
    assert_get(w, "/api/mw/v1/explain?query=sum+by+(k)(many*time())", 200,
               "\"does\":\"sum by (k): 6,000 → 3 rows\"");
    assert_get(w, "/api/mw/v1/explain?query=sum+by+(k)(many*time())", 200,
               "selector, 1 matcher: 6,000 series, 6,000 samples, read from memory");
}

/* -- cardinality ----------------------------------------------------------------------------- */

static void series_are_counted_by_metric_with_the_last_query(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/v1/query?query=sum(up)", 200, "success");
    assert_get(w, "/api/mw/v1/cardinality", 200,
               "{\"label\":\"__name__\",\"series\":4,\"without\":0,\"values\":2,\"queriedSince\":"
               "1795424400,\"top\":["
               "{\"value\":\"up\",\"series\":3,\"share\":0.75,\"queries\":1,"
               "\"lastQueried\":1795424400},"
               "{\"value\":\"requests_total\",\"series\":1,\"share\":0.25,\"queries\":0,"
               "\"lastQueried\":\"never\"}]}");
    assert_get(w, "/api/mw/v1/cardinality?limit=1", 200, "\"lastQueried\":1795424400}]}");
    assert_get(w, "/api/mw/v1/cardinality?unread=1", 200,
               "\"top\":[{\"value\":\"requests_total\",");
}

static void series_are_counted_by_any_label_of_those_selected(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/mw/v1/cardinality?label=job", 200,
               "\"series\":4,\"without\":0,\"values\":2,\"queriedSince\":1795424400,\"top\":["
               "{\"value\":\"a\",\"series\":3,\"share\":0.75},"
               "{\"value\":\"b\",\"series\":1,\"share\":0.25}]}");
    assert_get(w, "/api/mw/v1/cardinality?label=instance", 200, "\"without\":1,\"values\":3");
    assert_get(w, "/api/mw/v1/cardinality?label=job&match[]=up&match[]=%7Bjob=%22a%22%7D", 200,
               "\"series\":4,");
    assert_get(w, "/api/mw/v1/cardinality?label=job&match[]=requests_total", 200,
               "\"top\":[{\"value\":\"a\",\"series\":1,\"share\":1}]}");
    assert_get(w, "/api/mw/v1/cardinality?label=no_such", 200, "\"without\":4,\"values\":0,");
    assert_get(w, "/api/mw/v1/cardinality?match[]=up%7B", 400, "match[]");
    assert_get(w, "/api/mw/v1/cardinality?label=job&unread=1", 400, "unread is about metric names");
}

static void more_values_than_a_page_shows_are_all_counted(void **state)
{
    world *w = *state;
    mw_buf page = {0};
    for (int i = 0; i < 3000; i++) mw_buf_printf(&page, "many{n=\"%d\"} 1\n", i);
    assert_post(w, "/api/v1/import/prometheus", "text/plain", page.p, 204, "");
    mw_buf_deinit(&page);
    assert_get(w, "/api/mw/v1/cardinality?label=n&limit=2", 200,
               "\"values\":3000,\"queriedSince\":1795424400,\"top\":["
               "{\"value\":\"0\",\"series\":1,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        promise(a_running_query_is_listed_and_can_be_ended),
        promise(ending_what_does_not_run_says_so),
        promise(queries_are_summed_up_by_their_normalised_text),
        promise(a_query_is_explained_with_what_it_took),
        promise(what_several_threads_read_is_counted_whole),
        promise(series_are_counted_by_metric_with_the_last_query),
        promise(series_are_counted_by_any_label_of_those_selected),
        promise(more_values_than_a_page_shows_are_all_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
