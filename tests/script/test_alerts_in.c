/* test_alerts_in.c - promises of the reader of alerts.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "script/alerts_in.h"

#define ONE "{\"labels\":{\"b\":\"2\",\"a\":\"1\"},\"annotations\":{\"n\":\"\"}}"

/* How many alerts BODY has; -1 when it is odd.  OUT is the last one; its texts are ARENA's. */
static int count(const char *body, mw_arena *arena, mw_alert_in *out)
{
    mw_alerts_in in;
    int n = 0;
    mw_alerts_in_init(&in, mw_str_of(body), arena, true);
    while (mw_alerts_in_next(&in, out)) n++;
    return mw_alerts_in_end(&in) ? n : -1;
}

static int count_only(const char *body)
{
    mw_alert_in last;
    mw_arena *arena = mw_arena_new(0);
    int n = count(body, arena, &last);
    mw_arena_free(arena);
    return n;
}

static void alerts_come_one_by_one(void **state)
{
    assert_int_equal(count_only("[]"), 0);
    assert_int_equal(count_only("[" ONE "]"), 1);
    assert_int_equal(count_only(" [ " ONE " , " ONE " ]\n"), 2);
}

static void an_alert_has_its_labels_in_order_and_the_fingerprint_of_alertmanager(void **state)
{
    mw_alert_in a;
    mw_arena *arena = mw_arena_new(0);
    assert_int_equal(count("[{\"labels\":{\"z\":\"\\u00e9\\n\",\"alertname\":\"x\"},"
                           "\"startsAt\":\"1970-01-01T00:00:01.5Z\",\"generatorURL\":\"\"}]",
                           arena, &a),
                     1);
    assert_int_equal(a.n_labels, 2);
    assert_true(mw_str_is(a.label[0].name, "alertname") && mw_str_is(a.label[0].value, "x"));
    assert_true(mw_str_is(a.label[1].name, "z") && mw_str_is(a.label[1].value, "\xc3\xa9\n"));
    assert_true(a.starts && a.starts_at == 1.5 && !a.ends && a.url.p && !a.url.n);
    mw_labels *ls = mw_labels_new(a.label, 2, NULL);
    assert_true(a.fingerprint == mw_labels_fingerprint(ls));
    mw_free(ls);
    mw_arena_free(arena);
}

static void more_names_than_there_is_room_for_are_odd(void **state)
{
    for (int n = MW_ALERT_NAMES; n <= MW_ALERT_NAMES + 1; n++) {
        mw_buf body;
        mw_buf_init(&body);
        mw_buf_text(&body, "[{\"labels\":{");
        for (int i = 0; i < n; i++) mw_buf_printf(&body, "%s\"n%d\":\"v\"", i ? "," : "", i);
        mw_buf_text(&body, "}}]");
        assert_int_equal(count_only(body.p), n == MW_ALERT_NAMES ? 1 : -1);
        mw_buf_deinit(&body);
    }
}

static void what_is_odd_ends_the_reading(void **state)
{
    static const char *const rows[] = {
        "",
        "null",
        "{}",
        "[",
        "[]]",
        "[null]",
        "[{}]",
        "[" ONE ",{}]",
        "[" ONE "," ONE,
        "[{\"labels\":{\"a\":\"\"}}]",
        "[{\"labels\":{\"a\":\"1\",\"a\":\"2\"}}]",
        "[{\"labels\":{\"a\":\"\\udbff\\udfff\"}}]",
        "[{\"labels\":{\"a\":\"\\u0000\"}}]",
        "[{\"labels\":{\"a\":\"\\u\"}}]",
        "[{\"labels\":{\"a\":\"\xff\"}}]",
        "[{\"labels\":{\"a-b\":\"1\"}}]",
        "[{\"labels\":{\"a\":\"1\"},\"endsAt\":\"\"}]",
        "[{\"labels\":{\"a\":\"1\"},\"more\":\"\"}]",
        "[\\",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(count_only(rows[i]), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts_come_one_by_one),
        cmocka_unit_test(an_alert_has_its_labels_in_order_and_the_fingerprint_of_alertmanager),
        cmocka_unit_test(more_names_than_there_is_room_for_are_odd),
        cmocka_unit_test(what_is_odd_ends_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
