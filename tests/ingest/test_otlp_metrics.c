/* test_otlp_metrics.c - promises of OTLP that concern metrics.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "ingest/otlp_names.h"
#include "otlpworld.h"

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
        cmocka_unit_test(what_cannot_be_stored_is_rejected_with_the_reason),
        cmocka_unit_test(a_point_counts_once_and_without_a_time_is_now),
        cmocka_unit_test(exponential_histograms_become_native_ones),
        cmocka_unit_test(packed_bucket_counts_are_the_same_as_single_ones),
        cmocka_unit_test(exemplars_of_points_are_kept),
        cmocka_unit_test(metadata_follows_the_kind_of_the_metric),
        cmocka_unit_test(points_of_mixed_kinds_are_never_read_past),
        cmocka_unit_test(what_the_disk_did_not_take_is_not_accepted),
        cmocka_unit_test(names_follow_the_compatibility_rules),
        cmocka_unit_test(labels_beyond_a_limit_reject_the_point_that_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
