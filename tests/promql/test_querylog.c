/* test_querylog.c - what runs, what it costs, what was asked for.  SPDX-License-Identifier: MIT */
#include "test.h"

/* after test.h */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "promql/querylog.h"

static mw_clock_manual clock_;
static const mw_promql_query instant = {.range = false}, range = {.range = true};

static mw_querylog *log_at(int64_t ms)
{
    mw_clock_manual_init(&clock_, ms);
    return mw_querylog_new(&clock_.clock);
}

static void ran(mw_querylog *l, const char *text, const mw_promql_query *q, int code,
                size_t samples)
{
    mw_query_running r;
    mw_querylog_begin(l, &r, MW_STR("as written"), q);
    mw_querylog_end(l, &r, &(mw_query_end){code, samples, mw_str_of(text)});
}

struct seen {
    mw_query_cost row[4];
    char text[4][20];
    size_t n;
};

static void see(void *arg, const mw_query_cost *c)
{
    struct seen *s = arg;
    if (s->n < 4) {
        s->row[s->n] = *c;
        snprintf(s->text[s->n], sizeof s->text[0], "%s", c->text);
    }
    s->n++;
}

static void the_same_text_is_one_row_and_rows_are_ordered_as_asked(void **state)
{
    (void)state;
    mw_querylog *l = log_at(5000);
    ran(l, "many samples", &instant, MW_OK, 1000);
    ran(l, "often", &instant, MW_OK, 1);
    ran(l, "often", &range, MW_ETIMEOUT, 0);
    mw_clock_manual_set(&clock_, 6000);
    ran(l, "often", &range, MW_OK, 5);
    struct seen s = {.n = 0};
    mw_querylog_top(l, MW_BY_COUNT, 10, see, &s);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.text[0], "often");
    assert_int_equal(s.row[0].count, 3);
    assert_int_equal(s.row[0].ranges, 2);
    assert_int_equal(s.row[0].failed, 1);
    assert_int_equal(s.row[0].samples, 6);
    assert_int_equal(s.row[0].max_samples, 5);
    assert_int_equal(s.row[0].first_ms, 5000);
    assert_int_equal(s.row[0].last_ms, 6000);
    assert_int_equal(s.row[0].missed_ns, 0);
    assert_true(s.row[0].max_ns <= s.row[0].total_ns);
    s.n = 0;
    mw_querylog_top(l, MW_BY_SAMPLES, 1, see, &s);
    assert_int_equal(s.n, 1);
    assert_string_equal(s.text[0], "many samples");
    s.n = 0;
    mw_querylog_top(l, MW_BY_TIME, 10, see, &s);
    assert_true(s.row[0].total_ns >= s.row[1].total_ns);
    mw_querylog_free(l);
}

static void the_table_is_bounded_and_what_costs_most_stays(void **state)
{
    (void)state;
    mw_querylog *l = log_at(0);
    mw_query_running slow;
    char text[40];
    mw_querylog_begin(l, &slow, MW_STR("slow"), &instant);
    slow.began_mono_ns -= 3600 * INT64_C(1000000000);
    mw_querylog_end(l, &slow, &(mw_query_end){MW_OK, 0, MW_STR("slow")});
    for (int i = 0; i < 3 * MW_QUERY_TABLE; i++) {
        snprintf(text, sizeof text, "x + %d", i);
        ran(l, text, &instant, MW_OK, 0);
    }
    struct seen s = {.n = 0};
    mw_querylog_top(l, MW_BY_TIME, SIZE_MAX, see, &s);
    assert_int_equal(s.n, MW_QUERY_TABLE);
    assert_string_equal(s.text[0], "slow");
    mw_querylog_free(l);
}

static void a_long_text_is_kept_in_part_and_none_is_not_kept(void **state)
{
    (void)state;
    mw_querylog *l = log_at(0);
    mw_buf a = {0};
    for (int i = 0; i < 3 * MW_QUERY_TEXT; i++) mw_buf_byte(&a, 'a');
    ran(l, a.p, &instant, MW_OK, 0);
    a.p[a.n - 1] = 'b';
    ran(l, a.p, &instant, MW_OK, 0);
    ran(l, "", &instant, MW_OK, 0);
    struct seen s = {.n = 0};
    mw_querylog_top(l, MW_BY_TIME, 10, see, &s);
    assert_int_equal(s.n, 2);
    mw_buf_deinit(&a);
    mw_querylog_free(l);
}

/* -- running -------------------------------------------------------------------------------- */

static void see_id(void *arg, const mw_query_running *r, int64_t age_ns)
{
    uint64_t *ids = arg;
    assert_true(age_ns >= 0);
    ids[++ids[0]] = r->id;
}

static void what_runs_is_listed_oldest_first_and_can_be_cancelled(void **state)
{
    (void)state;
    mw_querylog *l = log_at(0);
    mw_query_running a, b;
    uint64_t ids[4] = {0};
    mw_querylog_begin(l, &a, MW_STR("a"), &instant);
    mw_querylog_begin(l, &b, MW_STR("b"), &range);
    mw_querylog_running(l, see_id, ids);
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[1], a.id);
    assert_int_equal(ids[2], b.id);
    assert_int_equal(mw_querylog_cancel(l, b.id), MW_OK);
    assert_int_equal(a.cancel, 0);
    assert_int_equal(b.cancel, 1);
    mw_querylog_end(l, &b, &(mw_query_end){MW_ECANCEL, 0, MW_STR("b")});
    assert_int_equal(mw_querylog_cancel(l, b.id), MW_ENOENT);
    mw_querylog_end(l, &a, &(mw_query_end){MW_OK, 0, MW_STR("a")});
    ids[0] = 0;
    mw_querylog_running(l, see_id, ids);
    assert_int_equal(ids[0], 0);
    mw_querylog_free(l);
}

/* -- names ---------------------------------------------------------------------------------- */

static void a_name_has_the_time_it_was_last_asked_for(void **state)
{
    (void)state;
    mw_querylog *l = log_at(1000);
    assert_int_equal(mw_querylog_use(l, MW_STR("up")).count, 0);
    mw_querylog_asked(l, MW_STR("up"));
    mw_clock_manual_set(&clock_, 2000);
    mw_querylog_asked(l, MW_STR("up"));
    mw_querylog_asked(l, MW_STR(""));
    mw_name_use u = mw_querylog_use(l, MW_STR("up"));
    assert_int_equal(u.count, 2);
    assert_int_equal(u.last_ms, 2000);
    assert_int_equal(mw_querylog_use(l, MW_STR("")).count, 0);
    assert_int_equal(mw_querylog_since(l), 1000);
    mw_querylog_free(l);
}

static void the_name_asked_for_longest_ago_makes_place(void **state)
{
    (void)state;
    mw_querylog *l = log_at(1000);
    char name[40];
    for (int i = 0; i < MW_QUERY_NAMES + 1; i++) {
        mw_clock_manual_set(&clock_, 2000 + i);
        if (i == MW_QUERY_NAMES) mw_querylog_asked(l, MW_STR("name_0"));
        snprintf(name, sizeof name, "name_%d", i);
        mw_querylog_asked(l, mw_str_of(name));
    }
    assert_int_equal(mw_querylog_use(l, MW_STR("name_0")).count, 2);
    assert_int_equal(mw_querylog_use(l, MW_STR("name_1")).count, 0);
    assert_int_equal(mw_querylog_use(l, MW_STR("name_2")).count, 1);
    assert_int_equal(mw_querylog_since(l), 2001); /* of name_1 nothing is known since then */
    mw_querylog_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_text_is_one_row_and_rows_are_ordered_as_asked),
        cmocka_unit_test(the_table_is_bounded_and_what_costs_most_stays),
        cmocka_unit_test(a_long_text_is_kept_in_part_and_none_is_not_kept),
        cmocka_unit_test(what_runs_is_listed_oldest_first_and_can_be_cancelled),
        cmocka_unit_test(a_name_has_the_time_it_was_last_asked_for),
        cmocka_unit_test(the_name_asked_for_longest_ago_makes_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
