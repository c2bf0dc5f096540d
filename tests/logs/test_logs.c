/* test_logs.c - promises of the log store.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/num.h"
#include "logs/logs.h"

#define SECOND 1000000000LL

static mw_labels *stream_of(const char *job)
{
    mw_label pair = {MW_STR("job"), mw_str_of(job)};
    return mw_labels_new(&pair, 1, NULL);
}

static int append(mw_logs *l, const char *job, int64_t t_ns, mw_level level, const char *message)
{
    mw_labels *ls = stream_of(job);
    mw_log_record r = {.t_ns = t_ns, .level = level, .stream = ls, .message = mw_str_of(message)};
    int rc = mw_logs_append(l, &r, NULL);
    mw_free(ls);
    return rc;
}

static int join_messages(void *arg, const mw_log_record *r)
{
    mw_buf *out = arg;
    if (out->n) mw_buf_byte(out, ' ');
    mw_buf_str(out, r->message);
    return 0;
}

static void assert_finds(mw_logs *l, const mw_logs_query *q, const char *want)
{
    mw_buf out = {0};
    mw_buf_text(&out, "");
    assert_int_equal(mw_logs_search(l, q, join_messages, &out, NULL), MW_OK);
    assert_string_equal(out.p ? out.p : "", want);
    mw_buf_deinit(&out);
}

static mw_logs *five_records(void)
{
    mw_logs *l = mw_logs_open(&(mw_logs_options){0}, NULL);
    append(l, "api", 1 * SECOND, MW_INFO, "a");
    append(l, "web", 2 * SECOND, MW_ERROR, "b-slow");
    append(l, "api", 4 * SECOND, MW_WARN, "d-slow");
    append(l, "api", 3 * SECOND, MW_DEBUG, "c");
    append(l, "web", 4 * SECOND, MW_INFO, "e");
    return l;
}

static void streams_are_merged_in_order_of_time(void **state)
{
    mw_logs *l = five_records();
    assert_finds(l, &(mw_logs_query){0}, "e d-slow c b-slow a");
    assert_finds(l, &(mw_logs_query){.oldest_first = true}, "a b-slow c d-slow e");
    assert_finds(l, &(mw_logs_query){.limit = 2}, "e d-slow");
    assert_finds(l, &(mw_logs_query){.limit = 2, .oldest_first = true}, "a b-slow");
    mw_logs_close(l);
}

static void a_search_narrows_by_time_level_text_and_stream(void **state)
{
    mw_logs *l = five_records();
    mw_matcher m;
    assert_int_equal(mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("job"), MW_STR("api"), NULL), MW_OK);
    mw_regex *re = mw_regex_new(MW_STR(".-slow"), NULL);
    assert_finds(l, &(mw_logs_query){.matchers = &m, .n_matchers = 1}, "d-slow c a");
    assert_finds(l, &(mw_logs_query){.min_ns = 2 * SECOND, .max_ns = 4 * SECOND}, "c b-slow");
    assert_finds(l,
                 &(mw_logs_query){.min_ns = 2 * SECOND, .max_ns = 4 * SECOND, .oldest_first = true},
                 "b-slow c");
    assert_finds(l, &(mw_logs_query){.level_set = true, .at_least = MW_WARN}, "d-slow b-slow");
    assert_finds(l, &(mw_logs_query){.contains = MW_STR("slow")}, "d-slow b-slow");
    assert_finds(l, &(mw_logs_query){.regex = re}, "d-slow b-slow");
    uint64_t n;
    assert_int_equal(mw_logs_count(l, &(mw_logs_query){.matchers = &m, .n_matchers = 1}, &n, NULL),
                     MW_OK);
    assert_int_equal(n, 3);
    mw_regex_free(re);
    mw_matcher_deinit(&m);
    mw_logs_close(l);
}

static void fields_and_trace_are_kept_and_searched(void **state)
{
    mw_logs *l = mw_logs_open(&(mw_logs_options){0}, NULL);
    mw_labels *ls = stream_of("api");
    mw_attr fields[] = {
        {.key = MW_STR("user"), .type = MW_ATTR_STRING, .s = MW_STR("ann")},
        {.key = MW_STR("status"), .type = MW_ATTR_INT, .i = 503},
    };
    mw_log_record r = {.t_ns = 5,
                       .stream = ls,
                       .message = MW_STR("x"),
                       .fields = fields,
                       .n_fields = 2,
                       .has_trace = true,
                       .trace_id = {1, 2, 3}};
    assert_int_equal(mw_logs_append(l, &r, NULL), MW_OK);
    r.n_fields = 1;
    r.has_trace = false;
    r.message = MW_STR("y");
    assert_int_equal(mw_logs_append(l, &r, NULL), MW_OK);
    mw_attr want = {.key = MW_STR("status"), .type = MW_ATTR_STRING, .s = MW_STR("503")};
    assert_finds(l, &(mw_logs_query){.fields = &want, .n_fields = 1}, "x");
    assert_finds(l, &(mw_logs_query){.fields = fields, .n_fields = 1}, "y x");
    assert_finds(l, &(mw_logs_query){.trace_set = true, .trace_id = {1, 2, 3}}, "x");
    assert_finds(l, &(mw_logs_query){.trace_set = true, .trace_id = {1, 2, 4}}, "");
    mw_free(ls);
    mw_logs_close(l);
}

static void long_messages_are_cut_at_a_whole_character(void **state)
{
    mw_logs *l = mw_logs_open(&(mw_logs_options){.max_line = 4}, NULL);
    append(l, "api", 1, MW_INFO, "abc\xc3\xa9zzz");
    assert_finds(l, &(mw_logs_query){0}, "abc");
    mw_logs_stats s;
    mw_logs_stats_read(l, &s);
    assert_int_equal(s.cut, 1);
    mw_logs_close(l);
}

static void the_retention_refuses_and_forgets(void **state)
{
    mw_clock_manual clock;
    mw_clock_manual_init(&clock, 100000);
    mw_logs *l =
        mw_logs_open(&(mw_logs_options){.clock = &clock.clock, .retention_ms = 10000}, NULL);
    assert_int_equal(append(l, "api", 89 * SECOND, MW_INFO, "old"), MW_EOLD);
    assert_int_equal(append(l, "api", 91 * SECOND, MW_INFO, "a"), MW_OK);
    assert_int_equal(append(l, "web", 99 * SECOND, MW_INFO, "b"), MW_OK);
    mw_clock_manual_set(&clock, 102000);
    mw_logs_tick(l);
    assert_finds(l, &(mw_logs_query){0}, "b");
    mw_logs_stats s;
    mw_logs_stats_read(l, &s);
    assert_int_equal(s.streams, 1);
    assert_int_equal(s.dropped, 1);
    assert_int_equal(s.refused, 1);
    mw_logs_close(l);
}

static void classes_of_streams_are_kept_as_long_as_they_say(void **state)
{
    mw_clock_manual clock;
    mw_matcher m[2];
    mw_logs_dropped gone;
    mw_clock_manual_init(&clock, 1000000);
    mw_matcher_init(&m[0], MW_MATCH_RE, MW_STR("job"), MW_STR("short.*"), NULL);
    mw_matcher_init(&m[1], MW_MATCH_EQ, MW_STR("job"), MW_STR("long"), NULL);
    mw_keep_class classes[] = {{&m[0], 1, 10000}, {&m[1], 1, 500000}};
    mw_logs *l = mw_logs_open(
        &(mw_logs_options){
            .clock = &clock.clock, .retention_ms = 100000, .classes = classes, .n_classes = 2},
        NULL);
    assert_int_equal(append(l, "short1", 980 * SECOND, MW_INFO, "x"), MW_EOLD);
    assert_int_equal(append(l, "long", 600 * SECOND, MW_INFO, "l0"), MW_OK);
    for (int i = 0; i < 8; i++) {
        append(l, i % 2 ? "short1" : "short2", (992 + i) * SECOND, MW_INFO, "s");
        append(l, "rest", (992 + i) * SECOND, MW_INFO, "r");
    }
    mw_clock_manual_set(&clock, 1005000);
    mw_logs_tick(l);
    assert_finds(l, &(mw_logs_query){.oldest_first = true}, "l0 r r r s r s r s r s r s r");
    mw_clock_manual_set(&clock, 1095000);
    mw_logs_tick(l);
    assert_finds(l, &(mw_logs_query){.oldest_first = true}, "l0 r r r r r");
    assert_true(mw_logs_dropped_take(l, 0, &gone));
    assert_int_equal(gone.records, 8);
    assert_int_equal(gone.min_ns, 992 * SECOND);
    assert_int_equal(gone.max_ns, 999 * SECOND);
    assert_true(mw_logs_dropped_take(l, 0, &gone) && !gone.records);
    assert_true(mw_logs_dropped_take(l, 1, &gone) && !gone.records);
    assert_true(mw_logs_dropped_take(l, 2, &gone) && gone.records == 3);
    assert_false(mw_logs_dropped_take(l, 4, &gone));
    mw_clock_manual_set(&clock, 1100001);
    mw_logs_tick(l);
    assert_finds(l, &(mw_logs_query){.oldest_first = true}, "");
    mw_logs_close(l);
    mw_matcher_deinit(&m[0]);
    mw_matcher_deinit(&m[1]);
}

static void too_many_streams_are_refused_until_one_is_forgotten(void **state)
{
    mw_logs *l = mw_logs_open(&(mw_logs_options){.max_streams = 2}, NULL);
    assert_int_equal(append(l, "a", 1, MW_INFO, "a"), MW_OK);
    assert_int_equal(append(l, "b", 2, MW_INFO, "b"), MW_OK);
    assert_int_equal(append(l, "c", 3, MW_INFO, "c"), MW_ELIMIT);
    assert_int_equal(append(l, "a", 4, MW_INFO, "again"), MW_OK);
    mw_logs_close(l);
}

static void a_cancelled_search_stops(void **state)
{
    mw_logs *l = five_records();
    int cancel = 1;
    mw_buf out = {0};
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(
        mw_logs_search(l, &(mw_logs_query){.cancel = &cancel}, join_messages, &out, &err),
        MW_ECANCEL);
    assert_int_equal(out.n, 0);
    mw_logs_close(l);
}

/* -- against a plain array ------------------------------------------------------------------ */

enum { MODEL = 20000, JOBS = 7 };

static uint64_t seed;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % n;
}

struct row {
    int64_t t;
    int id, job;
};

static int by_time(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    if (a->t != b->t) return a->t < b->t ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static int collect_ids(void *arg, const mw_log_record *r)
{
    mw_buf *out = arg;
    int64_t n = -1;
    assert_true(mw_int64_parse((mw_str){r->message.p + 3, r->message.n - 3}, &n));
    int id = (int)n;
    mw_buf_add(out, &id, sizeof id);
    return 0;
}

static void whatever_the_order_it_agrees_with_a_sorted_array(void **state)
{
    seed = 42;
    mw_logs *l = mw_logs_open(&(mw_logs_options){0}, NULL);
    struct row *rows = mw_array(MODEL, sizeof *rows);
    for (int i = 0; i < MODEL; i++) {
        char job[16], message[32];
        /* mostly forward, one part backwards, many ties */
        int64_t t = i < MODEL / 2 ? i / 3 + (int)rnd(50) : MODEL - i;
        rows[i] = (struct row){t + 1, i, (int)rnd(JOBS)};
        snprintf(job, sizeof job, "j%d", rows[i].job);
        snprintf(message, sizeof message, "id=%d", i);
        assert_int_equal(append(l, job, rows[i].t, MW_INFO, message), MW_OK);
    }
    qsort(rows, MODEL, sizeof *rows, by_time);
    for (int round = 0; round < 40; round++) {
        int64_t lo = rnd(MODEL), hi = lo + 1 + rnd(5000);
        int job = (int)rnd(JOBS + 1);
        size_t limit = rnd(3) ? rnd(3000) : 0;
        char name[16];
        snprintf(name, sizeof name, "j%d", job);
        mw_matcher m;
        mw_matcher_init(&m, MW_MATCH_EQ, MW_STR("job"), mw_str_of(name), NULL);
        mw_logs_query q = {.min_ns = lo,
                           .max_ns = hi,
                           .limit = limit,
                           .matchers = &m,
                           .n_matchers = job < JOBS,
                           .oldest_first = rnd(2)};
        mw_buf got = {0};
        assert_int_equal(mw_logs_search(l, &q, collect_ids, &got, NULL), MW_OK);
        const int *id = (const int *)got.p;
        size_t n = 0;
        for (int i = 0; i < MODEL; i++) {
            const struct row *r = &rows[q.oldest_first ? i : MODEL - 1 - i];
            if (r->t < lo || r->t >= hi || (job < JOBS && r->job != job)) continue;
            if (limit && n == limit) break;
            assert_true((n + 1) * sizeof *id <= got.n);
            assert_int_equal(id[n++], r->id);
        }
        assert_int_equal(got.n, n * sizeof *id);
        mw_buf_deinit(&got);
        mw_matcher_deinit(&m);
    }
    mw_free(rows);
    mw_logs_close(l);
}

static void over_the_budget_the_oldest_leave_first(void **state)
{
    seed = 7;
    mw_logs *l = mw_logs_open(&(mw_logs_options){.max_bytes = 200000}, NULL);
    struct row *rows = mw_array(MODEL, sizeof *rows);
    for (int i = 0; i < 5000; i++) {
        char job[16], message[32];
        rows[i] = (struct row){1 + rnd(100000), i, (int)rnd(JOBS)};
        snprintf(job, sizeof job, "j%d", rows[i].job);
        snprintf(message, sizeof message, "id=%d", i);
        append(l, job, rows[i].t, MW_INFO, message);
        mw_logs_stats s;
        mw_logs_stats_read(l, &s);
        assert_true(s.bytes <= 200000);
        assert_int_equal(s.records + s.dropped, s.appended);
    }
    mw_buf got = {0};
    mw_logs_search(l, &(mw_logs_query){.oldest_first = true}, collect_ids, &got, NULL);
    assert_true(got.n > 0);
    const int *id = (const int *)got.p;
    /* Nothing that is still held is older than the oldest of a time when the store was full. */
    for (size_t i = 1; i < got.n / sizeof *id; i++) assert_true(rows[id[i - 1]].t <= rows[id[i]].t);
    assert_true(rows[id[0]].t > 50000);
    mw_buf_deinit(&got);
    mw_free(rows);
    mw_logs_close(l);
}

/* -- threads -------------------------------------------------------------------------------- */

struct crowd {
    mw_logs *l;
    int id;
};

static void *writer(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 3000; i++) {
        char job[16];
        snprintf(job, sizeof job, "j%d-%d", c->id, i % 50);
        append(c->l, job, i + 1, MW_INFO, "some text that is searched");
        if (i % 500 == 0) mw_logs_tick(c->l);
    }
    return NULL;
}

static int touch(void *arg, const mw_log_record *r)
{
    *(size_t *)arg += r->message.n + r->stream->l[0].value.n;
    return 0;
}

static int touch_stream(void *arg, const mw_labels *ls)
{
    *(size_t *)arg += ls->l[0].value.n;
    return 0;
}

static void *reader(void *arg)
{
    struct crowd *c = arg;
    size_t sum = 0;
    for (int i = 0; i < 60; i++) {
        mw_logs_query q = {.contains = MW_STR("searched"), .oldest_first = i % 2};
        mw_logs_search(c->l, &q, touch, &sum, NULL);
        mw_logs_streams(c->l, NULL, 0, 0, 0, touch_stream, &sum);
        mw_logs_stats s;
        mw_logs_stats_read(c->l, &s);
    }
    return NULL;
}

static void writers_and_readers_do_not_disturb_each_other(void **state)
{
    mw_logs *l = mw_logs_open(&(mw_logs_options){.max_bytes = 300000}, NULL);
    pthread_t t[4];
    struct crowd c[4];
    for (int i = 0; i < 4; i++) {
        c[i] = (struct crowd){l, i};
        pthread_create(&t[i], NULL, i < 2 ? writer : reader, &c[i]);
    }
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    mw_logs_stats s;
    mw_logs_stats_read(l, &s);
    assert_int_equal(s.appended, 6000);
    mw_logs_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_merged_in_order_of_time),
        cmocka_unit_test(a_search_narrows_by_time_level_text_and_stream),
        cmocka_unit_test(fields_and_trace_are_kept_and_searched),
        cmocka_unit_test(long_messages_are_cut_at_a_whole_character),
        cmocka_unit_test(the_retention_refuses_and_forgets),
        cmocka_unit_test(classes_of_streams_are_kept_as_long_as_they_say),
        cmocka_unit_test(too_many_streams_are_refused_until_one_is_forgotten),
        cmocka_unit_test(a_cancelled_search_stops),
        cmocka_unit_test(whatever_the_order_it_agrees_with_a_sorted_array),
        cmocka_unit_test(over_the_budget_the_oldest_leave_first),
        cmocka_unit_test(writers_and_readers_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
