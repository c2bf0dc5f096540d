/* test_otlp.c - promises of OTLP, in both of its encodings.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "mutate.h"
#include "otlpworld.h"

static mw_buf slurp(const char *path)
{
    mw_buf b;
    char piece[4096];
    size_t n;
    mw_buf_init(&b);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) mw_buf_add(&b, piece, n);
    fclose(f);
    return b;
}

/* -- the same in both encodings ------------------------------------------------------------- */

static const struct {
    mw_otlp_signal signal;
    const char *path, *stored;
} fixtures[] = {
    {MW_OTLP_TRACES, "tests/ingest/data/otlp_traces.json",
     "shop/shop.web/POST /cart trace=0af7651916cd43dd8448eb211c80319c span=b7ad6b7169203331 "
     "parent=0000000000000000 kind=2 status=2:no stock state=a=1,b=2 "
     "1700000000000000000+250000000 "
     "{\"http.method\":\"POST\",\"http.status\":409,\"retry\":true,\"load\":0.75,"
     "\"items\":[\"a\\\"b\",2,null],\"user\":{\"id\":7,\"tags\":[]},\"nothing\":\"\"}"
     "{\"service.name\":\"shop\",\"host.name\":\"h\xc3\xb6st\"} "
     "event=exception@1700000000100000000{\"exception.type\":\"OutOfStock\"} "
     "link=11111111111111111111111111111111{}\n"
     "shop/shop.web/SELECT stock trace=0af7651916cd43dd8448eb211c80319c span=00f067aa0ba902b7 "
     "parent=b7ad6b7169203331 kind=3 status=0: state= 1700000000010000000+10000000 "
     "{}{\"service.name\":\"shop\",\"host.name\":\"h\xc3\xb6st\"}\n"},
    {MW_OTLP_METRICS, "tests/ingest/data/otlp_metrics.json",
     "shop_orders_total{http_method=\"GET;also\", instance=\"i-1\", job=\"eu/shop\"} "
     "@1700000000000 12\n"
     "shop_sessions{instance=\"i-1\", job=\"eu/shop\"} @1700000000000 -3\n"
     "room_temperature_celsius{instance=\"i-1\", job=\"eu/shop\", room=\"attic\"} "
     "@1700000000001 21.5\n"
     "room_temperature_celsius{instance=\"i-1\", job=\"eu/shop\", room=\"cellar\"} "
     "@1700000000001 stale\n"
     "http_latency_seconds_bucket{instance=\"i-1\", job=\"eu/shop\", le=\"0.1\", route=\"/a\"} "
     "@1700000000000 1\n"
     "http_latency_seconds_bucket{instance=\"i-1\", job=\"eu/shop\", le=\"0.5\", route=\"/a\"} "
     "@1700000000000 3\n"
     "http_latency_seconds_bucket{instance=\"i-1\", job=\"eu/shop\", le=\"1\", route=\"/a\"} "
     "@1700000000000 6\n"
     "http_latency_seconds_bucket{instance=\"i-1\", job=\"eu/shop\", le=\"+Inf\", route=\"/a\"} "
     "@1700000000000 10\n"
     "http_latency_seconds_sum{instance=\"i-1\", job=\"eu/shop\", le=\"hidden\", route=\"/a\"} "
     "@1700000000000 25.5\n"
     "http_latency_seconds_count{instance=\"i-1\", job=\"eu/shop\", le=\"hidden\", route=\"/a\"} "
     "@1700000000000 10\n"
     "gc_pause_milliseconds{instance=\"i-1\", job=\"eu/shop\", quantile=\"0.5\"} "
     "@1700000000000 1.5\n"
     "gc_pause_milliseconds{instance=\"i-1\", job=\"eu/shop\", quantile=\"0.99\"} "
     "@1700000000000 3\n"
     "gc_pause_milliseconds_sum{instance=\"i-1\", job=\"eu/shop\"} @1700000000000 8\n"
     "gc_pause_milliseconds_count{instance=\"i-1\", job=\"eu/shop\"} @1700000000000 4\n"
     "db_rows{instance=\"i-1\", job=\"eu/shop\"} @1700000000000 whole schema=2 hint=0 count=9 "
     "sum=81.25 zero=1/1e-128 pos[4:3] 2 0 5 neg[0:1] 1\n"
     "target_info{instance=\"i-1\", job=\"eu/shop\", process_pid=\"42\", "
     "service_version=\"1.2.3\"} @1700000000001 1\n"},
    {MW_OTLP_LOGS, "tests/ingest/data/otlp_logs.json",
     "{\"timestamp\":\"1700000000000000001\",\"level\":\"error\",\"message\":\"deadlock "
     "detected\",\"stream\":{\"deployment_environment\":\"test\",\"host_name\":\"h1\","
     "\"service_name\":\"shop\"},\"fields\":{\"retry\":true,\"took\":0.8,\"service.version\":"
     "\"1.2.3\"},\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":"
     "\"b7ad6b7169203331\"}\n"
     "{\"timestamp\":\"1700000000000000002\",\"level\":\"debug\",\"message\":\"{\\\"event\\\":"
     "\\\"cache\\\",\\\"hit\\\":false}\",\"stream\":{\"deployment_environment\":\"test\","
     "\"host_name\":\"h1\",\"service_name\":\"shop\"},\"fields\":{\"service.version\":\"1.2.3\"}}"
     "\n"
     "{\"timestamp\":\"1700000000000000003\",\"level\":\"warn\",\"message\":\"7\",\"stream\":"
     "{\"deployment_environment\":\"test\",\"host_name\":\"h1\",\"service_name\":\"shop\"},"
     "\"fields\":{\"service.version\":\"1.2.3\"}}\n"
     "{\"timestamp\":\"1700000000000000004\",\"level\":\"fatal\",\"message\":\"level=fatal "
     "msg=gone\",\"stream\":{\"deployment_environment\":\"test\",\"host_name\":\"h1\","
     "\"service_name\":\"shop\"},\"fields\":{\"service.version\":\"1.2.3\"}}\n"
     "{\"timestamp\":\"1700000000000000005\",\"level\":\"info\",\"message\":\"\",\"stream\":"
     "{\"deployment_environment\":\"test\",\"host_name\":\"h1\",\"service_name\":\"shop\"},"
     "\"fields\":{\"service.version\":\"1.2.3\"}}\n"},
};
enum { FIXTURES = sizeof fixtures / sizeof *fixtures };

static const char *stored(struct world *w, mw_otlp_signal signal)
{
    mw_buf *b = signal == MW_OTLP_TRACES    ? &w->traces.text
                : signal == MW_OTLP_METRICS ? &w->db.text
                                            : &w->logs.text;
    return b->p ? b->p : "";
}

static void json_and_protobuf_store_the_same(void **state)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct world w;
        mw_buf json = slurp(fixtures[i].path), pb;
        mw_buf_init(&pb);
        to_pb(fixtures[i].signal, (mw_str){json.p, json.n}, &pb);
        for (int encoding = 0; encoding < 2; encoding++) {
            mw_buf *body = encoding ? &json : &pb;
            open_world(&w);
            if (post(&w, fixtures[i].signal, encoding, (mw_str){body->p, body->n}) != MW_OK)
                fail_msg("%s", w.err.msg);
            assert_string_equal(stored(&w, fixtures[i].signal), fixtures[i].stored);
            assert_int_equal(w.result.rejected, 0);
            assert_true(w.result.accepted > 0);
            assert_int_equal(w.db.commits + w.logs.commits + w.traces.commits, 1);
            close_world(&w);
        }
        mw_buf_deinit(&json);
        mw_buf_deinit(&pb);
    }
}

static void a_span_written_by_hand_has_the_numbers_of_the_standard(void **state)
{
    static const char span[] = "\x0a\x10"
                               "0123456789abcdef" /* 1 trace id */
                               "\x12\x08"
                               "ABCDEFGH" /* 2 span id */
                               "\x1a\x03"
                               "k=v" /* 3 trace state */
                               "\x22\x08"
                               "abcdefgh" /* 4 parent */
                               "\x2a\x02"
                               "op"                     /* 5 name */
                               "\x30\x05"               /* 6 kind */
                               "\x39\x01\0\0\0\0\0\0\0" /* 7 start */
                               "\x41\x03\0\0\0\0\0\0\0" /* 8 end */
                               "\x4a\x08"
                               "\x0a\x01"
                               "k"
                               "\x12\x03\x18\xb9\x60" /* 9 attribute */
                               "\x7a\x02\x18\x02"     /* 15 status */
                               "\xfa\x3f\x03xyz";     /* 1023: unknown */
    struct world w;
    mw_buf spans, scopes, request;
    mw_buf_init(&spans);
    mw_buf_init(&scopes);
    mw_buf_init(&request);
    mw_pb_put_bytes(&spans, 2, (mw_str){span, sizeof span - 1});
    mw_pb_put_bytes(&scopes, 2, (mw_str){spans.p, spans.n});
    mw_pb_put_bytes(&request, 1, (mw_str){scopes.p, scopes.n});
    open_world(&w);
    assert_int_equal(post(&w, MW_OTLP_TRACES, false, (mw_str){request.p, request.n}), MW_OK);
    assert_string_equal(w.traces.text.p,
                        "unknown_service//op trace=30313233343536373839616263646566 "
                        "span=4142434445464748 parent=6162636465666768 kind=5 status=2: state=k=v "
                        "1+2 {\"k\":12345}{}\n");
    close_world(&w);
    mw_buf_deinit(&spans);
    mw_buf_deinit(&scopes);
    mw_buf_deinit(&request);
}

static void packed_numbers_are_the_same_as_single_ones(void **state)
{
    mw_buf point, packed, metric, h, all;
    mw_buf_init(&point);
    mw_buf_init(&packed);
    mw_buf_init(&metric);
    mw_buf_init(&h);
    mw_buf_init(&all);
    mw_pb_put_fixed64(&point, 3, 1700000000000000000);
    mw_pb_put_fixed64(&point, 4, 3);
    mw_pb_put_bytes(&point, 6, (mw_str){"\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16});
    mw_pb_put_bytes(&point, 7, (mw_str){"\0\0\0\0\0\0\0\x40", 8}); /* 2.0 */
    mw_pb_put_bytes(&h, 1, (mw_str){point.p, point.n});
    mw_pb_put_varint(&h, 2, 2);
    mw_pb_put_bytes(&metric, 1, MW_STR("h"));
    mw_pb_put_bytes(&metric, 9, (mw_str){h.p, h.n});
    mw_pb_put_bytes(&packed, 2, (mw_str){metric.p, metric.n});
    mw_buf_reset(&point);
    mw_pb_put_bytes(&point, 2, (mw_str){packed.p, packed.n});
    mw_pb_put_bytes(&all, 1, (mw_str){point.p, point.n});
    struct world w;
    open_world(&w);
    assert_int_equal(post(&w, MW_OTLP_METRICS, false, (mw_str){all.p, all.n}), MW_OK);
    assert_string_equal(fake_text(&w.db), "h_bucket{le=\"2\"} @1700000000000 1\n"
                                          "h_bucket{le=\"+Inf\"} @1700000000000 3\n"
                                          "h_count @1700000000000 3\n");
    close_world(&w);
    mw_buf_deinit(&point);
    mw_buf_deinit(&packed);
    mw_buf_deinit(&metric);
    mw_buf_deinit(&h);
    mw_buf_deinit(&all);
}

/* -- JSON's own turns ----------------------------------------------------------------------- */

#define SPAN(members)                                                \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":" \
    "\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\"" members "}]}]}]}"

static void json_is_read_as_leniently_as_the_standard_asks(void **state)
{
    static const char *const bodies[] = {
        SPAN(""),
        SPAN(",\"somethingNew\":{\"a\":[1]},\"flags\":257"),
        SPAN(",\"startTimeUnixNano\":1700000000000000000,\"endTimeUnixNano\":1.7e18"),
        SPAN(",\"attributes\":null,\"events\":null,\"status\":null,\"name\":null"),
        SPAN(",\"attributes\":[{\"key\":\"n\",\"value\":{}},{\"key\":\"m\"},{\"key\":\"o\","
             "\"value\":null}]"),
        SPAN(",\"kind\":99,\"status\":{\"code\":\"STATUS_CODE_NEW\"}"),
        SPAN(",\"parentSpanId\":\"\""),
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct world w;
        open_world(&w);
        if (post_json(&w, MW_OTLP_TRACES, bodies[i]) != MW_OK) fail_msg("%s", w.err.msg);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 0);
        close_world(&w);
    }
}

static void an_empty_request_is_fine(void **state)
{
    static const char *const bodies[] = {"{}", "{\"resource_spans\":[{\"x\":1}]}",
                                         "{\"resourceSpans\":[]}", "{\"resourceSpans\":[{}]}"};
    for (int signal = 0; signal < 3; signal++) {
        struct world w;
        open_world(&w);
        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
            assert_int_equal(post_json(&w, (mw_otlp_signal)signal, bodies[i]), MW_OK);
        assert_int_equal(post(&w, (mw_otlp_signal)signal, false, (mw_str){"", 0}), MW_OK);
        assert_int_equal(w.result.accepted + w.result.rejected, 0);
        close_world(&w);
    }
}

static void a_span_with_wrong_ids_is_rejected_alone(void **state)
{
    static const char *const ids[] = {
        "{\"traceId\":\"00000000000000000000000000000000\",\"spanId\":\"b7ad6b7169203331\"}",
        "{\"traceId\":\"abcd\",\"spanId\":\"b7ad6b7169203331\"}",
        "{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"zzzzzzzzzzzzzzzz\"}",
        "{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\"}",
        "{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\","
        "\"parentSpanId\":\"12\"}",
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct world w;
        char body[600];
        open_world(&w);
        snprintf(body, sizeof body,
                 "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s,{\"traceId\":"
                 "\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\"}]}]}]}",
                 ids[i]);
        assert_int_equal(post_json(&w, MW_OTLP_TRACES, body), MW_OK);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 1);
        assert_int_equal(w.result.first.code, MW_EARG);
        assert_true(w.result.first.msg[0]);
        close_world(&w);
    }
}

static void an_array_of_pairs_may_say_the_value_first(void **state)
{
    struct world w;
    open_world(&w);
    post_json(&w, MW_OTLP_TRACES,
              SPAN(",\"attributes\":[{\"value\":{\"kvlistValue\":{\"values\":[{\"value\":"
                   "{\"intValue\":1},\"key\":\"b\"},{\"key\":\"c\"}]}},\"key\":\"a\"}]"));
    assert_non_null(strstr(w.traces.text.p, "{\"a\":{\"b\":1,\"c\":null}}"));
    close_world(&w);
}

/* -- logs ----------------------------------------------------------------------------------- */

static void the_store_may_refuse_a_record(void **state)
{
    struct world w;
    open_world(&w);
    w.logs.refuse = MW_EOLD;
    post_json(&w, MW_OTLP_LOGS,
              "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":"
              "\"a\"}},{\"body\":{\"stringValue\":\"b\"}}]}]}]}");
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 1);
    assert_string_equal(w.result.first.msg, "too old sample");
    assert_non_null(strstr(w.logs.text.p, "\"timestamp\":\"1700000005000000000\""));
    assert_non_null(strstr(w.logs.text.p, "{\"service_name\":\"unknown_service\"}"));
    close_world(&w);
}

/* -- hostile bodies ------------------------------------------------------------------------- */

static void broken_bodies_are_refused_and_change_nothing(void **state)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct world w;
        mw_buf json = slurp(fixtures[i].path);
        open_world(&w);
        for (size_t n = 0; n < json.n - 2; n++)
            assert_int_equal(post(&w, fixtures[i].signal, true, (mw_str){json.p, n}), MW_EPARSE);
        assert_int_equal(w.db.adds + w.logs.text.n + w.traces.text.n, 0);
        close_world(&w);
        mw_buf_deinit(&json);
    }
}

static void damage_never_reads_past_the_body(void **state)
{
    mutator m = {77};
    for (size_t i = 0; i < FIXTURES; i++) {
        struct world w;
        mw_buf json = slurp(fixtures[i].path), pb;
        mw_buf_init(&pb);
        to_pb(fixtures[i].signal, (mw_str){json.p, json.n}, &pb);
        open_world(&w);
        for (size_t n = 0; n < pb.n; n++) post(&w, fixtures[i].signal, false, (mw_str){pb.p, n});
        for (int round = 0; round < 6000; round++) {
            mw_buf *from = round % 2 ? &json : &pb;
            size_t n;
            char *bad = mutate(&m, from->p, from->n, &n);
            clear(&w);
            mw_err_init(&w.err);
            int code = mw_ingest_otlp(&w.in, fixtures[i].signal, round % 2, (mw_str){bad, n},
                                      &w.result, &w.err);
            assert_true(code == MW_OK || code == MW_EPARSE);
            if (code) assert_true(w.err.msg[0]);
            free(bad);
        }
        close_world(&w);
        mw_buf_deinit(&json);
        mw_buf_deinit(&pb);
    }
}

static void attributes_nested_without_end_are_refused(void **state)
{
    for (int json = 0; json < 2; json++) {
        struct world w;
        mw_buf value, next;
        mw_buf_init(&value);
        mw_buf_init(&next);
        for (int depth = 0; depth < 200; depth++) {
            mw_buf_reset(&next);
            if (json) {
                mw_buf_printf(&next, "{\"arrayValue\":{\"values\":[%s]}}", value.n ? value.p : "");
            } else {
                mw_buf list;
                mw_buf_init(&list);
                mw_pb_put_bytes(&list, 1, (mw_str){value.p, value.n});
                mw_pb_put_bytes(&next, 5, (mw_str){list.p, list.n});
                mw_buf_deinit(&list);
            }
            mw_buf swap = value;
            value = next;
            next = swap;
        }
        mw_buf_reset(&next);
        if (json) {
            mw_buf_printf(&next, SPAN(",\"attributes\":[{\"key\":\"a\",\"value\":%s}]"), value.p);
        } else {
            static const int fields[] = {2, 9, 2, 2, 1}; /* value, attributes, spans, ... */
            for (size_t i = 0; i < 5; i++) {
                mw_buf_reset(&next);
                mw_pb_put_bytes(&next, (uint32_t)fields[i], (mw_str){value.p, value.n});
                mw_buf swap = value;
                value = next;
                next = swap;
            }
            mw_buf swap = value;
            value = next;
            next = swap;
        }
        open_world(&w);
        assert_int_equal(post(&w, MW_OTLP_TRACES, json, (mw_str){next.p, next.n}), MW_EPARSE);
        assert_non_null(strstr(w.err.msg, "nested deeper"));
        close_world(&w);
        mw_buf_deinit(&value);
        mw_buf_deinit(&next);
    }
}

static void a_body_that_unfolds_into_too_much_memory_is_refused(void **state)
{
    struct world w;
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_text(&b, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{}");
    for (int i = 0; i < 500000; i++) mw_buf_text(&b, ",{}");
    mw_buf_text(&b, "]}]}]}");
    open_world(&w);
    assert_int_equal(post(&w, MW_OTLP_TRACES, true, (mw_str){b.p, b.n}), MW_ETOOBIG);
    assert_non_null(strstr(w.err.msg, "times its size"));
    close_world(&w);
    mw_buf_deinit(&b);
}

static void too_many_attributes_reject_the_one_that_has_them(void **state)
{
    struct world w;
    open_world(&w);
    w.in.limits.attrs = 1;
    post_json(&w, MW_OTLP_TRACES, SPAN(",\"attributes\":[{\"key\":\"a\"},{\"key\":\"b\"}]"));
    assert_int_equal(w.result.rejected, 1);
    assert_non_null(strstr(w.result.first.msg, "2 attributes, at most 1"));
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_and_protobuf_store_the_same),
        cmocka_unit_test(a_span_written_by_hand_has_the_numbers_of_the_standard),
        cmocka_unit_test(packed_numbers_are_the_same_as_single_ones),
        cmocka_unit_test(json_is_read_as_leniently_as_the_standard_asks),
        cmocka_unit_test(an_empty_request_is_fine),
        cmocka_unit_test(a_span_with_wrong_ids_is_rejected_alone),
        cmocka_unit_test(an_array_of_pairs_may_say_the_value_first),
        cmocka_unit_test(the_store_may_refuse_a_record),
        cmocka_unit_test(broken_bodies_are_refused_and_change_nothing),
        cmocka_unit_test(damage_never_reads_past_the_body),
        cmocka_unit_test(attributes_nested_without_end_are_refused),
        cmocka_unit_test(a_body_that_unfolds_into_too_much_memory_is_refused),
        cmocka_unit_test(too_many_attributes_reject_the_one_that_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
