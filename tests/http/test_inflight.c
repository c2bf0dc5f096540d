/* test_inflight.c - promises about the memory that requests hold while they come in.
 * SPDX-License-Identifier: MIT */
#include "world.h"

enum { MIB = 1 << 20 };

static double metric(const world *w, const char *name)
{
    char line[100];
    answer a = get(w, "/metrics");
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = find_text(&a.body, line);
    double v = at ? strtod(at + strlen(line), NULL) : 0;
    answer_deinit(&a);
    return v;
}

static double in_flight(const world *w) { return metric(w, "moonwatch_http_in_flight_bytes"); }

static size_t resident_bytes(void)
{
    unsigned long pages = 0, ignored;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &ignored, &pages), 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* A connection that says it will send TOTAL bytes and sends only SENT of them. */
static int send_part(const world *w, const char *target, size_t total, const char *bytes,
                     size_t sent)
{
    char head[200];
    int fd = client_open(w);
    int n = snprintf(head, sizeof head,
                     "POST %s HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n", target, total);
    client_send(fd, head, (size_t)n);
    client_send(fd, bytes, sent);
    return fd;
}

/* Whether 429 has come; a reset also means that the server let go. */
static bool was_refused(int fd)
{
    char text[512] = "";
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    if (n > 0)
        assert_non_null(strstr(text, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"));
    return n > 0 || (n < 0 && errno == ECONNRESET);
}

/* How many of FDS have been refused, waiting a while for WANTED of them. */
static int count_refused(const int *fds, int n, int wanted)
{
    bool *gone = mw_zalloc((size_t)n * sizeof *gone);
    int refused = 0;
    for (int tries = 0; tries < 2000 && refused < wanted; tries++) {
        for (int i = 0; i < n; i++)
            if (!gone[i] && was_refused(fds[i])) gone[i] = true, refused++;
        if (refused < wanted) usleep(5000);
    }
    mw_free(gone);
    return refused;
}

static void bodies_that_never_end_hold_no_more_than_the_limit(void **state)
{
    enum { CLIENTS = 80, LIMIT = 16 * MIB, HALF = 4 * MIB, SLACK = 8 * MIB };
    world *w = world_open((mw_server_options){.max_in_flight = LIMIT});
    char *bytes = mw_zalloc(HALF);
    int fds[CLIENTS];
    size_t before = resident_bytes();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = send_part(w, "/v1/logs", 2 * HALF, bytes, HALF);
        assert_true(in_flight(w) < LIMIT + SLACK);
    }
    size_t grown = resident_bytes() - before;
    int refused = count_refused(fds, CLIENTS, CLIENTS - LIMIT / HALF);
    assert_true(refused >= CLIENTS - LIMIT / HALF);
    assert_true(metric(w, "moonwatch_http_refused_total{reason=\"in_flight\"}") >= refused);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
    assert_true(resident_bytes() < before || grown < 3 * (LIMIT + SLACK));
#endif
    (void)grown;
    for (int i = 0; i < CLIENTS; i++) close(fds[i]);
    for (int i = 0; i < 2000 && in_flight(w) > 1000; i++) usleep(5000);
    assert_true(in_flight(w) < 1000);
    assert_post(w, "/api/v1/import/prometheus", "text/plain", "up 1\n", 204, "");
    mw_free(bytes);
    world_close(w);
}

static void what_is_over_the_limit_is_refused_unparsed_in_its_own_shape(void **state)
{
    world *w = world_open((mw_server_options){.max_in_flight = 10});
    static const struct {
        const char *target, *text;
    } rows[] = {
        {"/api/v1/write", "too many bytes"},
        {"/api/v1/import/prometheus", "too many bytes"},
        {"/v1/traces", "{\"code\":8,\"message\":\"too many bytes"},
        {"/loki/api/v1/push", "too many bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer a = post(w, rows[i].target, "application/json", "this would be a syntax error {");
        assert_status(a, 429);
        assert_head_has(a, "retry-after: 1\r\n");
        assert_body_has(a, rows[i].text);
        answer_deinit(&a);
    }
    assert_get(w, "/api/v1/query?query=1", 200, "success");
    assert_true(metric(w, "moonwatch_http_refused_total{reason=\"in_flight\"}") == 4);
    world_close(w);
}

static void a_body_refused_half_way_is_told_in_the_shape_of_its_path(void **state)
{
    world *w = world_open((mw_server_options){.max_in_flight = 100000});
    char *bytes = mw_zalloc(MIB);
    static const struct {
        const char *target, *text;
    } rows[] = {
        {"/v1/logs?x=1", "{\"code\":8,\"message\":\"too many bytes"},
        {"/api/v1/write", "too many bytes"},
        {"/api/v1/query", "{\"status\":\"error\",\"errorType\":\"too_many_requests\""},
        {"nonsense", "too many bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = send_part(w, rows[i].target, 2 * MIB, bytes, MIB);
        answer a = client_read(fd);
        if (a.status != 400) { /* h2o itself refuses a path without a slash */
            assert_status(a, 429);
            assert_body_has(a, rows[i].text);
        }
        answer_deinit(&a);
        close(fd);
    }
    mw_free(bytes);
    world_close(w);
}

static void later_requests_of_a_connection_are_counted_as_the_first_one(void **state)
{
    world *w = world_open((mw_server_options){.max_in_flight = 100000});
    char *bytes = mw_zalloc(MIB);
    int fd = client_open(w);
    static const char ask_health[] = "GET /-/healthy HTTP/1.1\r\nHost: t\r\n\r\n";
    mw_buf in = {0};
    for (int i = 0; i < 3; i++) {
        client_send(fd, ask_health, sizeof ask_health - 1);
        answer a = client_read_from(fd, &in);
        assert_status(a, 200);
        answer_deinit(&a);
    }
    static const char head[] = "POST /v1/logs HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n";
    client_send(fd, head, sizeof head - 1);
    client_send(fd, bytes, MIB);
    answer a = client_read_from(fd, &in);
    assert_status(a, 429);
    answer_deinit(&a);
    close(fd);
    mw_buf_deinit(&in);
    mw_free(bytes);
    world_close(w);
}

static void a_body_after_100_continue_is_counted(void **state)
{
    world *w = world_open((mw_server_options){.max_in_flight = 100000});
    char *bytes = mw_zalloc(MIB);
    static const char head[] = "POST /v1/logs HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                               "Content-Length: 2000000\r\n\r\n";
    int fd = client_open(w);
    mw_buf in = {0};
    client_send(fd, head, sizeof head - 1);
    answer a = client_read_from(fd, &in);
    assert_status(a, 100);
    answer_deinit(&a);
    client_send(fd, bytes, MIB);
    a = client_read_from(fd, &in);
    assert_status(a, 429);
    answer_deinit(&a);
    close(fd);
    mw_buf_deinit(&in);
    mw_free(bytes);
    world_close(w);
}

static void a_chunked_body_is_counted(void **state)
{
    world *w = world_open((mw_server_options){.max_in_flight = 100000});
    char *bytes = mw_zalloc(MIB);
    static const char head[] =
        "POST /v1/logs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n";
    int fd = client_open(w);
    client_send(fd, head, sizeof head - 1);
    client_send(fd, bytes, MIB);
    answer a = client_read(fd);
    assert_status(a, 429);
    answer_deinit(&a);
    close(fd);
    mw_free(bytes);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_that_never_end_hold_no_more_than_the_limit),
        cmocka_unit_test(what_is_over_the_limit_is_refused_unparsed_in_its_own_shape),
        cmocka_unit_test(a_body_refused_half_way_is_told_in_the_shape_of_its_path),
        cmocka_unit_test(later_requests_of_a_connection_are_counted_as_the_first_one),
        cmocka_unit_test(a_body_after_100_continue_is_counted),
        cmocka_unit_test(a_chunked_body_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
