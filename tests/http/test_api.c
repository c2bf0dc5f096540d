/* test_api.c - promises of the HTTP APIs.  SPDX-License-Identifier: MIT */
#include "world.h"

static void push_series(const world *w)
{
    assert_post(w, "/api/v1/import/prometheus", "text/plain",
                "up{job=\"a\",instance=\"1\"} 1\nup{job=\"b\",instance=\"2\"} 0\n"
                "requests_total{job=\"a\"} 42\n",
                204, "");
}

static void liveness_and_readiness(void **state)
{
    world *w = *state;
    mw_server_ready(w->server, false);
    assert_get(w, "/-/healthy", 200, "healthy");
    assert_get(w, "/-/ready", 503, "starting: ");
    assert_get(w, "/-/ready", 503, "% of the journal read\n");
    mw_server_ready(w->server, true);
    assert_get(w, "/-/ready", 200, "ready");
}

static void while_the_store_is_read_every_path_says_so_in_its_own_shape(void **state)
{
    world *w = *state;
    static const struct {
        const char *method, *target, *text;
    } rows[] = {
        {"GET", "/api/v1/query?query=up", "{\"status\":\"error\",\"errorType\":\"unavailable\","},
        {"GET", "/api/v1/labels", "\"error\":\"starting: "},
        {"POST", "/api/v1/import/prometheus", "starting: "},
        {"POST", "/v1/metrics", "{\"code\":14,\"message\":\"starting: "},
        {"GET", "/jaeger/api/services", "\"errors\":[{\"code\":503,\"msg\":\"starting: "},
        {"GET", "/api/v2/alerts", "{\"code\":503,\"message\":\"starting: "},
        {"GET", "/api/mw/v1/rules",
         "{\"error\":{\"code\":\"unavailable\",\"message\":\"starting: "},
        {"GET", "/", "starting: "},
    };
    mw_server_ready(w->server, false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer a = ask(w, rows[i].method, rows[i].target, "", MW_STR(""));
        assert_status(a, 503);
        assert_head_has(a, "retry-after: 1\r\n");
        assert_body_has(a, rows[i].text);
        answer_deinit(&a);
    }
    assert_get(w, "/metrics", 200, "# HELP ");
    mw_server_ready(w->server, true);
    assert_get(w, "/api/v1/labels", 200, "success");
}

static void an_instant_query_answers_as_prometheus_does(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(
        w, "/api/v1/query?query=up%7Bjob%3D%22a%22%7D", 200,
        "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":"
        "{\"__name__\":\"up\",\"instance\":\"1\",\"job\":\"a\"},\"value\":[1795424400");
    assert_get(w, "/api/v1/query?query=sum(up)&time=2026-11-23T09:01:00Z", 200,
               "[1795424460,\"1\"]");
    assert_post(w, "/api/v1/query", "application/x-www-form-urlencoded", "query=sum%28up%29+%2B+1",
                200, "\"2\"");
}

static void a_range_query_answers_as_prometheus_does(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/v1/query_range?query=up&start=1795424400&end=1795424460&step=30s", 200,
               "\"resultType\":\"matrix\"");
    static const struct {
        const char *params, *text;
    } wrong[] = {
        {"query=up&end=2&step=1", "invalid parameter \\\"start\\\": cannot parse \\\"\\\""},
        {"query=up&start=x&end=2&step=1", "cannot parse \\\"x\\\" to a valid timestamp"},
        {"query=up&start=1&end=2&step=x", "cannot parse \\\"x\\\" to a valid duration"},
        {"query=up&start=1&end=2&step=0", "zero or negative query resolution step"},
        {"query=up&start=1&end=2&step=-1", "zero or negative query resolution step"},
        {"query=up&start=3&end=2&step=1", "end timestamp must not be before start time"},
        {"query=up&start=0&end=11001&step=1", "exceeded maximum resolution of 11,000 points"},
        {"query=sum(up&start=1&end=2&step=1", "invalid parameter \\\"query\\\": 1:"},
        {"start=1&end=2&step=1", "invalid parameter \\\"query\\\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char target[200];
        snprintf(target, sizeof target, "/api/v1/query_range?%s", wrong[i].params);
        answer a = get(w, target);
        assert_status(a, 400);
        assert_body_has(a, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"");
        assert_body_has(a, wrong[i].text);
        answer_deinit(&a);
    }
}

static void a_query_is_formatted_and_parsed_as_prometheus_does(void **state)
{
    world *w = *state;
    assert_get(w, "/api/v1/format_query?query=sum(up%7Bb=%27%3C%27,a=%271%27%7D)by(x)", 200,
               "{\"status\":\"success\",\"data\":\"sum by (x) (up{a=\\\"1\\\",b=\\\"<\\\"})\"}");
    assert_post(w, "/api/v1/format_query", "application/x-www-form-urlencoded", "query=1%2B1", 200,
                "\"1 + 1\"");
    assert_get(w, "/api/v1/parse_query?query=1", 200,
               "{\"status\":\"success\",\"data\":{\"type\":\"numberLiteral\",\"val\":\"1\"}}");
    assert_post(w, "/api/v1/parse_query", "application/x-www-form-urlencoded", "query=%28x%29", 200,
                "\"type\":\"parenExpr\"");
    static const char *const paths[] = {"format", "parse"};
    for (size_t i = 0; i < 2; i++) {
        char target[80];
        snprintf(target, sizeof target, "/api/v1/%s_query?query=sum(x", paths[i]);
        answer a = get(w, target);
        assert_status(a, 400);
        assert_body_has(
            a, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":"
               "\"invalid parameter \\\"query\\\": 1:6: parse error: unclosed left parenthesis");
        answer_deinit(&a);
        snprintf(target, sizeof target, "/api/v1/%s_query", paths[i]);
        assert_get(w, target, 400, "no expression found in input");
    }
}

static void a_large_answer_comes_in_pieces_and_whole(void **state)
{
    world *w = *state;
    mw_buf text = {0};
    for (int i = 0; i < 5000; i++) mw_buf_printf(&text, "many{n=\"%d\"} %d\n", i, i);
    assert_post(w, "/api/v1/import/prometheus", "text/plain", text.p, 204, "");
    mw_buf_deinit(&text);
    answer a = get(w, "/api/v1/query?query=many");
    assert_status(a, 200);
    assert_head_has(a, "transfer-encoding: chunked");
    size_t rows = 0;
    for (const char *p = a.body.p; (p = strstr(p, "\"__name__\":\"many\"")); p++) rows++;
    assert_int_equal(rows, 5000);
    assert_string_equal(a.body.p + a.body.n - 3, "]}}");
    answer_deinit(&a);
}

static void gzip_is_spoken_both_ways(void **state)
{
    world *w = *state;
    mw_buf text = {0}, zipped = {0};
    for (int i = 0; i < 100; i++) mw_buf_printf(&text, "zipped{n=\"%d\"} %d\n", i, i);
    mw_gzip((mw_str){text.p, text.n}, 1, &zipped);
    answer a = ask(w, "POST", "/api/v1/import/prometheus", "Content-Encoding: gzip\r\n",
                   (mw_str){zipped.p, zipped.n});
    assert_status(a, 204);
    answer_deinit(&a);
    a = ask(w, "GET", "/api/v1/query?query=zipped", "Accept-Encoding: gzip\r\n", MW_STR(""));
    assert_status(a, 200);
    assert_head_has(a, "content-encoding: gzip");
    mw_buf_reset(&text);
    assert_int_equal(mw_gunzip((mw_str){a.body.p, a.body.n}, (mw_zip_limit){0}, &text, NULL),
                     MW_OK);
    assert_non_null(find_text(&text, "\"n\":\"99\""));
    answer_deinit(&a);
    a = ask(w, "GET", "/-/healthy", "Accept-Encoding: gzip\r\n", MW_STR(""));
    assert_null(find_text(&a.head, "content-encoding"));
    answer_deinit(&a);
    mw_buf_deinit(&text);
    mw_buf_deinit(&zipped);
}

static void labels_values_and_series_are_listed(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/v1/labels", 200,
               "{\"status\":\"success\",\"data\":[\"__name__\",\"instance\",\"job\"]}");
    assert_get(w, "/api/v1/label/job/values", 200,
               "{\"status\":\"success\",\"data\":[\"a\",\"b\"]}");
    assert_get(w, "/api/v1/label/job/values?match[]=up%7Binstance%3D%222%22%7D", 200, "[\"b\"]");
    assert_get(w, "/api/v1/label/job/values?limit=1", 200, "[\"a\"]");
    assert_get(w, "/api/v1/label/j-b/values", 400, "invalid label name");
    assert_get(w, "/api/v1/series?match[]=up&match[]=up%7Bjob%3D%22a%22%7D", 200,
               "\"data\":[{\"__name__\":\"up\",\"instance\":\"1\",\"job\":\"a\"},"
               "{\"__name__\":\"up\",\"instance\":\"2\",\"job\":\"b\"}]}");
    assert_get(w, "/api/v1/series", 400, "no match[] parameter");
    assert_get(w, "/api/v1/series?match[]=up%7B", 400, "bad_data");
}

static void status_pages_answer(void **state)
{
    world *w = *state;
    push_series(w);
    assert_get(w, "/api/v1/status/buildinfo", 200, "\"version\":\"");
    assert_get(w, "/api/v1/status/runtimeinfo", 200, "\"startTime\":\"2026-11-23T09:00:00.000Z\"");
    assert_get(w, "/api/v1/status/flags", 200, "\"query.timeout-ms\":\"120000\"");
    assert_get(w, "/api/v1/status/config", 200, "\"yaml\":\"");
    assert_get(w, "/api/v1/status/tsdb", 200, "{\"name\":\"up\",\"value\":2}");
    assert_get(w, "/api/v1/targets", 200, "\"activeTargets\":[]");
    assert_get(w, "/api/v1/metadata", 200, "\"data\":{}");
}

static void parts_that_are_not_running_answer_503(void **state)
{
    world *w = *state;
    assert_get(w, "/api/v1/rules", 503, "\"errorType\":\"unavailable\"");
    assert_get(w, "/health", 503, "{\"error\":{\"code\":\"unavailable\"");
    assert_get(w, "/api/v2/alerts", 503, "{\"code\":503");
    assert_post(w, "/-/reload", "text/plain", "", 503, "not running");
}

static const char otlp_logs[] =
    "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
    "{\"stringValue\":\"cart\"}}]},\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":"
    "\"1795424400000000000\",\"severityNumber\":17,\"body\":{\"stringValue\":\"payment declined\"},"
    "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\"}]}]}]}";

static void logs_come_in_and_are_found(void **state)
{
    world *w = *state;
    assert_post(w, "/v1/logs", "application/json", otlp_logs, 200, "{\"partialSuccess\":{}}");
    assert_post(w, "/loki/api/v1/push", "application/json",
                "{\"streams\":[{\"stream\":{\"app\":\"web\"},\"values\":[[\"1795424400000000000\","
                "\"level=warn hello\"]]}]}",
                204, "");
    assert_get(w, "/api/mw/v1/logs", 200, "\"stats\":{\"streams\":2,\"records\":2");
    assert_get(w, "/api/mw/v1/logs?contains=declined&level=error", 200,
               "\"message\":\"payment declined\"");
    assert_get(w, "/api/mw/v1/logs?trace=0af7651916cd43dd8448eb211c80319c", 200,
               "payment declined");
    assert_get(w, "/api/mw/v1/logs?selector=%7Bapp%3D%22web%22%7D", 200,
               "\"records\":[{\"timestamp\":\"1795424400000000000\"");
    assert_get(w, "/api/mw/v1/logs?contains=nothing", 200, "\"records\":[],");
    assert_get(w, "/api/mw/v1/logs?level=loud", 400, "invalid parameter \\\"level\\\"");
    assert_get(w, "/api/mw/v1/logs?trace=12", 400, "invalid parameter \\\"trace\\\"");
    assert_get(w, "/api/mw/v1/logs?selector=%7B", 400, "\"code\":\"bad_data\"");
    assert_get(w, "/api/mw/v1/logs?from=yesterday", 400, "cannot parse");
}

static void loki_clients_can_read(void **state)
{
    world *w = *state;
    assert_post(w, "/loki/api/v1/push", "application/json",
                "{\"streams\":[{\"stream\":{\"app\":\"web\"},\"values\":[[\"1795424399000000000\","
                "\"one \\\"x\\\"\"],[\"1795424400000000000\",\"two\"]]}]}",
                204, "");
    assert_get(w, "/loki/api/v1/labels", 200, "\"app\"");
    assert_get(w, "/loki/api/v1/label/app/values", 200, "[\"web\"]");
    assert_get(w, "/loki/api/v1/series?match=%7Bapp%3D%22web%22%7D", 200, "\"app\":\"web\"");
    assert_get(w, "/loki/api/v1/query_range?query=%7Bapp%3D%22web%22%7D", 200,
               "\"values\":[[\"1795424400000000000\",\"two\"],[\"1795424399000000000\",\"one");
    assert_get(w, "/loki/api/v1/query_range?query=%7Bapp%3D%22web%22%7D+%7C%3D+%22one+%5C%22x%22",
               200, "\"totalEntriesReturned\":1");
    assert_get(w, "/loki/api/v1/query_range?query=%7Bapp%3D%22web%22%7D+!~+%60%5Eo%60", 200,
               "\"values\":[[\"1795424400000000000\",\"two\"]]");
    assert_get(w, "/loki/api/v1/query_range?query=%7Bapp%3D%22web%22%7D+%7C+json", 422,
               "not implemented");
    assert_get(w, "/loki/api/v1/query_range?query=%7Bapp%3D%22web%22", 400, "no closing }");
}

static const char otlp_traces[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
    "{\"stringValue\":\"cart\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":"
    "\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\",\"name\":\"GET /cart\","
    "\"kind\":2,\"startTimeUnixNano\":\"1795424400000000000\",\"endTimeUnixNano\":"
    "\"1795424400250000000\",\"attributes\":[{\"key\":\"url.path\",\"value\":{\"stringValue\":"
    "\"/cart\"}}],\"status\":{\"code\":2,\"message\":\"boom\"}}]}]}]}";

static void spans_come_in_and_are_found(void **state)
{
    world *w = *state;
    assert_post(w, "/api/v1/otlp/v1/traces", "application/json; charset=utf-8", otlp_traces, 200,
                "{\"partialSuccess\":{}}");
    assert_get(
        w, "/api/mw/v1/traces/0af7651916cd43dd8448eb211c80319c", 200,
        "\"spans\":[{\"span_id\":\"b7ad6b7169203331\",\"parent_id\":\"\",\"service\":\"cart\","
        "\"name\":\"GET /cart\",\"start\":1795424400.000000000,\"duration\":0.250000000,"
        "\"kind\":\"server\",\"status\":\"error\"");
    assert_get(w, "/api/mw/v1/traces?service=cart&min=200ms&tag=url.path%3D%2Fcart&errors=1", 200,
               "{\"traces\":[{\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"");
    assert_get(w, "/api/mw/v1/traces?min=300ms", 200, "{\"traces\":[],");
    assert_get(w, "/api/mw/v1/traces?tag=x", 400, "invalid parameter \\\"tag\\\"");
    assert_get(w, "/api/mw/v1/traces/zz", 400, "hex");
    assert_get(w, "/api/mw/v1/traces/12", 404, "no such trace");
    assert_get(w, "/jaeger/api/services", 200, "{\"data\":[\"cart\"],\"total\":1");
    assert_get(w, "/jaeger/api/services/cart/operations", 200, "\"GET /cart\"");
    assert_get(w, "/jaeger/api/operations?service=cart", 200, "\"spanKind\":\"server\"");
    assert_get(
        w, "/jaeger/api/traces?service=cart&tags=%7B%22error%22%3A%22true%22%7D&limit=5", 200,
        "\"operationName\":\"GET /cart\",\"startTime\":1795424400000000,\"duration\":250000");
    assert_get(w, "/jaeger/api/traces/0af7651916cd43dd8448eb211c80319c", 200,
               "\"processes\":{\"p1\":{\"serviceName\":\"cart\"");
    assert_get(w, "/jaeger/api/traces/1", 404, "\"errors\":[{\"code\":404");
}

static void garbage_is_refused_at_every_door(void **state)
{
    static const char *const doors[][2] = {
        {"/api/v1/write", "application/x-protobuf"}, {"/v1/traces", "application/json"},
        {"/v1/traces", "application/x-protobuf"},    {"/v1/metrics", "application/json"},
        {"/v1/logs", "application/x-protobuf"},      {"/loki/api/v1/push", "application/json"},
        {"/api/v1/import/prometheus", "text/plain"},
    };
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        answer a = post(*state, doors[i][0], doors[i][1], "\1\2\377 garbage }{");
        if (a.status != 400) fail_msg("%s: %d %s", doors[i][0], a.status, a.body.p);
        assert_true(a.body.n > 0);
        answer_deinit(&a);
        a = ask(*state, "POST", doors[i][0],
                i == 0 ? "Content-Encoding: gzip\r\nContent-Type: application/x-protobuf\r\n"
                       : "Content-Encoding: gzip\r\nContent-Type: application/json\r\n",
                MW_STR("not gzip"));
        if (a.status != 400) fail_msg("%s: %d %s", doors[i][0], a.status, a.body.p);
        answer_deinit(&a);
    }
    assert_post(*state, "/api/v1/write", "text/plain", "x", 415, "remote write");
    assert_post(*state, "/v1/logs", "text/plain", "x", 415, "application/x-protobuf");
    assert_post(*state, "/loki/api/v1/push", "text/plain", "x", 415, "application/json");
    answer a = ask(*state, "POST", "/v1/logs",
                   "Content-Type: application/json\r\nContent-Encoding: br\r\n", MW_STR("x"));
    assert_status(a, 415);
    answer_deinit(&a);
}

static void a_bomb_is_refused_with_413(void **state)
{
    mw_buf zeros = {0}, bomb = {0};
    memset(mw_buf_room(&zeros, 20 << 20), 'x', zeros.n = 20 << 20);
    mw_gzip((mw_str){zeros.p, zeros.n}, 9, &bomb);
    answer a = ask(*state, "POST", "/v1/logs",
                   "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
                   (mw_str){bomb.p, bomb.n});
    assert_status(a, 413);
    answer_deinit(&a);
    mw_buf_deinit(&zeros);
    mw_buf_deinit(&bomb);
}

static void wrong_paths_and_methods_are_told_apart(void **state)
{
    world *w = *state;
    assert_get(w, "/nothing", 404, "{\"error\":{\"code\":\"not_found\"");
    assert_get(w, "/api/v1/nothing", 404, "404 page not found");
    assert_get(w, "/v1/traces", 405, "");
    answer a = post(w, "/api/v1/labels/x", "text/plain", "x");
    assert_status(a, 404);
    answer_deinit(&a);
    a = ask(w, "DELETE", "/api/v1/query", "", MW_STR(""));
    assert_status(a, 405);
    assert_head_has(a, "allow: get, post, head");
    assert_body_has(a, "{\"status\":\"error\"");
    answer_deinit(&a);
    a = ask(w, "BREW", "/api/v1/query", "", MW_STR(""));
    assert_status(a, 405);
    answer_deinit(&a);
    assert_get(w, "/app%00.js", 400, "escape");
    assert_get(w, "/app%zz.js", 400, "escape");
    assert_get(w, "/api/v1/query?query=%", 400, "escape");
    assert_get(w, "/../../etc/passwd", 404, "not_found");
}

static void the_page_is_served_with_etag_and_policy(void **state)
{
    world *w = *state;
    answer a = get(w, "/");
    assert_status(a, 200);
    assert_head_has(a, "content-type: text/html");
    assert_head_has(a, "content-security-policy: default-src 'self'");
    assert_string_equal(a.body.p, "<h1>hi</h1>");
    const char *etag = find_text(&a.head, "etag: ") + 6;
    char header[100];
    snprintf(header, sizeof header, "If-None-Match: %.18s\r\n", etag);
    answer_deinit(&a);
    a = ask(w, "GET", "/", header, MW_STR(""));
    assert_status(a, 304);
    assert_int_equal(a.body.n, 0);
    answer_deinit(&a);
}

static void a_page_elsewhere_may_read_but_not_write(void **state)
{
    world *w = *state;
    answer a = get(w, "/api/v1/labels");
    assert_head_has(a, "access-control-allow-origin: *");
    answer_deinit(&a);
    a = ask(w, "OPTIONS", "/api/v1/query", "", MW_STR(""));
    assert_status(a, 204);
    assert_head_has(a, "access-control-allow-methods: get, post, options");
    answer_deinit(&a);
    a = ask(w, "OPTIONS", "/api/v1/write", "", MW_STR(""));
    assert_status(a, 405);
    assert_null(find_text(&a.head, "access-control"));
    answer_deinit(&a);
}

static void requests_are_counted_by_route_and_never_by_path(void **state)
{
    world *w = *state;
    assert_get(w, "/api/v1/label/job/values", 200, "");
    assert_get(w, "/secret-path", 404, "");
    assert_post(w, "/v1/logs", "application/json", otlp_logs, 200, "");
    assert_get(w, "/metrics", 200, "");
    answer a = get(w, "/metrics");
    assert_head_has(a, "content-type: text/plain; version=0.0.4");
    assert_body_has(a, "http_requests_total{");
    assert_body_has(a, "endpoint=\"/api/v1/label/*/values\"");
    assert_body_has(a, "status_code=\"404\"");
    assert_body_has(a, "errors_total{error_type=\"client_error\",service=\"moonwatch\"} 1");
    assert_body_has(a, "moonwatch_ingest_records_total{source=\"otlp\"} 1");
    assert_body_has(a, "http_response_size_bytes_bucket{");
    assert_body_has(a, "active_connections ");
    assert_null(find_text(&a.body, "secret-path"));
    answer_deinit(&a);
    a = ask(w, "GET", "/metrics", "Accept: application/openmetrics-text; version=1.0.0\r\n",
            MW_STR(""));
    assert_head_has(a, "content-type: application/openmetrics-text");
    assert_body_has(a, "# EOF\n");
    answer_deinit(&a);
}

static void head_is_get_without_the_body(void **state)
{
    answer a = ask(*state, "HEAD", "/app.js", "Connection: close\r\n", MW_STR(""));
    assert_int_equal(a.status, 200);
    assert_head_has(a, "content-length: 5\r\n");
    answer_deinit(&a);
}

static void samples_out_of_order_are_told_and_the_others_kept(void **state)
{
    world *w = *state;
    assert_post(w, "/api/v1/import/prometheus", "text/plain", "late 1 1795424400000\n", 204, "");
    answer a = post(w, "/api/v1/import/prometheus", "text/plain",
                    "late 5 1795424400000\nfresh 2 1795424400000\n");
    assert_status(a, 400);
    assert_body_has(a, "1 of 2 samples rejected");
    answer_deinit(&a);
    assert_get(w, "/api/v1/query?query=fresh", 200, "\"2\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        promise(liveness_and_readiness),
        promise(while_the_store_is_read_every_path_says_so_in_its_own_shape),
        promise(an_instant_query_answers_as_prometheus_does),
        promise(a_range_query_answers_as_prometheus_does),
        promise(a_query_is_formatted_and_parsed_as_prometheus_does),
        promise(a_large_answer_comes_in_pieces_and_whole),
        promise(gzip_is_spoken_both_ways),
        promise(labels_values_and_series_are_listed),
        promise(status_pages_answer),
        promise(parts_that_are_not_running_answer_503),
        promise(logs_come_in_and_are_found),
        promise(loki_clients_can_read),
        promise(spans_come_in_and_are_found),
        promise(garbage_is_refused_at_every_door),
        promise(a_bomb_is_refused_with_413),
        promise(wrong_paths_and_methods_are_told_apart),
        promise(the_page_is_served_with_etag_and_policy),
        promise(a_page_elsewhere_may_read_but_not_write),
        promise(requests_are_counted_by_route_and_never_by_path),
        promise(head_is_get_without_the_body),
        promise(samples_out_of_order_are_told_and_the_others_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
