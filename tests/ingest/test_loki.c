/* test_loki.c - promises of Loki pushes, and of what a line says about itself.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "fakes.h"
#include "ingest/line.h"
#include "mutate.h"

struct world {
    mw_logs logs;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
};

static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->in.logs = &w->logs;
}

static void close_world(struct world *w) { mw_buf_deinit(&w->logs.text); }

static int push_bytes(struct world *w, const char *text, size_t n)
{
    char *exact = malloc(n ? n : 1);
    memcpy(exact, text, n);
    mw_err_init(&w->err);
    int code = mw_ingest_loki_json(&w->in, (mw_str){exact, n}, &w->result, &w->err);
    free(exact);
    return code;
}

static int push(struct world *w, const char *text) { return push_bytes(w, text, strlen(text)); }

static const char good[] =
    "{\"streams\":[{\"stream\":{\"job\":\"shop\",\"host\":\"h\\u00f6st\"},\"values\":["
    "[\"1700000000000000001\",\"plain line\"],"
    "[\"1700000000000000002\",\"with fields\",{\"level\":\"error\",\"n\":3,\"trace_id\":"
    "\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":\"b7ad6b7169203331\"}],"
    "[\"1700000000000000003\",\"{\\\"level\\\":50,\\\"msg\\\":\\\"x\\\"}\"]]},"
    "{\"values\":[[\"1700000000000000004\",\"lvl=warn traceID=0af7651916cd43dd8448eb211c80319c\"]],"
    "\"stream\":{\"job\":\"late\"}}]}";

static void records_carry_labels_fields_level_and_trace(void **state)
{
    struct world w;
    open_world(&w);
    if (push(&w, good) != MW_OK) fail_msg("%s", w.err.msg);
    assert_int_equal(w.result.accepted, 4);
    assert_int_equal(w.logs.commits, 1);
    assert_string_equal(
        w.logs.text.p,
        "{\"timestamp\":\"1700000000000000001\",\"level\":\"info\",\"message\":\"plain line\","
        "\"stream\":{\"host\":\"h\xc3\xb6st\",\"job\":\"shop\"},\"fields\":{}}\n"
        "{\"timestamp\":\"1700000000000000002\",\"level\":\"error\",\"message\":\"with fields\","
        "\"stream\":{\"host\":\"h\xc3\xb6st\",\"job\":\"shop\"},\"fields\":{\"level\":\"error\","
        "\"n\":\"3\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":"
        "\"b7ad6b7169203331\"},\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":"
        "\"b7ad6b7169203331\"}\n"
        "{\"timestamp\":\"1700000000000000003\",\"level\":\"error\",\"message\":\"{\\\"level\\\":"
        "50,"
        "\\\"msg\\\":\\\"x\\\"}\",\"stream\":{\"host\":\"h\xc3\xb6st\",\"job\":\"shop\"},"
        "\"fields\":{}}\n"
        "{\"timestamp\":\"1700000000000000004\",\"level\":\"warn\",\"message\":\"lvl=warn "
        "traceID=0af7651916cd43dd8448eb211c80319c\",\"stream\":{\"job\":\"late\"},\"fields\":{},"
        "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"}\n");
    close_world(&w);
}

static void a_wrong_stream_loses_only_its_own_records(void **state)
{
    static const char *const streams[] = {
        "{}", "{\"a.b\":\"c\"}", "{\"a\":\"1\",\"a\":\"2\"}", "null", "{\"\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct world w;
        mw_buf body;
        open_world(&w);
        mw_buf_init(&body);
        mw_buf_printf(&body,
                      "{\"streams\":[{\"stream\":%s,\"values\":[[\"1\",\"x\"],[\"2\",\"y\"]]},"
                      "{\"stream\":{\"ok\":\"1\"},\"values\":[[\"3\",\"z\"]]}]}",
                      streams[i]);
        assert_int_equal(push(&w, body.p), MW_OK);
        assert_int_equal(w.result.accepted, 1);
        assert_int_equal(w.result.rejected, 2);
        assert_true(w.result.first.msg[0]);
        mw_buf_deinit(&body);
        close_world(&w);
    }
}

static void what_is_no_push_is_refused_whole(void **state)
{
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"{}", "expected {\"streams\""},
        {"[]", "expected an object"},
        {"{\"streams\":{}}", "expected an array"},
        {"{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"x\",\"y\"]]}]}", "nanoseconds"},
        {"{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\"]]}]}", "expected a log line"},
        {"{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",2]]}]}", "expected a string"},
        {"{\"streams\":[{\"stream\":{\"a\":1},\"values\":[]}]}", "expected a string"},
        {"{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",\"y\"]]}]} x", "unexpected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        open_world(&w);
        if (push(&w, rows[i].body) != MW_EPARSE) fail_msg("%s was taken", rows[i].body);
        if (!strstr(w.err.msg, rows[i].says)) fail_msg("%s: %s", rows[i].body, w.err.msg);
        assert_int_equal(w.logs.text.n, 0);
        close_world(&w);
    }
}

static void limits_and_refusals_are_counted(void **state)
{
    struct world w;
    open_world(&w);
    w.in.limits.attrs = 1;
    w.logs.refuse = MW_EOLD;
    push(&w, "{\"streams\":[{\"stream\":{\"a\":\"b\"},\"values\":[[\"1\",\"x\"],"
             "[\"2\",\"y\",{\"p\":\"1\",\"q\":\"2\"}],[\"3\",\"z\"]]}]}");
    assert_int_equal(w.result.accepted, 1);
    assert_int_equal(w.result.rejected, 2);
    assert_int_equal(w.result.first.code, MW_EOLD);
    close_world(&w);
}

static void a_stream_beyond_the_limits_of_labels_says_which(void **state)
{
    static const struct {
        const char *labels, *says;
    } rows[] = {
        {"\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"", "a stream has 3 labels, at most 2 are allowed"},
        {"\"a\":\"12345\"", "a stream has a label longer than allowed: \"a\" has 5 bytes, its "
                            "limit is 4"},
        {"", "a stream has no labels and needs at least one"},
        {"\"1\":\"\"", "a stream has a wrong label name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        char body[200];
        open_world(&w);
        w.in.limits = (mw_ingest_limits){.labels = 2, .label_bytes = 4};
        snprintf(body, sizeof body,
                 "{\"streams\":[{\"stream\":{%s},\"values\":[[\"1\",\"x\"],[\"2\",\"y\"]]}]}",
                 rows[i].labels);
        assert_int_equal(push(&w, body), MW_OK);
        assert_int_equal(w.result.rejected, 2);
        assert_string_equal(w.result.first.msg, rows[i].says);
        close_world(&w);
    }
}

static void a_body_of_nothing_but_entries_cannot_take_more_than_its_share(void **state)
{
    struct world w;
    mw_buf b;
    open_world(&w);
    mw_buf_init(&b);
    mw_buf_text(&b, "{\"streams\":[{}");
    for (int i = 0; i < 1000000; i++) mw_buf_text(&b, ",{}");
    mw_buf_text(&b, "]}");
    int code = push(&w, b.p);
    assert_true(code == MW_OK || code == MW_ETOOBIG);
    mw_buf_deinit(&b);
    close_world(&w);
}

static void damage_never_reads_past_the_body(void **state)
{
    mutator m = {31};
    struct world w;
    open_world(&w);
    for (size_t n = 0; n < sizeof good - 1; n++)
        assert_int_equal(push_bytes(&w, good, n), MW_EPARSE);
    assert_int_equal(w.logs.text.n, 0);
    for (int i = 0; i < 20000; i++) {
        size_t n;
        char *bad = mutate(&m, good, sizeof good - 1, &n);
        mw_buf_reset(&w.logs.text);
        mw_err_init(&w.err);
        int code = mw_ingest_loki_json(&w.in, (mw_str){bad, n}, &w.result, &w.err);
        assert_true(code == MW_OK || code == MW_EPARSE);
        free(bad);
    }
    close_world(&w);
}

/* -- lines ---------------------------------------------------------------------------------- */

static void a_line_tells_its_level(void **state)
{
    static const struct {
        const char *line;
        int level; /* -1: none */
    } rows[] = {
        {"level=error msg=x", MW_ERROR},
        {"ts=1 level=\"WARN\" msg=x", MW_WARN},
        {"a=1,level=debug,b", MW_DEBUG},
        {"severity=critical", MW_FATAL},
        {"{\"level\":\"Information\"}", MW_INFO},
        {" {\"a\":{\"level\":\"error\"},\"lvl\":\"warn\"}", MW_WARN},
        {"{\"level\":20}", MW_DEBUG},
        {"{\"level\":60}", MW_FATAL},
        {"{\"level\":7}", -1},
        {"{\"level\":\"error\"", MW_ERROR}, /* cut off, but said */
        {"the level is = error", -1},
        {"mylevel=error", -1},
        {"level=", -1},
        {"level", -1},
        {"=", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].line);
        char *exact = malloc(n ? n : 1);
        memcpy(exact, rows[i].line, n);
        mw_arena *a = mw_arena_new(0);
        mw_line_facts facts = {0};
        mw_line_read(&facts, (mw_str){exact, n}, a);
        if (facts.has_level ? (int)facts.level != rows[i].level : rows[i].level != -1)
            fail_msg("%s", rows[i].line);
        mw_arena_free(a);
        free(exact);
    }
}

static void what_was_found_first_stays(void **state)
{
    mw_line_facts f = {0};
    assert_true(mw_line_fact(&f, MW_STR("level"), MW_STR("nonsense")));
    assert_false(f.has_level);
    mw_line_fact(&f, MW_STR("level"), MW_STR("warn"));
    mw_line_fact(&f, MW_STR("severity"), MW_STR("error"));
    assert_int_equal(f.level, MW_WARN);
    mw_line_fact(&f, MW_STR("trace_id"), MW_STR("00000000000000000000000000000000"));
    assert_false(f.has_trace);
    mw_line_fact(&f, MW_STR("traceId"), MW_STR("0AF7651916CD43DD8448EB211C80319C"));
    assert_true(f.has_trace);
    assert_false(mw_line_fact(&f, MW_STR("other"), MW_STR("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_carry_labels_fields_level_and_trace),
        cmocka_unit_test(a_wrong_stream_loses_only_its_own_records),
        cmocka_unit_test(what_is_no_push_is_refused_whole),
        cmocka_unit_test(limits_and_refusals_are_counted),
        cmocka_unit_test(a_stream_beyond_the_limits_of_labels_says_which),
        cmocka_unit_test(a_body_of_nothing_but_entries_cannot_take_more_than_its_share),
        cmocka_unit_test(damage_never_reads_past_the_body),
        cmocka_unit_test(a_line_tells_its_level),
        cmocka_unit_test(what_was_found_first_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
