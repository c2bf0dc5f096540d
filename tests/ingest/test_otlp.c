/* test_otlp.c - promises of OTLP, in both of its encodings.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "fakes.h"
#include "ingest/otlp_names.h"
#include "mutate.h"
#include "pbwrite.h"

struct world {
    mw_tsdb db;
    mw_logs logs;
    mw_traces traces;
    mw_clock_manual clock;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
};

static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    mw_clock_manual_init(&w->clock, 1700000005000);
    w->in = (mw_ingest){
        .tsdb = &w->db, .logs = &w->logs, .traces = &w->traces, .clock = &w->clock.clock};
}

static void clear(struct world *w)
{
    fake_clear(&w->db);
    mw_buf_reset(&w->logs.text);
    mw_buf_reset(&w->traces.text);
    mw_buf_text(&w->logs.text, "");
    mw_buf_text(&w->traces.text, "");
}

static void close_world(struct world *w)
{
    fake_free(&w->db);
    mw_buf_deinit(&w->logs.text);
    mw_buf_deinit(&w->traces.text);
}

static int post(struct world *w, mw_otlp_signal signal, bool json, mw_str body)
{
    char *exact = malloc(body.n ? body.n : 1);
    if (body.n) memcpy(exact, body.p, body.n);
    mw_err_init(&w->err);
    mw_str copy = {exact, body.n};
    int code = mw_ingest_otlp(&w->in, signal, json, copy, &w->result, &w->err);
    free(exact);
    return code;
}

static int post_json(struct world *w, mw_otlp_signal signal, const char *text)
{
    return post(w, signal, true, mw_str_of(text));
}

static void to_pb(mw_otlp_signal signal, mw_str json, mw_buf *out)
{
    mw_arena *a = mw_arena_new(0);
    pbwrite(signal, json, a, out);
    mw_arena_free(a);
}

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

/* -- metrics -------------------------------------------------------------------------------- */

#define METRIC(text) "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[" text "]}]}]}"

static void what_cannot_be_stored_is_rejected_with_the_reason(void **state)
{
    static const struct {
        const char *body, *says;
        int rejected;
    } rows[] = {
        {METRIC("{\"name\":\"d\",\"sum\":{\"aggregationTemporality\":1,\"dataPoints\":"
                "[{\"asInt\":1},{\"asInt\":2}]}}"),
         "metric \"d\" does not have cumulative temporality", 2},
        {METRIC("{\"name\":\"d\",\"histogram\":{\"dataPoints\":[{\"count\":1}]}}"),
         "cumulative temporality", 1},
        {METRIC("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":1,"
                "\"dataPoints\":[{\"count\":\"3\",\"scale\":0}]}}"),
         "cumulative temporality", 1},
        {METRIC("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,"
                "\"dataPoints\":[{\"count\":\"1\",\"scale\":-5,\"positive\":{\"bucketCounts\":"
                "[\"1\"]}}]}}"),
         "a point of metric \"e\" has a scale below -4", 1},
        {METRIC("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,"
                "\"dataPoints\":[{\"count\":\"1\",\"scale\":0,\"positive\":{\"offset\":2000000000,"
                "\"bucketCounts\":[\"1\"]}}]}}"),
         "buckets beyond any number", 1},
        {METRIC("{\"name\":\"e\",\"exponentialHistogram\":{\"aggregationTemporality\":2,"
                "\"dataPoints\":[{\"count\":\"1\",\"scale\":0,\"positive\":{"
                "\"bucketCounts\":[\"2\"]}}]}}"),
         "buckets do not fit its count", 1},
        {METRIC("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":"
                "[{\"bucketCounts\":[1],\"explicitBounds\":[1]}]}}"),
         "one bucket count more than bounds", 1},
        {METRIC("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":"
                "[{\"bucketCounts\":[1,1,1],\"explicitBounds\":[2,1]}]}}"),
         "bounds that do not rise", 1},
        {METRIC("{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{}]}}"), "has no value", 1},
        {METRIC("{\"name\":\"...\",\"gauge\":{\"dataPoints\":[{\"asInt\":1}]}}"),
         "without letters or digits", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        open_world(&w);
        if (post_json(&w, MW_OTLP_METRICS, rows[i].body) != MW_OK) fail_msg("%s", w.err.msg);
        assert_int_equal(w.result.rejected, rows[i].rejected);
        assert_int_equal(w.result.accepted, 0);
        assert_int_equal(w.db.adds, 0);
        if (!strstr(w.result.first.msg, rows[i].says)) fail_msg("%s", w.result.first.msg);
        close_world(&w);
    }
}

static void a_point_counts_once_and_without_a_time_is_now(void **state)
{
    struct world w;
    open_world(&w);
    w.db.refuse = MW_EORDER;
    post_json(&w, MW_OTLP_METRICS,
              METRIC("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":"
                     "[{\"count\":2,\"sum\":1,\"bucketCounts\":[1,1],\"explicitBounds\":[1]}]}}"));
    assert_int_equal(w.result.rejected, 1);
    assert_int_equal(w.result.accepted, 0);
    assert_string_equal(w.result.first.msg,
                        "out of order sample: h_bucket{le=\"1\"} at 1700000005000 ms");
    close_world(&w);
}

/* TEXT in both encodings stores STORED and tells EXTRAS. */
static void expect_both(const char *text, const char *stored_text, const char *extras,
                        mw_ingest_result *result)
{
    mw_buf pb;
    mw_buf_init(&pb);
    to_pb(MW_OTLP_METRICS, mw_str_of(text), &pb);
    for (int json = 0; json < 2; json++) {
        struct world w;
        open_world(&w);
        mw_str body = json ? mw_str_of(text) : (mw_str){pb.p, pb.n};
        if (post(&w, MW_OTLP_METRICS, json, body)) fail_msg("%s", w.err.msg);
        if (w.result.rejected) fail_msg("%s", w.result.first.msg);
        assert_string_equal(fake_text(&w.db), stored_text);
        assert_string_equal(fake_extras(&w.db), extras);
        *result = w.result;
        close_world(&w);
    }
    mw_buf_deinit(&pb);
}

#define EXPONENTIAL(point)                                                                        \
    METRIC("{\"name\":\"e\",\"unit\":\"s\",\"exponentialHistogram\":{\"aggregationTemporality\":" \
           "2,\"dataPoints\":[{\"timeUnixNano\":\"5000000\"," point "}]}}")

static void exponential_histograms_become_native_ones(void **state)
{
    static const struct {
        const char *body, *stored;
    } rows[] = {
        /* indexes move by one; short gaps are filled, longer ones begin a span */
        {EXPONENTIAL("\"count\":\"16\",\"sum\":7.5,\"scale\":3,\"zeroCount\":\"1\",\"positive\":"
                     "{\"offset\":-2,\"bucketCounts\":[\"1\",\"2\",\"0\",\"0\",\"3\",\"0\",\"0\","
                     "\"0\",\"4\",\"0\"]},\"negative\":{\"offset\":5,\"bucketCounts\":[\"0\","
                     "\"5\"]}"),
         "whole schema=3 hint=0 count=16 sum=7.5 zero=1/1e-128 pos[-1:5][3:1] 1 2 0 0 3 4 "
         "neg[7:1] 5"},
        /* a scale of 10 is brought down to 8, four buckets in one; negative indexes too */
        {EXPONENTIAL("\"count\":10,\"scale\":10,\"zeroThreshold\":0.25,\"positive\":{\"offset\":-5,"
                     "\"bucketCounts\":[1,1,1,1,1,1,1,1,1,1]}"),
         "whole schema=8 hint=0 count=10 sum=0 zero=0/0.25 pos[-1:4] 1 4 4 1"},
        {EXPONENTIAL("\"count\":3,\"scale\":2000000000,\"positive\":{\"offset\":1000,"
                     "\"bucketCounts\":[1,2]}"),
         "whole schema=8 hint=0 count=3 sum=0 zero=0/1e-128 pos[1:1] 3"},
        {EXPONENTIAL("\"count\":0,\"scale\":-4,\"positive\":{\"offset\":1000000,\"bucketCounts\":"
                     "[0,0]}"),
         "whole schema=-4 hint=0 count=0 sum=0 zero=0/1e-128"},
        {EXPONENTIAL("\"flags\":1,\"scale\":-99"), "stale histogram"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_ingest_result result;
        char text[300];
        snprintf(text, sizeof text, "e_seconds @5 %s\n", rows[i].stored);
        expect_both(rows[i].body, text, "e_seconds is histogram in s: \n", &result);
        assert_int_equal(result.accepted, 1);
        assert_int_equal(result.histograms, 1);
    }
}

static void packed_bucket_counts_are_the_same_as_single_ones(void **state)
{
    static const uint32_t outer[] = {2, 2, 1}; /* metrics, scopes, resources */
    mw_buf point, side, metric, h, all;
    mw_buf_init(&point);
    mw_buf_init(&side);
    mw_buf_init(&metric);
    mw_buf_init(&h);
    mw_pb_put_fixed64(&point, 3, 5000000);
    mw_pb_put_fixed64(&point, 4, 303);
    mw_pb_put_varint(&point, 6, 1); /* -1 */
    mw_pb_put_varint(&side, 1, 3);  /* -2 */
    mw_pb_put_bytes(&side, 2, MW_STR("\x01\xae\x02"));
    pbwrite_sub(&point, 8, &side);
    pbwrite_sub(&h, 1, &point);
    mw_pb_put_varint(&h, 2, 2);
    mw_pb_put_bytes(&metric, 1, MW_STR("e"));
    pbwrite_sub(&metric, 10, &h);
    all = metric;
    for (size_t i = 0; i < 3; i++) {
        mw_buf next;
        mw_buf_init(&next);
        pbwrite_sub(&next, outer[i], &all);
        all = next;
    }
    struct world w;
    open_world(&w);
    assert_int_equal(post(&w, MW_OTLP_METRICS, false, (mw_str){all.p, all.n}), MW_OK);
    assert_string_equal(fake_text(&w.db), "e @5 whole schema=-1 hint=0 count=303 sum=0 "
                                          "zero=0/1e-128 pos[-1:2] 1 302\n");
    close_world(&w);
    mw_buf_deinit(&all);
}

#define IDS                                             \
    "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\"," \
    "\"spanId\":\"b7ad6b7169203331\""
#define IDS_STORED "span_id=\"b7ad6b7169203331\", trace_id=\"0af7651916cd43dd8448eb211c80319c\""

static void exemplars_of_points_are_kept(void **state)
{
    mw_ingest_result result;
    expect_both(METRIC("{\"name\":\"n\",\"description\":\"How many.\",\"sum\":{"
                       "\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[{"
                       "\"timeUnixNano\":\"9000000\",\"asInt\":\"7\",\"exemplars\":["
                       "{\"timeUnixNano\":\"8000000\",\"asInt\":\"3\"," IDS
                       ",\"filteredAttributes\""
                       ":[{\"key\":\"user.id\",\"value\":{\"intValue\":\"5\"}}]},"
                       "{\"timeUnixNano\":\"7000000\",\"asDouble\":1.5},"
                       "{\"timeUnixNano\":\"9000000\",\"asDouble\":4.5," IDS
                       ",\"filteredAttributes\":[{\"key\":\"trace_id\",\"value\":{\"stringValue\":"
                       "\"another\"}}]},"
                       "{\"timeUnixNano\":\"9000000\"}]}]}}"),
                "n_total @9 7\n",
                "n_total is counter in : How many.\n"
                "n_total # {} 1.5 @7\n"
                "n_total # {" IDS_STORED ", \"user.id\"=\"5\"} 3 @8\n"
                "n_total # {" IDS_STORED "} 4.5 @9\n",
                &result);
    assert_int_equal(result.exemplars, 3);
    assert_int_equal(result.exemplars_rejected, 1); /* it has no value */
    expect_both(METRIC("{\"name\":\"h\",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":"
                       "[{\"timeUnixNano\":\"9000000\",\"count\":2,\"bucketCounts\":[1,1],"
                       "\"explicitBounds\":[1],\"exemplars\":[{\"asDouble\":1},{\"asDouble\":1.5},"
                       "{\"asDouble\":-3}]}]}}"),
                "h_bucket{le=\"1\"} @9 1\nh_bucket{le=\"+Inf\"} @9 2\nh_count @9 2\n",
                "h is histogram in : \n"
                "h_bucket{le=\"1\"} # {} 1 @9\n"
                "h_bucket{le=\"+Inf\"} # {} 1.5 @9\n"
                "h_bucket{le=\"1\"} # {} -3 @9\n",
                &result);
    expect_both(EXPONENTIAL("\"exemplars\":[{\"asDouble\":1,\"filteredAttributes\":[{\"key\":\"a\","
                            "\"value\":{\"stringValue\":"
                            "\"0123456789012345678901234567890123456789012345678901234567890123"
                            "012345678901234567890123456789012345678901234567890123456789"
                            "0123\"}}]," IDS "}]"),
                "e_seconds @5 whole schema=0 hint=0 count=0 sum=0 zero=0/1e-128\n",
                "e_seconds is histogram in s: \n"
                "e_seconds # {" IDS_STORED "} 1 @5\n", /* without what has no room */
                &result);
}

static void metadata_follows_the_kind_of_the_metric(void **state)
{
    mw_ingest_result result;
    expect_both(METRIC("{\"name\":\"g\",\"unit\":\"By\",\"gauge\":{\"dataPoints\":[]}},"
                       "{\"name\":\"u\",\"sum\":{\"aggregationTemporality\":2,\"dataPoints\":[]}},"
                       "{\"name\":\"s\",\"description\":\"q\",\"summary\":{\"dataPoints\":[]}}"),
                "",
                "g_bytes is gauge in By: \n"
                "u is gauge in : \n"
                "s is summary in : q\n",
                &result);
}

static void points_of_mixed_kinds_are_never_read_past(void **state)
{
    static const char *const kinds[] = {
        "\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{\"count\":1,\"bucketCounts\":"
        "[1,1,1],\"explicitBounds\":[1,2]}]}",
        "\"exponentialHistogram\":{\"aggregationTemporality\":2,\"dataPoints\":[{\"count\":6,"
        "\"positive\":{\"bucketCounts\":[1,2]},\"negative\":{\"bucketCounts\":[1,2]}}]}",
        "\"summary\":{\"dataPoints\":[{\"quantileValues\":[{\"quantile\":1,\"value\":2}]}]}",
        "\"gauge\":{\"dataPoints\":[{\"asInt\":1}]}",
    };
    for (size_t i = 0; i < 16; i++) {
        struct world w;
        char body[1000];
        open_world(&w);
        snprintf(body, sizeof body, METRIC("{\"name\":\"m\",%s,%s}"), kinds[i / 4], kinds[i % 4]);
        assert_int_equal(post_json(&w, MW_OTLP_METRICS, body), MW_OK);
        assert_int_equal(w.result.accepted + w.result.rejected, 2);
        close_world(&w);
    }
}

static void what_the_disk_did_not_take_is_not_accepted(void **state)
{
    struct world w;
    open_world(&w);
    w.db.refuse_commit = MW_EFULL;
    assert_int_equal(
        post_json(&w, MW_OTLP_METRICS,
                  METRIC("{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{\"asInt\":1}]}}")),
        MW_EFULL);
    assert_int_equal(w.result.accepted, 0);
    close_world(&w);
}

static void names_follow_the_compatibility_rules(void **state)
{
    static const struct {
        const char *name, *unit;
        mw_otlp_kind kind;
        const char *result;
    } rows[] = {
        {"http.server.duration", "s", MW_OTLP_KIND_OTHER, "http_server_duration_seconds"},
        {"conf.requests", "{request}", MW_OTLP_KIND_COUNTER, "conf_requests_total"},
        {"conf.sent", "By", MW_OTLP_KIND_COUNTER, "conf_sent_bytes_total"},
        {"sent_bytes_total", "By", MW_OTLP_KIND_COUNTER, "sent_bytes_total"},
        {"total.sent", "", MW_OTLP_KIND_COUNTER, "sent_total"},
        {"util", "1", MW_OTLP_KIND_GAUGE, "util_ratio"},
        {"count", "1", MW_OTLP_KIND_COUNTER, "count_total"},
        {"fill", "%", MW_OTLP_KIND_GAUGE, "fill_percent"},
        {"io", "By/s", MW_OTLP_KIND_GAUGE, "io_bytes_per_second"},
        {"rate", "{packet}/s", MW_OTLP_KIND_GAUGE, "rate_per_second"},
        {"speed", "km/h", MW_OTLP_KIND_GAUGE, "speed_km_per_hour"},
        {"a..b--c", "", MW_OTLP_KIND_OTHER, "a_b_c"},
        {"2xx", "", MW_OTLP_KIND_OTHER, "_2xx"},
        {"ns:x", "", MW_OTLP_KIND_OTHER, "ns:x"},
        {"h\xc3\xb6he", "m", MW_OTLP_KIND_GAUGE, "h_he_meters"},
        {"...", "s", MW_OTLP_KIND_GAUGE, ""},
    };
    mw_buf out;
    mw_buf_init(&out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_otlp_metric_name(mw_str_of(rows[i].name), mw_str_of(rows[i].unit), rows[i].kind, &out);
        if (!mw_str_is((mw_str){out.p, out.n}, rows[i].result))
            fail_msg("%s becomes %.*s, not %s", rows[i].name, (int)out.n, out.p, rows[i].result);
    }
    mw_buf_reset(&out);
    mw_otlp_label_name(MW_STR("1st.k-ey"), &out);
    assert_string_equal(out.p, "key_1st_k_ey");
    mw_buf_deinit(&out);
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

static void labels_beyond_a_limit_reject_the_point_that_has_them(void **state)
{
    static const struct {
        const char *attrs, *says;
    } rows[] = {
        {"{\"key\":\"a\"},{\"key\":\"b\"},{\"key\":\"c\"}",
         "a point of metric \"m\" has 3 labels, at most 2 are allowed"},
        {"{\"key\":\"a\",\"value\":{\"stringValue\":\"12345678901\"}}",
         "a point of metric \"m\" has a label longer than allowed: \"a\" has 11 bytes, its limit "
         "is 10"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        char body[500];
        open_world(&w);
        w.in.limits = (mw_ingest_limits){.labels = 2, .label_bytes = 10};
        snprintf(body, sizeof body,
                 "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"m\","
                 "\"gauge\":{\"dataPoints\":[{\"asInt\":\"1\",\"attributes\":[%s]},"
                 "{\"asInt\":\"2\"}]}}]}]}]}",
                 rows[i].attrs);
        if (post_json(&w, MW_OTLP_METRICS, body)) fail_msg("%s", w.err.msg);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 1);
        assert_string_equal(w.result.first.msg, rows[i].says);
        close_world(&w);
    }
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
        cmocka_unit_test(what_cannot_be_stored_is_rejected_with_the_reason),
        cmocka_unit_test(a_point_counts_once_and_without_a_time_is_now),
        cmocka_unit_test(exponential_histograms_become_native_ones),
        cmocka_unit_test(packed_bucket_counts_are_the_same_as_single_ones),
        cmocka_unit_test(exemplars_of_points_are_kept),
        cmocka_unit_test(metadata_follows_the_kind_of_the_metric),
        cmocka_unit_test(points_of_mixed_kinds_are_never_read_past),
        cmocka_unit_test(what_the_disk_did_not_take_is_not_accepted),
        cmocka_unit_test(names_follow_the_compatibility_rules),
        cmocka_unit_test(the_store_may_refuse_a_record),
        cmocka_unit_test(broken_bodies_are_refused_and_change_nothing),
        cmocka_unit_test(damage_never_reads_past_the_body),
        cmocka_unit_test(attributes_nested_without_end_are_refused),
        cmocka_unit_test(a_body_that_unfolds_into_too_much_memory_is_refused),
        cmocka_unit_test(too_many_attributes_reject_the_one_that_has_them),
        cmocka_unit_test(labels_beyond_a_limit_reject_the_point_that_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
