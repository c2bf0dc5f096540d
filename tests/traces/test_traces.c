/* test_traces.c - promises of the span store.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "traces/traces.h"

static mw_span span_of(int trace, int span, const char *service, const char *name, int64_t start,
                       int64_t duration)
{
    mw_span s = {.service = mw_str_of(service),
                 .name = mw_str_of(name),
                 .start_ns = start,
                 .end_ns = start + duration};
    memcpy(s.trace_id, &trace, sizeof trace);
    memcpy(s.span_id, &span, sizeof span);
    return s;
}

static int append(mw_traces *t, mw_span s) { return mw_traces_append(t, &s, NULL); }

static int join_traces(void *arg, const mw_trace_summary *s)
{
    int id;
    memcpy(&id, s->trace_id, sizeof id);
    mw_buf_printf(arg, "%d ", id);
    return 0;
}

static void assert_finds(mw_traces *t, const mw_traces_query *q, const char *want)
{
    mw_buf out = {0};
    mw_buf_text(&out, "");
    assert_int_equal(mw_traces_search(t, q, join_traces, &out, NULL), MW_OK);
    assert_string_equal(out.p ? out.p : "", want);
    mw_buf_deinit(&out);
}

static mw_traces *three_traces(void)
{
    mw_traces *t = mw_traces_open(&(mw_traces_options){0}, NULL);
    mw_attr tag = {.key = MW_STR("http.status_code"), .type = MW_ATTR_INT, .i = 500};
    mw_attr res = {.key = MW_STR("host"), .type = MW_ATTR_STRING, .s = MW_STR("h1")};
    mw_span child = span_of(1, 2, "db", "SELECT", 1100, 50);
    child.parent_id[0] = 1;
    append(t, child);
    append(t, span_of(1, 1, "api", "GET /", 1000, 200));
    mw_span failed = span_of(2, 1, "api", "GET /cart", 3000, 900);
    failed.status = MW_SPAN_ERROR;
    failed.attrs = &tag;
    failed.n_attrs = 1;
    failed.resource = &res;
    failed.n_resource = 1;
    append(t, failed);
    append(t, span_of(3, 1, "web", "page", 2000, 500));
    return t;
}

static void traces_are_found_by_what_their_spans_are_like(void **state)
{
    mw_traces *t = three_traces();
    mw_attr tags[] = {
        {.key = MW_STR("http.status_code"), .type = MW_ATTR_STRING, .s = MW_STR("500")},
        {.key = MW_STR("host"), .type = MW_ATTR_STRING, .s = MW_STR("h1")},
        {.key = MW_STR("host"), .type = MW_ATTR_STRING, .s = MW_STR("h2")},
    };
    assert_finds(t, &(mw_traces_query){0}, "2 3 1 ");
    assert_finds(t, &(mw_traces_query){.limit = 1}, "2 ");
    assert_finds(t, &(mw_traces_query){.service = MW_STR("api")}, "2 1 ");
    assert_finds(t, &(mw_traces_query){.service = MW_STR("db"), .name = MW_STR("SELECT")}, "1 ");
    assert_finds(t, &(mw_traces_query){.service = MW_STR("api"), .name = MW_STR("SELECT")}, "");
    assert_finds(t, &(mw_traces_query){.errors_only = true}, "2 ");
    assert_finds(t, &(mw_traces_query){.min_duration_ns = 500}, "2 3 ");
    assert_finds(t, &(mw_traces_query){.max_duration_ns = 200}, "1 ");
    assert_finds(t, &(mw_traces_query){.min_ns = 1500, .max_ns = 3000}, "3 ");
    assert_finds(t, &(mw_traces_query){.tags = tags, .n_tags = 2}, "2 ");
    assert_finds(t, &(mw_traces_query){.tags = tags, .n_tags = 3}, "");
    assert_finds(t, &(mw_traces_query){.slowest = true, .limit = 2}, "2 3 ");
    mw_traces_close(t);
}

static void traces_of_a_class_leave_when_its_time_is_over(void **state)
{
    mw_clock_manual clock;
    mw_matcher m[3];
    mw_traces_dropped gone;
    mw_attr tag = {.key = MW_STR("http.status_code"), .type = MW_ATTR_INT, .i = 500};
    mw_clock_manual_init(&clock, 1000000);
    mw_matcher_init(&m[0], MW_MATCH_EQ, MW_STR("service"), MW_STR("noise"), NULL);
    mw_matcher_init(&m[1], MW_MATCH_EQ, MW_STR("http_status_code"), MW_STR("500"), NULL);
    mw_matcher_init(&m[2], MW_MATCH_EQ, MW_STR("service"), MW_STR("shop"), NULL);
    mw_keep_class classes[] = {{&m[0], 1, 5000}, {&m[1], 2, 1000000}};
    mw_traces *t = mw_traces_open(
        &(mw_traces_options){
            .clock = &clock.clock, .retention_ms = 100000, .classes = classes, .n_classes = 2},
        NULL);
    for (int i = 1; i < 9; i += 2) {
        append(t, span_of(i, 1, "noise", "x", 1000 + i, 5));
        append(t, span_of(i + 1, 1, "shop", "x", 1000 + i, 5));
    }
    mw_span failed = span_of(2, 2, "shop", "late", 1200, 5);
    failed.attrs = &tag;
    failed.n_attrs = 1;
    append(t, failed);
    mw_clock_manual_set(&clock, 1006000);
    mw_traces_tick(t);
    assert_finds(t, &(mw_traces_query){0}, "8 6 4 2 ");
    assert_true(mw_traces_dropped_take(t, 0, &gone) && gone.traces == 4 && gone.spans == 4);
    assert_int_equal(gone.min_ns, 1001);
    assert_int_equal(gone.max_ns, 1012);
    assert_true(gone.bytes > 400);
    mw_clock_manual_set(&clock, 1110000);
    mw_traces_tick(t);
    assert_finds(t, &(mw_traces_query){0}, "2 ");
    assert_true(mw_traces_dropped_take(t, 2, &gone) && gone.traces == 3);
    assert_true(mw_traces_dropped_take(t, 3, &gone) && !gone.traces);
    assert_false(mw_traces_dropped_take(t, 4, &gone));
    append(t, span_of(1, 1, "shop", "again", 1000, 5)); /* the lists are as they should be */
    assert_finds(t, &(mw_traces_query){.service = MW_STR("shop"), .limit = 9}, "2 1 ");
    mw_clock_manual_set(&clock, 9000000);
    mw_traces_tick(t);
    assert_finds(t, &(mw_traces_query){0}, "");
    mw_traces_close(t);
    for (int i = 0; i < 3; i++) mw_matcher_deinit(&m[i]);
}

static void assert_counts(mw_traces *t, const mw_traces_query *q, mw_span_promise promise,
                          uint64_t total, uint64_t bad)
{
    mw_span_count n;
    assert_int_equal(mw_traces_count(t, q, &promise, &n, NULL), MW_OK);
    assert_int_equal(n.total, total);
    assert_int_equal(n.bad, bad);
}

static void spans_are_counted_by_when_they_ended_and_what_they_promised(void **state)
{
    mw_traces *t = three_traces();
    assert_counts(t, &(mw_traces_query){0}, (mw_span_promise){0}, 4, 0);
    assert_counts(t, &(mw_traces_query){0}, (mw_span_promise){.errors = true}, 4, 1);
    assert_counts(t, &(mw_traces_query){0}, (mw_span_promise){200, true}, 4, 2);
    assert_counts(t, &(mw_traces_query){0}, (mw_span_promise){.under_ns = 199}, 4, 3);
    assert_counts(t, &(mw_traces_query){.service = MW_STR("api")}, (mw_span_promise){0, true}, 2,
                  1);
    assert_counts(t, &(mw_traces_query){.min_ns = 1150, .max_ns = 2500}, (mw_span_promise){0}, 2,
                  0);
    assert_counts(t, &(mw_traces_query){.min_ns = 1151, .max_ns = 2501}, (mw_span_promise){0}, 2,
                  0);
    mw_traces_close(t);
}

static int keep_summary(void *arg, const mw_trace_summary *s)
{
    mw_buf_printf(arg, "%.*s/%.*s %lld+%lld %zu/%zu %.*s", MW_STR_ARG(s->root_service),
                  MW_STR_ARG(s->root_name), (long long)s->start_ns, (long long)s->duration_ns,
                  s->spans, s->errors, MW_STR_ARG(s->matched_name));
    return 0;
}

static void a_summary_names_the_root_and_the_span_that_matched(void **state)
{
    mw_traces *t = three_traces();
    mw_buf out = {0};
    mw_traces_search(t, &(mw_traces_query){.service = MW_STR("db")}, keep_summary, &out, NULL);
    assert_string_equal(out.p, "api/GET / 1000+200 2/0 SELECT");
    mw_buf_deinit(&out);
    mw_traces_close(t);
}

static int join_spans(void *arg, const mw_span *s)
{
    mw_buf_printf(arg, "%.*s;", MW_STR_ARG(s->name));
    for (size_t i = 0; i < s->n_events; i++)
        mw_buf_printf(arg, "%.*s;", MW_STR_ARG(s->events[i].name));
    for (size_t i = 0; i < s->n_links; i++)
        mw_attrs_json(s->links[i].attrs, s->links[i].n_attrs, arg);
    return 0;
}

static void a_trace_comes_back_whole_and_in_order_of_start(void **state)
{
    mw_traces *t = three_traces();
    mw_span with = span_of(1, 7, "api", "late", 1200, 1);
    mw_attr a = {.key = MW_STR("k"), .type = MW_ATTR_STRING, .s = MW_STR("v")};
    mw_span_event event = {.t_ns = 5, .name = MW_STR("boom"), .attrs = &a, .n_attrs = 1};
    mw_span_link link = {.attrs = &a, .n_attrs = 1};
    with.events = &event;
    with.n_events = 1;
    with.links = &link;
    with.n_links = 1;
    append(t, with);
    int id = 1;
    uint8_t trace_id[16] = {0};
    memcpy(trace_id, &id, sizeof id);
    mw_buf out = {0};
    assert_int_equal(mw_traces_get(t, trace_id, join_spans, &out), MW_OK);
    assert_string_equal(out.p, "GET /;SELECT;late;boom;{\"k\":\"v\"}");
    trace_id[15] = 9;
    assert_int_equal(mw_traces_get(t, trace_id, join_spans, &out), MW_ENOENT);
    mw_buf_deinit(&out);
    mw_traces_close(t);
}

static void a_span_sent_again_replaces_the_first(void **state)
{
    mw_traces *t = mw_traces_open(&(mw_traces_options){0}, NULL);
    append(t, span_of(1, 1, "api", "before", 10, 5));
    append(t, span_of(1, 1, "api", "after", 20, 50));
    mw_traces_stats s;
    mw_traces_stats_read(t, &s);
    assert_int_equal(s.spans, 1);
    mw_buf out = {0};
    mw_traces_search(t, &(mw_traces_query){0}, keep_summary, &out, NULL);
    assert_string_equal(out.p, "api/after 20+50 1/0 after");
    mw_buf_deinit(&out);
    assert_finds(t, &(mw_traces_query){.name = MW_STR("before")}, "");
    mw_traces_close(t);
}

static void spans_without_ids_and_beyond_the_limit_are_refused(void **state)
{
    mw_traces *t = mw_traces_open(&(mw_traces_options){.max_spans_per_trace = 2}, NULL);
    assert_int_equal(append(t, span_of(0, 1, "a", "b", 1, 1)), MW_EARG);
    assert_int_equal(append(t, span_of(1, 0, "a", "b", 1, 1)), MW_EARG);
    assert_int_equal(append(t, span_of(1, 1, "a", "b", 1, 1)), MW_OK);
    assert_int_equal(append(t, span_of(1, 2, "a", "b", 1, 1)), MW_OK);
    assert_int_equal(append(t, span_of(1, 3, "a", "b", 1, 1)), MW_ELIMIT);
    assert_int_equal(append(t, span_of(1, 2, "a", "b", 1, 1)), MW_OK);
    mw_traces_stats s;
    mw_traces_stats_read(t, &s);
    assert_int_equal(s.refused, 3);
    mw_traces_close(t);
}

static void absurd_times_do_no_harm(void **state)
{
    mw_traces *t = mw_traces_open(&(mw_traces_options){0}, NULL);
    mw_span s = span_of(1, 1, "a", "b", 0, 0);
    s.start_ns = INT64_MIN;
    s.end_ns = INT64_MAX;
    append(t, s);
    s.span_id[0] = 2;
    s.start_ns = INT64_MAX;
    s.end_ns = INT64_MIN;
    append(t, s);
    assert_finds(t, &(mw_traces_query){.min_ns = INT64_MIN, .slowest = true}, "1 ");
    mw_traces_close(t);
}

static int join_names(void *arg, mw_str n, mw_span_kind kind)
{
    mw_buf_printf(arg, "%.*s:%d ", MW_STR_ARG(n), (int)kind);
    return 0;
}

static void services_and_operations_are_known_while_spans_have_them(void **state)
{
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, 1000);
    mw_traces *t =
        mw_traces_open(&(mw_traces_options){.clock = &clock.clock, .retention_ms = 500}, NULL);
    mw_span s = span_of(1, 1, "api", "GET", 1, 1);
    s.kind = MW_SPAN_SERVER;
    append(t, s);
    append(t, span_of(1, 2, "api", "GET", 1, 1));
    append(t, span_of(1, 3, "db", "SELECT", 1, 1));
    mw_clock_manual_set(&clock, 1400);
    append(t, span_of(2, 1, "api", "PUT", 1, 1));
    mw_buf out = {0};
    mw_traces_services(t, join_names, &out);
    assert_string_equal(out.p, "api:0 db:0 ");
    mw_buf_reset(&out);
    mw_traces_operations(t, MW_STR("api"), join_names, &out);
    assert_string_equal(out.p, "GET:0 GET:2 PUT:0 ");
    mw_clock_manual_set(&clock, 1600);
    mw_traces_tick(t);
    mw_buf_reset(&out);
    mw_traces_services(t, join_names, &out);
    mw_traces_operations(t, MW_STR("api"), join_names, &out);
    assert_string_equal(out.p, "api:0 PUT:0 ");
    mw_buf_deinit(&out);
    mw_traces_close(t);
}

/* -- against a plain array ------------------------------------------------------------------ */

static uint64_t seed;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % n;
}

enum { SPANS = 4000, TRACES = 500 };

struct row {
    int trace, span, service;
    int64_t start, duration;
};

struct best {
    int trace;
    int64_t start, duration;
};

static int by_newest(const void *x, const void *y)
{
    const struct best *a = x, *b = y;
    if (a->start != b->start) return a->start > b->start ? -1 : 1;
    uint8_t ia[16] = {0}, ib[16] = {0};
    memcpy(ia, &a->trace, 4);
    memcpy(ib, &b->trace, 4);
    return memcmp(ia, ib, 16);
}

static int by_slowest(const void *x, const void *y)
{
    const struct best *a = x, *b = y;
    if (a->duration != b->duration) return a->duration > b->duration ? -1 : 1;
    return by_newest(x, y);
}

/* What a search must give, counted the slow way. */
static void expect(const struct row *rows, const mw_traces_query *q, int service, mw_buf *out)
{
    struct best *best = mw_array(TRACES + 1, sizeof *best);
    size_t n = 0;
    for (int trace = 1; trace <= TRACES; trace++) {
        struct best b = {trace, INT64_MAX, -1};
        for (int i = 0; i < SPANS; i++) {
            const struct row *r = &rows[i];
            if (r->trace != trace) continue;
            if (r->start < b.start) b.start = r->start;
            bool ok = (service < 0 || r->service == service) && r->duration >= q->min_duration_ns &&
                      r->start >= q->min_ns && r->start < q->max_ns;
            if (ok && r->duration > b.duration) b.duration = r->duration;
        }
        if (b.duration >= 0) best[n++] = b;
    }
    qsort(best, n, sizeof *best, q->slowest ? by_slowest : by_newest);
    for (size_t i = 0; i < n && i < q->limit; i++) mw_buf_printf(out, "%d ", best[i].trace);
    mw_free(best);
}

static void any_search_agrees_with_counting_the_slow_way(void **state)
{
    seed = 11;
    mw_traces *t = mw_traces_open(&(mw_traces_options){0}, NULL);
    struct row *rows = mw_array(SPANS, sizeof *rows);
    char service[16];
    for (int i = 0; i < SPANS; i++) {
        rows[i] = (struct row){1 + (int)rnd(TRACES), i + 1, (int)rnd(5), rnd(10000), rnd(1000)};
        snprintf(service, sizeof service, "s%d", rows[i].service);
        append(t, span_of(rows[i].trace, rows[i].span, service, "op", rows[i].start,
                          rows[i].duration));
    }
    for (int round = 0; round < 30; round++) {
        int which = (int)rnd(6) - 1;
        snprintf(service, sizeof service, "s%d", which);
        mw_traces_query q = {.min_ns = rnd(5000), .limit = 1 + rnd(100), .slowest = rnd(2)};
        q.max_ns = q.min_ns + 1 + rnd(5000);
        q.min_duration_ns = rnd(2) ? rnd(900) : 0;
        if (which >= 0) q.service = mw_str_of(service);
        mw_buf want = {0};
        mw_buf_text(&want, "");
        expect(rows, &q, which, &want);
        assert_finds(t, &q, want.p ? want.p : "");
        mw_buf_deinit(&want);
    }
    mw_free(rows);
    mw_traces_close(t);
}

static void over_the_budget_whole_traces_leave_oldest_first(void **state)
{
    seed = 5;
    mw_traces *t = mw_traces_open(&(mw_traces_options){.max_bytes = 100000}, NULL);
    int oldest = 1;
    for (int i = 0; i < 3000; i++) {
        append(t, span_of(1 + i / 10, i + 1, "api", "op", i, 1 + rnd(100)));
        mw_traces_stats s;
        mw_traces_stats_read(t, &s);
        assert_true(s.bytes <= 100000);
        assert_int_equal(s.spans + s.dropped_spans, s.appended);
        oldest = (int)s.dropped_traces + 1;
    }
    assert_true(oldest > 100);
    for (int trace = oldest - 3; trace < oldest + 3; trace++) {
        uint8_t id[16] = {0};
        memcpy(id, &trace, sizeof trace);
        mw_buf out = {0};
        assert_int_equal(mw_traces_get(t, id, join_spans, &out),
                         trace < oldest ? MW_ENOENT : MW_OK);
        mw_buf_deinit(&out);
    }
    mw_traces_close(t);
}

/* -- threads -------------------------------------------------------------------------------- */

struct crowd {
    mw_traces *t;
    int id;
};

static void *writer(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 3000; i++) {
        char name[16];
        snprintf(name, sizeof name, "op%d", i % 40);
        append(c->t, span_of(1 + i / 4, 1 + i * 2 + c->id, "api", name, i, 10));
        if (i % 500 == 0) mw_traces_tick(c->t);
    }
    return NULL;
}

static int touch(void *arg, const mw_trace_summary *s)
{
    *(size_t *)arg += s->root_name.n + (size_t)s->root_name.p[0];
    return 0;
}

static int touch_name(void *arg, mw_str n, mw_span_kind kind)
{
    *(size_t *)arg += (size_t)n.p[0];
    return 0;
}

static int touch_span(void *arg, const mw_span *s)
{
    *(size_t *)arg += (size_t)s->name.p[0];
    return 0;
}

static void *reader(void *arg)
{
    struct crowd *c = arg;
    size_t sum = 0;
    for (int i = 0; i < 60; i++) {
        int trace = 1 + i * 10;
        uint8_t id[16] = {0};
        memcpy(id, &trace, sizeof trace);
        mw_traces_search(c->t, &(mw_traces_query){.slowest = i % 2}, touch, &sum, NULL);
        mw_traces_operations(c->t, MW_STR("api"), touch_name, &sum);
        mw_traces_get(c->t, id, touch_span, &sum);
    }
    return NULL;
}

static void writers_and_readers_do_not_disturb_each_other(void **state)
{
    mw_traces *t = mw_traces_open(&(mw_traces_options){.max_bytes = 300000}, NULL);
    pthread_t thread[4];
    struct crowd c[4];
    for (int i = 0; i < 4; i++) {
        c[i] = (struct crowd){t, i};
        pthread_create(&thread[i], NULL, i < 2 ? writer : reader, &c[i]);
    }
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    mw_traces_stats s;
    mw_traces_stats_read(t, &s);
    assert_int_equal(s.appended, 6000);
    mw_traces_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_are_found_by_what_their_spans_are_like),
        cmocka_unit_test(traces_of_a_class_leave_when_its_time_is_over),
        cmocka_unit_test(spans_are_counted_by_when_they_ended_and_what_they_promised),
        cmocka_unit_test(a_summary_names_the_root_and_the_span_that_matched),
        cmocka_unit_test(a_trace_comes_back_whole_and_in_order_of_start),
        cmocka_unit_test(a_span_sent_again_replaces_the_first),
        cmocka_unit_test(spans_without_ids_and_beyond_the_limit_are_refused),
        cmocka_unit_test(absurd_times_do_no_harm),
        cmocka_unit_test(services_and_operations_are_known_while_spans_have_them),
        cmocka_unit_test(any_search_agrees_with_counting_the_slow_way),
        cmocka_unit_test(over_the_budget_whole_traces_leave_oldest_first),
        cmocka_unit_test(writers_and_readers_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
