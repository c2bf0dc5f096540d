/* test_prometheus.c - queries over HTTP: what may be asked, who waits, who leaves.
 * SPDX-License-Identifier: MIT */
#include "gate.h"

/* -- who waits, and who leaves ---------------------------------------------------------------- */

static void a_query_stops_when_its_client_leaves(void **state)
{
    gate g;
    world *w = gated(&g, (mw_server_options){0});
    (void)state;
    int fd = begin(w, "/api/v1/query?query=up");
    gate_await(&g, &g.inside, 1);
    close(fd);
    gate_await(&g, &g.cancelled, 1);
    fd = begin(w, "/api/v1/query?query=up");
    gate_await(&g, &g.inside, 1);
    client_send(fd, "GET /-/healthy HTTP/1.1\r\n", 25); /* the next request stands before the end */
    close(fd);
    gate_await(&g, &g.cancelled, 2);
    world_close(w);
}

static void queries_beyond_the_limit_wait_and_too_many_are_refused(void **state)
{
    enum { TAKEN = 1 + 8, REFUSED = 3, ALL = TAKEN + REFUSED };
    gate g;
    struct pollfd p[ALL];
    world *w = gated(&g, (mw_server_options){.max_queries = 1, .loops = 1});
    (void)state;
    p[0].fd = begin(w, "/api/v1/query?query=up");
    gate_await(&g, &g.inside, 1);
    for (int i = 1; i < ALL; i++) p[i].fd = begin(w, "/api/v1/query?query=up");
    for (int i = 0; i < ALL; i++) p[i].events = POLLIN;
    for (int refused = 0; refused < REFUSED;) {
        assert_true(poll(p, ALL, 20000) > 0);
        for (int i = 0; i < ALL; i++) {
            if (!p[i].revents) continue;
            answer a = client_read(p[i].fd);
            assert_status(a, 503);
            assert_head_has(a, "retry-after: 1\r\n");
            assert_body_has(a, "\"unavailable\",\"error\":\"too many queries are waiting");
            answer_deinit(&a);
            close(p[i].fd);
            p[i].fd = -1;
            refused++;
        }
    }
    gate_open(&g);
    for (int i = 0; i < ALL; i++) {
        if (p[i].fd < 0) continue;
        answer a = client_read(p[i].fd);
        assert_status(a, 200);
        answer_deinit(&a);
        close(p[i].fd);
    }
    world_close(w);
}

static void time_in_the_queue_counts(void **state)
{
    gate g;
    world *w = gated(&g, (mw_server_options){.max_queries = 1});
    (void)state;
    int first = begin(w, "/api/v1/query?query=up");
    gate_await(&g, &g.inside, 1);
    int second = begin(w, "/api/v1/query?query=up&timeout=0");
    gate_open(&g);
    answer a = client_read(first);
    assert_status(a, 200);
    answer_deinit(&a);
    a = client_read(second);
    assert_status(a, 503);
    assert_body_has(a, "\"errorType\":\"timeout\",\"error\":\"query timed out in query queue\"");
    answer_deinit(&a);
    close(first);
    close(second);
    world_close(w);
}

/* -- parameters ------------------------------------------------------------------------------- */

static void push(const world *w)
{
    assert_post(w, "/api/v1/import/prometheus", "text/plain",
                "up{job=\"a\"} 1\nup{job=\"b\"} 0\nup{job=\"c\"} 1\n", 204, "");
}

static void what_a_form_says_comes_before_the_path(void **state)
{
    world *w = *state;
    push(w);
    assert_post(w, "/api/v1/query?query=nonsense(&limit=1", "application/x-www-form-urlencoded",
                "query=up", 200, "results truncated due to limit");
    assert_post(
        w, "/api/v1/series?match[]=up%7Bjob=%22a%22%7D", "application/x-www-form-urlencoded",
        "match[]=up%7Bjob=%22b%22%7D", 200,
        "\"data\":[{\"__name__\":\"up\",\"job\":\"a\"},{\"__name__\":\"up\",\"job\":\"b\"}]}");
}

static void limits_cut_and_say_so(void **state)
{
    world *w = *state;
    push(w);
    static const char cut[] = "\"warnings\":[\"results truncated due to limit\"]}";
    static const struct {
        const char *target;
        bool cut;
    } rows[] = {
        {"/api/v1/query?query=up&limit=2", true},
        {"/api/v1/query?query=up&limit=3", false},
        {"/api/v1/query?query=up&limit=0", false},
        {"/api/v1/query?query=1&limit=1", false},
        {"/api/v1/query?query=up[5m]&limit=1", true},
        {"/api/v1/query_range?query=up&limit=2&start=1795424400&end=1795424460&step=30", true},
        {"/api/v1/query_range?query=up&limit=3&start=1795424400&end=1795424460&step=30", false},
        {"/api/v1/series?match[]=up&limit=2", true},
        {"/api/v1/series?match[]=up&match[]=up&limit=2", true},
        {"/api/v1/series?match[]=up&match[]=up&limit=3", false},
        {"/api/v1/labels?limit=1", true},
        {"/api/v1/labels?limit=2", false},
        {"/api/v1/label/job/values?limit=2", true},
        {"/api/v1/label/job/values?limit=3", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer a = get(w, rows[i].target);
        assert_status(a, 200);
        if (!find_text(&a.body, cut) == rows[i].cut) fail_msg("%s: %s", rows[i].target, a.body.p);
        answer_deinit(&a);
    }
    assert_get(w, "/api/v1/query?query=up&limit=-1", 400,
               "invalid parameter \\\"limit\\\": limit must be non-negative");
    assert_get(w, "/api/v1/labels?limit=x", 400, "invalid parameter \\\"limit\\\"");
    assert_get(w, "/api/v1/metadata?limit=x", 400, "limit must be a number");
    assert_get(w, "/api/v1/status/tsdb?limit=0", 400, "limit must be a positive number");
    assert_get(w, "/api/v1/status/tsdb?limit=10001", 400, "limit must not exceed 10000");
}

static void statistics_stand_inside_of_data(void **state)
{
    world *w = *state;
    push(w);
    assert_get(w, "/api/v1/query?query=up&stats=all", 200,
               "],\"stats\":{\"timings\":{\"evalTotalTime\":0.");
    assert_get(w, "/api/v1/query?query=up&stats=true", 200,
               "\"samples\":{\"totalQueryableSamples\":");

    assert_get(w, "/api/v1/query?query=up&stats=1", 200, "}}},\"warnings\":[\"value \\\"1\\\" for");
}

static void the_ends_of_time_are_times(void **state)
{
    world *w = *state;
    push(w);
    static const char *const fine[] = {"/api/v1/query?query=1&time=1e11",
                                       "/api/v1/query?query=1&time=-1e11",
                                       "/api/v1/series?match[]=up&start=-292273086-05-16T16:47:06Z"
                                       "&end=292277025-08-18T07:12:54.999999999Z",
                                       "/api/v1/labels?start=-1e300&end=1e300",
                                       "/api/v1/query_exemplars?query=up&start=-1e300&end=1e300"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) assert_get(w, fine[i], 200, "success");
    assert_get(w, "/api/v1/query_range?query=up&start=-1e300&end=1e300&step=9e9", 400,
               "exceeded maximum resolution");
    assert_get(w, "/api/v1/query_range?query=up&start=0&end=1&step=1e300", 400,
               "to a valid duration. It overflows int64");
    assert_get(w, "/api/v1/query?query=up&time=inf", 400,
               "invalid time value for 'time': cannot parse");
    assert_get(w, "/api/v1/query?query=up&time=nan", 400, "cannot parse \\\"nan\\\"");
    assert_get(w, "/api/v1/query?query=up&lookback_delta=x", 400,
               "error parsing lookback delta duration: cannot parse \\\"x\\\"");
}

static void a_long_row_leaves_in_pieces(void **state)
{
    enum { N = 100000 };
    world *w = *state;
    mw_err err;
    mw_err_init(&err);
    mw_label pair = {MW_STR("__name__"), MW_STR("long")};
    mw_labels *ls = mw_labels_new(&pair, 1, NULL);
    mw_appender *a = mw_appender_new(w->host.tsdb);
    uint64_t ref = 0;
    for (int i = 0; i < N; i++) mw_appender_add(a, ls, &ref, NOW_MS - N + 1 + i, i);
    assert_int_equal(mw_appender_commit(a, &err), MW_OK);
    mw_appender_free(a);
    mw_free(ls);
    answer got = get(w, "/api/v1/query?query=long%5B1d%5D");
    assert_status(got, 200);
    assert_head_has(got, "transfer-encoding: chunked");
    size_t points = 0;
    for (size_t i = 1; i < got.body.n; i++) points += !memcmp(got.body.p + i - 1, "\"]", 2);
    assert_int_equal(points, N);
    assert_non_null(find_text(&got.body, ",\"99999\"]]}]}}"));
    answer_deinit(&got);
}

/* -- who may read ----------------------------------------------------------------------------- */

static void origins_are_matched_whole(void **state)
{
    world *w = world_open((mw_server_options){.cors = "https?://a[.]example"});
    (void)state;
    static const struct {
        const char *origin;
        bool may;
    } rows[] = {{"https://a.example", true},
                {"http://a.example", true},
                {"https://a.example.b", false},
                {"null", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char header[100];
        snprintf(header, sizeof header, "Origin: %s\r\n", rows[i].origin);
        answer a = ask(w, "GET", "/api/v1/labels", header, MW_STR(""));
        assert_status(a, 200);
        assert_head_has(a, "vary: origin");
        assert_true(!find_text(&a.head, "access-control-allow-origin: http") == !rows[i].may);
        answer_deinit(&a);
    }
    world_close(w);
    mw_err err;
    mw_err_init(&err);
    const char *listen[] = {"127.0.0.1:0"};
    mw_server_parts parts = {0};
    assert_null(mw_server_new(&(mw_server_options){.listen = listen, .n_listen = 1, .cors = "("},
                              &parts, &err));
    assert_true(err.code < 0);
}

typedef struct reader {
    pthread_t thread;
    int fd;
    bool whole;
} reader;

static void *read_all(void *arg)
{
    static char part[1 << 20];
    reader *r = arg;
    ssize_t n;
    do n = recv(r->fd, part, sizeof part, 0);
    while (n > 5 && memcmp(part + n - 5, "0\r\n\r\n", 5));
    __atomic_store_n(&r->whole, true, __ATOMIC_RELEASE);
    return NULL;
}

/* Its client reads as fast as it can: the loop never has to wait for the socket. */
static void a_huge_answer_leaves_the_loop_to_others_between_its_pieces(void **state)
{
    world *w = world_open((mw_server_options){.loops = 1});
    (void)state;
    int other = client_open(w);
    reader r = {.fd = begin(w, "/api/v1/query?query=vector(1)%5B500h:1s%5D")}; /* 40 MB of text */
    struct pollfd begun = {.fd = r.fd, .events = POLLIN};
    assert_int_equal(poll(&begun, 1, 30000), 1);
    assert_int_equal(pthread_create(&r.thread, NULL, read_all, &r), 0);
    client_send(other, "GET /-/healthy HTTP/1.1\r\n\r\n", 27);
    answer a = client_read(other);
    assert_false(__atomic_load_n(&r.whole, __ATOMIC_ACQUIRE));
    assert_status(a, 200);
    answer_deinit(&a);
    pthread_join(r.thread, NULL);
    close(r.fd);
    close(other);
    world_close(w);
}

static void how_far_the_start_is_can_be_asked(void **state)
{
    world *w = *state;
    mw_server_ready(w->server, false);
    assert_get(w, "/api/v1/status/walreplay", 200, "{\"min\":0,\"max\":100,\"current\":");
    assert_get(w, "/api/v1/notifications", 200, "moonwatch is starting");
    mw_server_ready(w->server, true);
    assert_get(w, "/api/v1/notifications", 200, "\"data\":[]}");
}

static int status_of_foreign(const world *w, const char *method, const char *target)
{
    mw_buf b = {0};
    int fd = client_open(w);
    mw_buf_printf(&b, "%s %s HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n", method, target);
    mw_buf_printf(&b, "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
    client_send(fd, b.p, b.n);
    answer a = client_read(fd);
    close(fd);
    int status = a.status;
    answer_deinit(&a);
    mw_buf_deinit(&b);
    return status;
}

static void a_page_of_another_site_changes_nothing(void **state)
{
    world *w = *state;
    assert_int_equal(status_of_foreign(w, "POST", "/-/reload"), 403);
    assert_int_equal(status_of_foreign(w, "POST", "/api/v2/silences"), 403);
    assert_int_equal(status_of_foreign(w, "POST", "/api/v1/admin/tsdb/clean_tombstones"), 403);
    assert_int_equal(status_of_foreign(w, "GET", "/api/v2/silences"), 503); /* no actor here */
    assert_int_equal(status_of_foreign(w, "POST", "/api/v1/query?query=1"), 200);
    assert_int_equal(status_of_foreign(w, "POST", "/api/v1/import/prometheus"), 204);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_stops_when_its_client_leaves),
        cmocka_unit_test(queries_beyond_the_limit_wait_and_too_many_are_refused),
        cmocka_unit_test(time_in_the_queue_counts),
        promise(what_a_form_says_comes_before_the_path),
        promise(limits_cut_and_say_so),
        promise(statistics_stand_inside_of_data),
        promise(the_ends_of_time_are_times),
        promise(a_long_row_leaves_in_pieces),
        cmocka_unit_test(a_huge_answer_leaves_the_loop_to_others_between_its_pieces),
        cmocka_unit_test(origins_are_matched_whole),
        promise(a_page_of_another_site_changes_nothing),
        promise(how_far_the_start_is_can_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
