/* test_base.c - promises of the ground floor.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

static void the_first_error_wins(void **state)
{
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(mw_fail(&err, MW_EPARSE, 3, 7, "expected %s", "a number"), MW_EPARSE);
    assert_int_equal(mw_fail(&err, MW_EIO, 0, 0, "later"), MW_EIO);
    assert_int_equal(err.code, MW_EPARSE);
    assert_int_equal(err.line, 3);
    assert_string_equal(err.msg, "expected a number");
}

static void durations_read_back(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *again;
    } rows[] = {
        {"250ms", 250, "250ms"}, {"30s", 30000, "30s"},
        {"5m", 300000, "5m"},    {"1h30m", 5400000, "1h30m"},
        {"7d", 604800000, "1w"}, {"2w", 1209600000, "2w"},
        {"0", 0, "0s"},          {"10d", 864000000, "10d"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms;
        char out[40];
        assert_true(mw_duration_parse(mw_str_of(rows[i].text), &ms));
        assert_int_equal(ms, rows[i].ms);
        assert_string_equal(mw_duration_format(ms, out), rows[i].again);
    }
    static const char *const bad[] = {"",   "5", "m", "5x", "1m1h", "5m5m", "99999999999999999y",
                                      "-1s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms;
        assert_false(mw_duration_parse(mw_str_of(bad[i]), &ms));
    }
}

static void numbers_print_the_shortest_text_that_reads_back(void **state)
{
    static const struct {
        double v;
        const char *fixed, *general;
    } rows[] = {
        {0, "0", "0"},
        {1, "1", "1"},
        {-3, "-3", "-3"},
        {0.1, "0.1", "0.1"},
        {1e21, "1000000000000000000000", "1e+21"},
        {1.5e-7, "0.00000015", "1.5e-07"},
        {123456.789, "123456.789", "123456.789"},
        {INFINITY, "+Inf", "+Inf"},
        {-INFINITY, "-Inf", "-Inf"},
        {NAN, "NaN", "NaN"},
        {-0.0, "-0", "-0"},
        {1e15, "1000000000000000", "1000000000000000"},
        {0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[MW_DOUBLE_MAX];
        mw_double_fixed(rows[i].v, out);
        assert_string_equal(out, rows[i].fixed);
        mw_double_general(rows[i].v, out);
        assert_string_equal(out, rows[i].general);
    }
}

static void times_print_as_any_other_number(void **state)
{
    uint64_t rnd = 1;
    for (int i = 0; i < 300000; i++) {
        rnd = rnd * 6364136223846793005u + 1442695040888963407u;
        double v = (double)(int64_t)(rnd >> (8 + rnd % 48)) / 1000 * (i % 2 ? 1 : -1);
        if (i % 5 == 0) v = nextafter(v, i % 3 ? 1e300 : 0);
        char out[MW_DOUBLE_MAX], want[64];
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(want, sizeof want, "%.*g", digits, v);
            if (strtod(want, NULL) == v) break;
        }
        if (strchr(want, 'e')) continue;
        mw_double_general(v, out);
        assert_string_equal(out, want);
        mw_double_fixed(v, out);
        assert_string_equal(out, want);
    }
}

static void numbers_are_read_exactly_or_refused(void **state)
{
    double v;
    assert_true(mw_double_parse(MW_STR("0.30000000000000004"), &v) && v == 0.1 + 0.2);
    assert_true(mw_double_parse(MW_STR("+Inf"), &v) && isinf(v));
    assert_true(mw_double_parse(MW_STR("nan"), &v) && isnan(v));
    assert_true(mw_double_parse(MW_STR("-1.5e3"), &v) && v == -1500);
    assert_true(mw_double_parse(MW_STR("0x1p-2"), &v) && v == 0.25);
    assert_false(mw_double_parse(MW_STR(""), &v));
    assert_false(mw_double_parse(MW_STR("1.2.3"), &v));
    assert_false(mw_double_parse(MW_STR("12abc"), &v));
    assert_false(mw_double_parse(MW_STR("-"), &v));
}

static void much_that_is_freed_is_given_back(void **state)
{
    mw_arena *a = mw_arena_new(0);
    assert_non_null(mw_arena_alloc(a, 5000));
    mw_arena_free(a);
    assert_false(mw_trim());
    a = mw_arena_new(0);
    assert_non_null(mw_arena_alloc(a, 32 << 20));
    mw_arena_free(a);
    assert_true(mw_trim());
    assert_false(mw_trim());
    mw_freed_much();
    for (int i = 0; i < 8; i++) assert_false(mw_trim());
    assert_true(mw_trim());
}

static void an_arena_refuses_past_its_limit(void **state)
{
    mw_arena *a = mw_arena_new(10000);
    assert_non_null(mw_arena_alloc(a, 5000));
    assert_null(mw_arena_alloc(a, 6000));
    assert_null(mw_arena_array(a, SIZE_MAX / 2, 16));
    mw_arena_free(a);
}

static void json_strings_are_escaped_and_always_utf8(void **state)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_json(&b, (mw_str){"a\"b\\\n\x01\xff\xc3\xa9", 9});
    assert_string_equal(b.p, "\"a\\\"b\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\"");
    mw_buf_deinit(&b);
}

static void a_near_miss_gets_a_suggestion(void **state)
{
    static const char *const names[] = {"expr", "hold", "summary"};
    assert_string_equal(mw_nearest("exprr", names, 3), "expr");
    assert_string_equal(mw_nearest("sumary", names, 3), "summary");
    assert_null(mw_nearest("zzzzzz", names, 3));
}

/* Each byte at each place of a run, which begins and ends anywhere. */
static void plain_text_ends_where_json_needs_a_closer_look(void **state)
{
    char text[48];
    for (size_t n = 0; n < 34; n++)
        for (size_t at = 0; at < n; at++)
            for (int c = 0; c < 256; c++) {
                bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
                memset(text, '"', sizeof text);
                memset(text + 3, n % 2 ? 'a' : 0x7f, n);
                text[3 + at] = (char)c;
                if (at + 2 < n) text[3 + at + 2] = '\\';
                size_t end = plain ? (at + 2 < n ? at + 2 : n) : at;
                assert_ptr_equal(mw_str_plain(text + 3, text + 3 + n), text + 3 + end);
            }
    assert_ptr_equal(mw_str_plain(text, text), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(durations_read_back),
        cmocka_unit_test(numbers_print_the_shortest_text_that_reads_back),
        cmocka_unit_test(times_print_as_any_other_number),
        cmocka_unit_test(numbers_are_read_exactly_or_refused),
        cmocka_unit_test(an_arena_refuses_past_its_limit),
        cmocka_unit_test(much_that_is_freed_is_given_back),
        cmocka_unit_test(json_strings_are_escaped_and_always_utf8),
        cmocka_unit_test(a_near_miss_gets_a_suggestion),
        cmocka_unit_test(plain_text_ends_where_json_needs_a_closer_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
