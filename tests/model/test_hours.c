/* test_hours.c - promises of the marks of hours that got something late.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "model/hours.h"

static const int64_t minute = 60000, hour = 3600000;
static const int64_t noon = 1772539200000; /* 2026-03-03T12:00:00Z */

static void note(void *arg, int64_t hour_ms)
{
    char *out = arg;
    snprintf(out + strlen(out), 64, "%+lld ", (long long)((hour_ms - noon) / hour));
}

static const char *taken(mw_hours *h, int64_t now)
{
    static char out[4096];
    out[0] = 0;
    mw_hours_take(h, now, note, out);
    return out;
}

static void what_is_late_marks_its_hour_once(void **state)
{
    mw_hours h = {.after_ms = 5 * minute};
    mw_hours_mark(&h, noon + 56 * minute, noon + hour); /* four minutes are not late */
    mw_hours_mark(&h, noon + hour, noon + hour);
    mw_hours_mark(&h, noon + 2 * hour, noon + hour); /* nor is the future */
    assert_string_equal(taken(&h, noon + hour), "");
    mw_hours_mark(&h, noon + 55 * minute, noon + hour);
    mw_hours_mark(&h, noon + 1, noon + hour);
    mw_hours_mark(&h, noon - 1, noon + hour);
    mw_hours_mark(&h, noon - 48 * hour, noon + hour);
    assert_string_equal(taken(&h, noon + hour), "+0 -1 -48 ");
    assert_string_equal(taken(&h, noon + hour), "");
}

static void hours_are_known_for_nearly_two_years(void **state)
{
    mw_hours h = {.after_ms = 5 * minute};
    mw_hours_mark(&h, noon - (MW_HOURS - 1) * hour, noon);
    mw_hours_mark(&h, noon - MW_HOURS * hour, noon);
    mw_hours_mark(&h, 0, noon);
    mw_hours_mark(&h, -5 * hour, noon);
    assert_string_equal(taken(&h, noon), "-16383 ");
}

static void before_1970_hours_begin_where_they_do_now(void **state)
{
    mw_hours h = {.after_ms = 5 * minute};
    char out[64] = "";
    mw_hours_mark(&h, -1, hour);
    mw_hours_take(&h, hour, note, out);
    long long first = 0;
    assert_int_equal(sscanf(out, "%lld", &first), 1);
    assert_int_equal(first, -noon / hour - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_late_marks_its_hour_once),
        cmocka_unit_test(hours_are_known_for_nearly_two_years),
        cmocka_unit_test(before_1970_hours_begin_where_they_do_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
