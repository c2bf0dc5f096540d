/* test_server.c - promises of the server to rude, slow, impatient and numerous clients.
 * SPDX-License-Identifier: MIT */
#include "world.h"

#include <pthread.h>

static void still_alive(const world *w) { assert_get(w, "/-/healthy", 200, "healthy"); }

/* -- rude ------------------------------------------------------------------------------------- */

/* What the server says to RAW, if anything; it must hang up or answer, and live. */
static int status_of_raw(const world *w, const char *raw, size_t n)
{
    int fd = client_open(w);
    client_send(fd, raw, n);
    shutdown(fd, SHUT_WR);
    answer a = client_read(fd);
    close(fd);
    int status = a.status;
    answer_deinit(&a);
    return status;
}

static void garbage_is_never_an_answered_request(void **state)
{
    world *w = world_open((mw_server_options){0});
    static const char *const lines[] = {
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        "GET / HTTP/1.1\r\n: empty name\r\n\r\n",
        "POST /v1/logs HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/logs HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /v1/logs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int status = status_of_raw(w, lines[i], strlen(lines[i]));
        if (status != 0 && (status < 400 || status > 499)) fail_msg("%zu: status %d", i, status);
    }
    still_alive(w);
    world_close(w);
}

static void mutated_requests_do_no_harm(void **state)
{
    static const char request[] =
        "POST /api/v1/query?time=1&x=%41 HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nquery=1%2B1";
    world *w = world_open((mw_server_options){0});
    uint64_t seed = 99;
    for (int round = 0; round < 300; round++) {
        char raw[sizeof request];
        memcpy(raw, request, sizeof request);
        for (int k = 0; k < 1 + round % 4; k++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            raw[(seed >> 33) % (sizeof request - 1)] = (char)(seed >> 20);
        }
        status_of_raw(w, raw, sizeof request - 1 - (round % 7 ? 0 : (seed >> 40) % 60));
    }
    still_alive(w);
    world_close(w);
}

static void headers_without_end_are_cut_off(void **state)
{
    world *w = world_open((mw_server_options){0});
    int fd = client_open(w);
    mw_buf b = {0};
    mw_buf_text(&b, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 200; i++) mw_buf_printf(&b, "X-%d: %0100d\r\n", i, i);
    mw_buf_text(&b, "\r\n");
    client_send(fd, b.p, b.n);
    answer a = client_read(fd);
    assert_true(a.status == 0 || a.status == 400);
    answer_deinit(&a);
    close(fd);
    mw_buf_reset(&b);
    memset(mw_buf_room(&b, 1 << 20), 'a', b.n = 1 << 20);
    fd = client_open(w);
    client_send(fd, "GET /", 5);
    bool taken = client_send(fd, b.p, b.n);
    shutdown(fd, SHUT_WR);
    if (taken) {
        a = client_read(fd);
        assert_true(a.status == 0 || a.status >= 400);
        answer_deinit(&a);
    }
    close(fd);
    mw_buf_deinit(&b);
    still_alive(w);
    world_close(w);
}

static void a_body_over_the_limit_is_refused_in_the_shape_of_its_path(void **state)
{
    world *w = world_open((mw_server_options){.max_body = 100000});
    mw_buf b = {0};
    memset(mw_buf_room(&b, 3 << 20), 'x', b.n = 3 << 20);
    answer a = ask(w, "POST", "/v1/logs", "Content-Type: application/json\r\n", (mw_str){b.p, b.n});
    assert_status(a, 413);
    assert_body_has(a, "\"message\":\"the body is larger than 100000 bytes\"");
    answer_deinit(&a);
    a = ask(w, "POST", "/api/v1/query", "", (mw_str){b.p, b.n});
    assert_status(a, 413);
    assert_body_has(a, "{\"status\":\"error\",\"errorType\":\"too_large\"");
    answer_deinit(&a);
    int fd = client_open(w);
    mw_buf chunked = {0};
    mw_buf_text(&chunked,
                "POST /api/mw/v1/silences HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        mw_buf_printf(&chunked, "%x\r\n", 20000);
        mw_buf_add(&chunked, b.p, 20000);
        mw_buf_text(&chunked, "\r\n");
    }
    mw_buf_text(&chunked, "0\r\n\r\n");
    client_send(fd, chunked.p, chunked.n);
    a = client_read(fd);
    assert_status(a, 413);
    answer_deinit(&a);
    close(fd);
    mw_buf_deinit(&chunked);
    mw_buf_deinit(&b);
    still_alive(w);
    world_close(w);
}

static void a_chunked_body_is_read_whole(void **state)
{
    world *w = world_open((mw_server_options){0});
    int fd = client_open(w);
    static const char raw[] = "POST /api/v1/import/prometheus HTTP/1.1\r\nHost: t\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n"
                              "6\r\nchunky\r\n3\r\n 7\n\r\n0\r\n\r\n";
    client_send(fd, raw, sizeof raw - 1);
    answer a = client_read(fd);
    assert_status(a, 204);
    answer_deinit(&a);
    close(fd);
    assert_get(w, "/api/v1/query?query=chunky", 200, "\"7\"");
    world_close(w);
}

/* -- many at once ----------------------------------------------------------------------------- */

static void pipelined_requests_are_answered_in_order(void **state)
{
    world *w = world_open((mw_server_options){0});
    int fd = client_open(w);
    mw_buf b = {0}, in = {0};
    for (int i = 0; i < 50; i++)
        mw_buf_printf(&b, "GET /api/v1/query?query=%d HTTP/1.1\r\nHost: t\r\n\r\n", i);
    client_send(fd, b.p, b.n);
    for (int i = 0; i < 50; i++) {
        char want[32];
        answer a = client_read_from(fd, &in);
        assert_status(a, 200);
        snprintf(want, sizeof want, ",\"%d\"]", i);
        assert_body_has(a, want);
        answer_deinit(&a);
    }
    close(fd);
    mw_buf_deinit(&b);
    mw_buf_deinit(&in);
    world_close(w);
}

static void connections_over_the_cap_are_closed_and_room_comes_back(void **state)
{
    world *w = world_open((mw_server_options){.max_connections = 5});
    int fds[5];
    for (int i = 0; i < 5; i++) {
        fds[i] = client_open(w);
        client_send(fds[i], "GET /-/healthy HTTP/1.1\r\n\r\n", 27);
        answer a = client_read(fds[i]);
        assert_status(a, 200);
        answer_deinit(&a);
    }
    answer a = get(w, "/-/healthy");
    assert_int_equal(a.status, 0);
    answer_deinit(&a);
    for (int i = 0; i < 5; i++) close(fds[i]);
    int status = 0; /* the server hears of the closes in its own time */
    for (int i = 0; i < 1000 && status != 200; i++) {
        a = get(w, "/-/healthy");
        status = a.status;
        answer_deinit(&a);
        if (status != 200) usleep(5000);
    }
    assert_int_equal(status, 200);
    world_close(w);
}

/* -- queries: a source that answers when the test lets it -------------------------------------- */

typedef struct gate {
    mw_source source;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open;
    int inside, cancelled;
} gate;

static int gated_select(mw_source *self, const mw_select *sel, mw_series_set **out, mw_err *err)
{
    gate *g = (gate *)self;
    pthread_mutex_lock(&g->lock);
    g->inside++;
    pthread_cond_broadcast(&g->moved);
    while (!g->open && !(sel->cancel && __atomic_load_n(sel->cancel, __ATOMIC_RELAXED))) {
        struct timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        ts.tv_nsec += 5000000;
        ts.tv_sec += ts.tv_nsec / 1000000000;
        ts.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&g->moved, &g->lock, &ts);
    }
    g->inside--;
    if (!g->open) g->cancelled++;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
    return mw_fail(err, g->open ? MW_EEXEC : MW_ECANCEL, 0, 0, "the gate has no series");
}

static void gate_wait(gate *g, const int *what, int until)
{
    pthread_mutex_lock(&g->lock);
    while (*what < until) pthread_cond_wait(&g->moved, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void gate_open(gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

static gate *gate_in(world *w)
{
    gate *g = mw_zalloc(sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->moved, NULL);
    g->source.select = gated_select;
    w->host.source = &g->source;
    return g;
}

static const char slow_query[] = "GET /api/v1/query?query=up HTTP/1.1\r\nHost: t\r\n\r\n";

static void a_query_is_cancelled_when_its_client_leaves(void **state)
{
    world *w = world_open((mw_server_options){.max_queries = 2});
    gate *g = gate_in(w);
    int fd = client_open(w);
    client_send(fd, slow_query, sizeof slow_query - 1);
    gate_wait(g, &g->inside, 1);
    close(fd);
    gate_wait(g, &g->cancelled, 1);
    still_alive(w);
    world_close(w);
    mw_free(g);
}

static int readable(const int *fds, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        struct pollfd p = {.fd = fds[i], .events = POLLIN};
        count += poll(&p, 1, 0) > 0;
    }
    return count;
}

static void queries_beyond_what_may_wait_are_sent_away_with_503(void **state)
{
    enum { CLIENTS = 40, WAITING = 8 };
    world *w = world_open((mw_server_options){.max_queries = 1, .loops = 1});
    gate *g = gate_in(w);
    int fds[CLIENTS], busy = 0, failed = 0;
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_open(w);
        client_send(fds[i], slow_query, sizeof slow_query - 1);
        if (!i) gate_wait(g, &g->inside, 1); /* it runs, so that all the room to wait is free */
    }
    still_alive(w); /* a loop that waits for queries still serves the rest */
    while (readable(fds, CLIENTS) < CLIENTS - 1 - WAITING) usleep(1000);
    gate_open(g);
    for (int i = 0; i < CLIENTS; i++) {
        answer a = client_read(fds[i]);
        failed += a.status == 422;
        if (a.status == 503) {
            busy++;
            assert_head_has(a, "retry-after: 1");
            assert_body_has(a, "{\"status\":\"error\",\"errorType\":\"unavailable\"");
        }
        answer_deinit(&a);
    }
    for (int i = 0; i < CLIENTS; i++) close(fds[i]);
    assert_int_equal(failed, 1 + WAITING);
    assert_int_equal(busy, CLIENTS - 1 - WAITING);
    world_close(w);
    mw_free(g);
}

/* -- the end ----------------------------------------------------------------------------------- */

static void *stop_now(void *arg)
{
    mw_server_stop(arg, 30000);
    return NULL;
}

static void stopping_finishes_what_is_in_flight_and_closes_what_is_idle(void **state)
{
    world *w = world_open((mw_server_options){.max_queries = 2});
    gate *g = gate_in(w);
    int idle = client_open(w), busy = client_open(w), kept = client_open(w);
    client_send(kept, "GET /-/healthy HTTP/1.1\r\n\r\n", 27);
    answer a = client_read(kept);
    assert_status(a, 200);
    answer_deinit(&a);
    client_send(busy, slow_query, sizeof slow_query - 1);
    gate_wait(g, &g->inside, 1);
    pthread_t stopper;
    pthread_create(&stopper, NULL, stop_now, w->server);
    a = client_read(kept); /* closed by the server, though it is kept alive */
    assert_int_equal(a.status, 0);
    answer_deinit(&a);
    a = client_read(idle);
    assert_int_equal(a.status, 0);
    answer_deinit(&a);
    gate_open(g);
    a = client_read(busy);
    assert_status(a, 422);
    assert_head_has(a, "connection: close");
    answer_deinit(&a);
    pthread_join(stopper, NULL);
    close(idle);
    close(busy);
    close(kept);
    world_close(w);
    mw_free(g);
}

static void stopping_does_not_wait_longer_than_it_may(void **state)
{
    world *w = world_open((mw_server_options){.max_queries = 2});
    gate *g = gate_in(w);
    int fd = client_open(w), half = client_open(w);
    client_send(half, "POST /v1/logs HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc", 49);
    client_send(fd, slow_query, sizeof slow_query - 1);
    gate_wait(g, &g->inside, 1);
    mw_server_stop(w->server, 50);
    assert_int_equal(g->cancelled, 1);
    close(fd);
    close(half);
    world_close(w);
    mw_free(g);
}

static void a_client_that_leaves_a_large_answer_half_read_does_no_harm(void **state)
{
    world *w = world_open((mw_server_options){0});
    mw_buf text = {0};
    for (int i = 0; i < 20000; i++) mw_buf_printf(&text, "many{n=\"%d\"} %d\n", i, i);
    assert_post(w, "/api/v1/import/prometheus", "text/plain", text.p, 204, "");
    mw_buf_deinit(&text);
    for (int i = 0; i < 10; i++) {
        char byte;
        int fd = client_open(w);
        static const char raw[] = "GET /api/v1/query?query=many HTTP/1.1\r\n\r\n";
        client_send(fd, raw, sizeof raw - 1);
        assert_int_equal(recv(fd, &byte, 1, 0), 1);
        close(fd);
    }
    still_alive(w);
    world_close(w);
}

static void a_port_that_is_taken_is_refused_and_told(void **state)
{
    world *w = world_open((mw_server_options){0});
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", mw_server_port(w->server));
    static const char *const wrong[] = {
        "", "9490", "localhost:", "localhost:99999", "::1:90", "no.such.host.invalid:1"};
    const char *list[1] = {address};
    mw_server_parts parts = {.host = &w->host, .ingest = &w->ingest};
    mw_server_options o = {.listen = list, .n_listen = 1};
    mw_err err;
    mw_err_init(&err);
    assert_null(mw_server_new(&o, &parts, &err));
    assert_int_equal(err.code, MW_EIO);
    assert_non_null(strstr(err.msg, address));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        list[0] = wrong[i];
        mw_err_init(&err);
        assert_null(mw_server_new(&o, &parts, &err));
        assert_int_equal(err.code, MW_EARG);
    }
    world_close(w);
}

static void a_server_that_never_started_can_be_freed(void **state)
{
    world *w = world_open((mw_server_options){0});
    const char *list[] = {"127.0.0.1:0", "[::1]:0"};
    mw_server_parts parts = {.host = &w->host, .ingest = &w->ingest};
    mw_server_options o = {.listen = list, .n_listen = 1};
    mw_err err;
    mw_err_init(&err);
    mw_server *s = mw_server_new(&o, &parts, &err);
    assert_non_null(s);
    mw_server_free(s);
    world_close(w);
}

/* -- threads ----------------------------------------------------------------------------------- */

static void *busy_client(void *arg)
{
    static const char *const targets[] = {"/metrics",          "/api/v1/query?query=sum(up)",
                                          "/api/v1/labels",    "/api/mw/v1/logs",
                                          "/api/mw/v1/traces", "/nothing"};
    for (int i = 0; i < 60; i++) {
        answer a = get(arg, targets[i % 6]);
        assert_true(a.status == 200 || a.status == 404 || a.status == 503);
        answer_deinit(&a);
        assert_post(arg, "/api/v1/import/prometheus", "text/plain", "up 1\n", 204, "");
    }
    return NULL;
}

static void many_clients_on_many_loops_get_their_answers(void **state)
{
    world *w = world_open((mw_server_options){.loops = 3});
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, busy_client, w);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_never_an_answered_request),
        cmocka_unit_test(mutated_requests_do_no_harm),
        cmocka_unit_test(headers_without_end_are_cut_off),
        cmocka_unit_test(a_body_over_the_limit_is_refused_in_the_shape_of_its_path),
        cmocka_unit_test(a_chunked_body_is_read_whole),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(connections_over_the_cap_are_closed_and_room_comes_back),
        cmocka_unit_test(a_query_is_cancelled_when_its_client_leaves),
        cmocka_unit_test(queries_beyond_what_may_wait_are_sent_away_with_503),
        cmocka_unit_test(stopping_finishes_what_is_in_flight_and_closes_what_is_idle),
        cmocka_unit_test(stopping_does_not_wait_longer_than_it_may),
        cmocka_unit_test(a_client_that_leaves_a_large_answer_half_read_does_no_harm),
        cmocka_unit_test(a_port_that_is_taken_is_refused_and_told),
        cmocka_unit_test(a_server_that_never_started_can_be_freed),
        cmocka_unit_test(many_clients_on_many_loops_get_their_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
