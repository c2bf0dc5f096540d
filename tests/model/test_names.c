/* test_names.c - names that are no identifiers, and back.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "model/names.h"

static const char *with(void (*fn)(mw_str, bool, mw_buf *), const char *name, bool colons)
{
    static char text[200];
    mw_buf b = {0};
    fn(mw_str_of(name), colons, &b);
    snprintf(text, sizeof text, "%.*s", (int)b.n, b.n ? b.p : "");
    mw_buf_deinit(&b);
    return text;
}

static void what_may_not_stand_in_a_name_becomes_an_underscore_or_its_number(void **state)
{
    (void)state;
    assert_string_equal(with(mw_name_underscores, "http.status:code", true), "http_status:code");
    assert_string_equal(with(mw_name_underscores, "http.status:code", false), "http_status_code");
    assert_string_equal(with(mw_name_underscores, "1st", false), "_st");
    assert_string_equal(with(mw_name_underscores, "花.x", false), "__x");
    assert_string_equal(with(mw_name_values, "plain_name", false), "plain_name");
    assert_string_equal(with(mw_name_values, "no:good", true), "no:good");
    assert_string_equal(with(mw_name_values, "http.status_x", false), "U__http_2e_status__x");
    assert_string_equal(with(mw_name_values, "花火", false), "U___82b1__706b_");
}

static void escaped_names_come_back_and_others_are_told_apart(void **state)
{
    static const char *const names[] = {"http.status_x",   "花火", "a b", "1", "_.",
                                        "\xf0\x9f\x98\x80"};
    static const char *const wrong[] = {"plain",     "U__",         "U__a_",        "U__a_2e",
                                        "U__a_zz_b", "U__a_d800_b", "U__a_1234567_"};
    mw_buf b = {0};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        mw_buf_reset(&b);
        assert_true(mw_name_unescape(mw_str_of(with(mw_name_values, names[i], false)), &b));
        assert_string_equal(b.p, names[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mw_buf_reset(&b);
        mw_buf_text(&b, "kept");
        if (mw_name_unescape(mw_str_of(wrong[i]), &b)) fail_msg("%s is a name", wrong[i]);
        assert_int_equal(b.n, 4);
    }
    mw_buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_not_stand_in_a_name_becomes_an_underscore_or_its_number),
        cmocka_unit_test(escaped_names_come_back_and_others_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
