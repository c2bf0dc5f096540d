/* test_stores.c - what was sent is found again: every way in, with the real stores behind it.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "base/pb.h"
#include "ingest/ingest.h"

struct world {
    mw_clock_manual clock;
    mw_tsdb *tsdb;
    mw_ingest in;
    mw_ingest_result result;
    mw_err err;
};

static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    mw_err_init(&w->err);
    mw_clock_manual_init(&w->clock, 1700000010000);
    const mw_clock *clock = &w->clock.clock;
    w->tsdb = mw_tsdb_open(&(mw_tsdb_options){.clock = clock}, &w->err);
    w->in = (mw_ingest){
        .tsdb = w->tsdb,
        .logs = mw_logs_open(&(mw_logs_options){.clock = clock}, &w->err),
        .traces = mw_traces_open(&(mw_traces_options){.clock = clock}, &w->err),
        .clock = clock,
    };
    assert_true(w->tsdb && w->in.logs && w->in.traces);
}

static void close_world(struct world *w)
{
    mw_tsdb_close(w->tsdb);
    mw_logs_close(w->in.logs);
    mw_traces_close(w->in.traces);
}

/* "labels value@time value@time" of the one series called NAME. */
static void expect_series(struct world *w, const char *name, const char *expected)
{
    mw_matcher m;
    mw_series_set *set;
    mw_series_view view;
    mw_buf text;
    mw_buf_init(&text);
    mw_source *src = mw_tsdb_source(w->tsdb);
    mw_matcher_init(&m, MW_MATCH_EQ, MW_STR(MW_METRIC_NAME), mw_str_of(name), NULL);
    mw_select sel = {.matchers = &m, .n = 1, .min_t = 0, .max_t = INT64_MAX / 2};
    assert_int_equal(src->select(src, &sel, &set, &w->err), MW_OK);
    while (set->next(set, &view, &w->err) == 1) {
        mw_labels_text(view.labels, &text);
        for (size_t i = 0; i < view.n; i++) {
            if (mw_is_stale(view.v[i]))
                mw_buf_text(&text, " stale");
            else
                mw_buf_printf(&text, " %g", view.v[i]);
            mw_buf_printf(&text, "@%lld", (long long)view.t[i]);
        }
    }
    set->close(set);
    assert_string_equal(text.p ? text.p : "", expected);
    mw_matcher_deinit(&m);
    mw_buf_deinit(&text);
}

static void pages_become_series_with_their_end(void **state)
{
    static const mw_label extra[] = {{MW_STR("job"), MW_STR("j")}};
    struct world w;
    open_world(&w);
    mw_labels *ls = mw_labels_new(extra, 1, NULL);
    mw_promtext *p = mw_promtext_new(&w.in, ls, false);
    mw_free(ls);
    mw_promtext_page(p, MW_STR("a 1\nb 2\n"), 1700000000000, 0, &w.result, &w.err);
    mw_promtext_page(p, MW_STR("a 3\n"), 1700000005000, 0, &w.result, &w.err);
    mw_promtext_stale(p, 1700000010000);
    mw_promtext_free(p);
    expect_series(&w, "a", "a{job=\"j\"} 1@1700000000000 3@1700000005000 stale@1700000010000");
    expect_series(&w, "b", "b{job=\"j\"} 2@1700000000000 stale@1700000005000");
    close_world(&w);
}

static void a_sample_sent_twice_is_fine_and_another_value_is_not(void **state)
{
    struct world w;
    open_world(&w);
    mw_str page = MW_STR("a 1 1700000000000\n"), other = MW_STR("a 2 1700000000000\n");
    assert_int_equal(mw_ingest_promtext(&w.in, MW_PAGE_UNKNOWN, page, 1, &w.result, &w.err), MW_OK);
    assert_int_equal(mw_ingest_promtext(&w.in, MW_PAGE_UNKNOWN, page, 1, &w.result, &w.err), MW_OK);
    assert_int_equal(w.result.rejected, 0);
    assert_int_equal(mw_ingest_promtext(&w.in, MW_PAGE_UNKNOWN, other, 1, &w.result, &w.err),
                     MW_OK);
    assert_int_equal(w.result.rejected, 1);
    assert_int_equal(w.result.first.code, MW_EDUP);
    close_world(&w);
}

static void remote_write_becomes_a_series(void **state)
{
    static const char series[] = "\x0a\x0e\x0a\x08__name__\x12\x02rw"
                                 "\x12\x10\x09\0\0\0\0\0\0\xf8\x3f\x10\x80\xd0\x95\xff\xbc\x31";
    struct world w;
    mw_buf body;
    open_world(&w);
    mw_buf_init(&body);
    mw_pb_put_bytes(&body, 1, (mw_str){series, sizeof series - 1});
    if (mw_ingest_remote_write(&w.in, (mw_str){body.p, body.n}, &w.result, &w.err) != MW_OK)
        fail_msg("%s", w.err.msg);
    assert_int_equal(w.result.accepted, 1);
    expect_series(&w, "rw", "rw 1.5@1700000000000");
    mw_buf_deinit(&body);
    close_world(&w);
}

static int take_message(void *arg, const mw_log_record *r)
{
    mw_buf_str(arg, r->message);
    mw_buf_printf(arg, "/%s/%.*s;", mw_level_name(r->level),
                  MW_STR_ARG(mw_labels_find(r->stream, "job")));
    return 0;
}

static int take_span(void *arg, const mw_span *s)
{
    mw_buf_printf(arg, "%.*s/%.*s;", MW_STR_ARG(s->service), MW_STR_ARG(s->name));
    return 0;
}

static void lines_and_spans_meet_by_their_trace(void **state)
{
    static const char logs[] =
        "{\"streams\":[{\"stream\":{\"job\":\"shop\"},\"values\":[[\"1700000001000000000\","
        "\"level=error it broke\",{\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"}],"
        "[\"1700000002000000000\",\"fine\"]]}]}";
    static const char spans[] =
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
        "{\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":"
        "\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"b7ad6b7169203331\",\"name\":\"pay\","
        "\"startTimeUnixNano\":\"1700000001000000000\",\"endTimeUnixNano\":"
        "\"1700000001500000000\"}]}]}]}";
    struct world w;
    mw_buf found;
    open_world(&w);
    mw_buf_init(&found);
    assert_int_equal(mw_ingest_loki_json(&w.in, mw_str_of(logs), &w.result, &w.err), MW_OK);
    assert_int_equal(w.result.accepted, 2);
    assert_int_equal(
        mw_ingest_otlp(&w.in, MW_OTLP_TRACES, true, mw_str_of(spans), &w.result, &w.err), MW_OK);
    mw_logs_query q = {.trace_set = true};
    mw_unhex(MW_STR("0af7651916cd43dd8448eb211c80319c"), q.trace_id, 16);
    mw_logs_search(w.in.logs, &q, take_message, &found, &w.err);
    assert_string_equal(found.p, "level=error it broke/error/shop;");
    mw_buf_reset(&found);
    assert_int_equal(mw_traces_get(w.in.traces, q.trace_id, take_span, &found), MW_OK);
    assert_string_equal(found.p, "shop/pay;");
    mw_buf_deinit(&found);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_become_series_with_their_end),
        cmocka_unit_test(a_sample_sent_twice_is_fine_and_another_value_is_not),
        cmocka_unit_test(remote_write_becomes_a_series),
        cmocka_unit_test(lines_and_spans_meet_by_their_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
