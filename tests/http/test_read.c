/* test_read.c - remote read and federation over HTTP, to the end and cut off.
 * SPDX-License-Identifier: MIT */
#include "gate.h"

#include "base/pb.h"
#include "model/nhist.h"

static void push(const world *w)
{
    assert_post(w, "/api/v1/import/prometheus", "text/plain",
                "up{job=\"a\"} 1\nup{job=\"b\"} 0\nup{job=\"c\"} 1\n", 204, "");
}

/* -- remote read ------------------------------------------------------------------------------ */

static void put_query(mw_buf *body, const char *name)
{
    mw_buf m = {0}, q = {0};
    mw_pb_put_bytes(&m, 2, MW_STR("__name__"));
    mw_pb_put_bytes(&m, 3, mw_str_of(name));
    mw_pb_put_varint(&q, 1, NOW_MS - 3600000);
    mw_pb_put_varint(&q, 2, NOW_MS);
    mw_pb_put_bytes(&q, 3, (mw_str){m.p, m.n});
    mw_pb_put_bytes(body, 1, (mw_str){q.p, q.n});
    mw_buf_deinit(&m);
    mw_buf_deinit(&q);
}

static answer read_from(const world *w, const char *name, int kind)
{
    mw_buf body = {0};
    mw_snappy z = {0};
    put_query(&body, name);
    put_query(&body, "other");
    mw_pb_put_varint(&body, 2, (uint64_t)kind);
    mw_snappy_add(&z, body.p, body.n);
    mw_snappy_flush(&z);
    mw_buf_reset(&body);
    mw_snappy_length(z.n, &body);
    mw_buf_add(&body, z.out.p, z.out.n);
    answer a =
        ask(w, "POST", "/api/v1/read", "Content-Encoding: snappy\r\n", (mw_str){body.p, body.n});
    mw_snappy_deinit(&z);
    mw_buf_deinit(&body);
    return a;
}

static void remote_read_gives_samples_in_one_snappy_block(void **state)
{
    world *w = *state;
    push(w);
    answer a = read_from(w, "up", 0);
    assert_status(a, 200);
    assert_head_has(a, "content-type: application/x-protobuf\r\n");
    assert_head_has(a, "content-encoding: snappy\r\n");
    mw_buf plain = {0};
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(
        mw_snappy_decode((mw_str){a.body.p, a.body.n}, (mw_zip_limit){0}, &plain, &err), MW_OK);
    mw_pb r, q;
    mw_pb_field f;
    size_t results = 0, series = 0;
    mw_pb_init(&r, (mw_str){plain.p, plain.n});
    while (mw_pb_next(&r, &f, &err) == 1) {
        results++;
        mw_pb_enter(&q, &r, f.bytes);
        while (mw_pb_next(&q, &f, &err) == 1) series++;
    }
    assert_int_equal(results, 2);
    assert_int_equal(series, 3);
    mw_buf_deinit(&plain);
    answer_deinit(&a);
}

static void remote_read_refuses_what_it_cannot_read(void **state)
{
    world *w = *state;
    assert_post(w, "/api/v1/read", "application/x-protobuf", "garbage", 400, "snappy");
    assert_post(w, "/api/v1/read", "application/x-protobuf", "\x04\x0c\x0a\x7f\x0a\x7f", 400, "");
    assert_post(w, "/api/v1/read", "application/x-protobuf", "\xff\xff\xff\xff\x0f", 413, "");
    answer a = read_from(w, "up", 7);
    assert_status(a, 400);
    assert_body_has(a, "none of the requested response types is known");
    answer_deinit(&a);
}

static void remote_read_has_a_limit_of_samples(void **state)
{
    world *w = world_open((mw_server_options){.read_samples = 2});
    (void)state;
    push(w);
    answer a = read_from(w, "up", 0);
    assert_status(a, 400);
    assert_body_has(a, "exceeded sample limit (2)");
    answer_deinit(&a);
    world_close(w);
}

static void a_stream_is_made_as_it_is_taken(void **state)
{
    gate g;
    world *w = gated(&g, (mw_server_options){0});
    (void)state;
    g.series = 200;
    gate_open(&g);
    answer a = read_from(w, "wide", 1);
    assert_status(a, 200);
    assert_head_has(a, "content-type: application/x-streamed-protobuf; "
                       "proto=prometheus.chunkedreadresponse\r\n");
    assert_head_has(a, "transfer-encoding: chunked");
    assert_true(a.body.n > 2000000); /* two queries */
    answer_deinit(&a);
    assert_int_equal(g.closed, 2);
    world_close(w);
}

static int begin_read(const world *w)
{
    mw_buf body = {0}, head = {0};
    put_query(&body, "wide");
    mw_pb_put_varint(&body, 2, 1);
    mw_buf_printf(&head,
                  "POST /api/v1/read HTTP/1.1\r\nHost: t\r\nContent-Encoding: identity\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  body.n);
    int fd = client_open(w);
    client_send(fd, head.p, head.n);
    client_send(fd, body.p, body.n);
    mw_buf_deinit(&body);
    mw_buf_deinit(&head);
    return fd;
}

static void a_stream_that_nobody_takes_ends(void **state)
{
    gate g;
    world *w = gated(&g, (mw_server_options){0});
    char some[4096];
    (void)state;
    g.series = 1000000;
    gate_open(&g);
    int fd = begin_read(w);
    assert_true(recv(fd, some, sizeof some, 0) > 0);
    close(fd);
    gate_await(&g, &g.closed, 1);
    world_close(w);
}

/* The client does not read, and then the server stops: nobody waits for the other. */
static void a_stream_is_cut_when_the_server_stops(void **state)
{
    gate g;
    world *w = gated(&g, (mw_server_options){0});
    (void)state;
    g.series = 1000000;
    gate_open(&g);
    int fd = begin_read(w);
    gate_await(&g, &g.given, 100);
    mw_server_stop(w->server, 0);
    world_close(w);
    assert_int_equal(g.closed, 1);
    close(fd);
}

static void a_stream_that_fails_is_cut(void **state)
{
    gate g;
    world *w = gated(&g, (mw_server_options){0});
    (void)state;
    g.series = 20;
    g.fails = true;
    gate_open(&g);
    mw_buf all = {0};
    int fd = begin_read(w);
    while (more_bytes(fd, &all)) {}
    close(fd);
    assert_true(all.n > 64 << 10);
    assert_memory_equal(all.p, "HTTP/1.1 200", 12);
    assert_true(
        memcmp(all.p + all.n - 5, "0\r\n\r\n", 5)); /* the client sees that more was to come */
    mw_buf_deinit(&all);
    g.series = 0;
    answer a = read_from(w, "wide", 1);
    assert_status(a, 500);
    assert_body_has(a, "the disk is gone");
    answer_deinit(&a);
    world_close(w);
}

/* -- federation ------------------------------------------------------------------------------- */

static void federation_gives_custom_buckets_as_a_classic_histogram(void **state)
{
    world *w = *state;
    mw_err err;
    mw_err_init(&err);
    static const mw_hspan spans[] = {{0, 1}, {1, 1}};
    static const double counts[] = {2, 3}, bounds[] = {0.5, 1};
    mw_nhist h = {
        .schema = MW_HIST_CUSTOM, .count = 5, .sum = 7.5, .custom = bounds, .n_custom = 2};
    h.pos = (mw_hside){spans, counts, 2, 2};
    mw_label pair = {MW_STR("__name__"), MW_STR("nhcb")};
    mw_labels *ls = mw_labels_new(&pair, 1, NULL);
    mw_appender *a = mw_appender_new(w->host.tsdb);
    uint64_t ref = 0;
    assert_int_equal(mw_appender_add_histogram(a, ls, &ref, NOW_MS, &h), MW_OK);
    assert_int_equal(mw_appender_commit(a, &err), MW_OK);
    mw_appender_free(a);
    mw_free(ls);
    assert_get(w, "/federate?match[]=nhcb", 200,
               "# TYPE nhcb histogram\n"
               "nhcb_bucket{instance=\"\",le=\"0.5\"} 2 1795424400000\n"
               "nhcb_bucket{instance=\"\",le=\"1\"} 2 1795424400000\n"
               "nhcb_bucket{instance=\"\",le=\"+Inf\"} 5 1795424400000\n"
               "nhcb_sum{instance=\"\"} 7.5 1795424400000\n"
               "nhcb_count{instance=\"\"} 5 1795424400000\n");
}

static void federation_looks_back_and_no_further(void **state)
{
    world *w = *state;
    push(w);
    assert_get(w, "/federate?match[]=up%7Bjob=%22a%22%7D", 200,
               "# TYPE up untyped\nup{job=\"a\",instance=\"\"} 1 1795424400000\n");
    mw_clock_manual_set(&w->clock, NOW_MS + 300001);
    answer a = get(w, "/federate?match[]=up");
    assert_status(a, 200);
    assert_int_equal(a.body.n, 0);
    answer_deinit(&a);
    assert_get(w, "/federate", 200, "");
    assert_get(w, "/federate?match[]=up%7B", 400, "parse error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        promise(remote_read_gives_samples_in_one_snappy_block),
        promise(remote_read_refuses_what_it_cannot_read),
        cmocka_unit_test(remote_read_has_a_limit_of_samples),
        cmocka_unit_test(a_stream_is_made_as_it_is_taken),
        cmocka_unit_test(a_stream_that_nobody_takes_ends),
        cmocka_unit_test(a_stream_is_cut_when_the_server_stops),
        cmocka_unit_test(a_stream_that_fails_is_cut),
        promise(federation_gives_custom_buckets_as_a_classic_histogram),
        promise(federation_looks_back_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
