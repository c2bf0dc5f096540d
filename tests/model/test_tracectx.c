/* test_tracectx.c - trace context as W3C wants it.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "model/tracectx.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"

static void a_valid_header_reads_back(void **state)
{
    mw_tracectx c;
    char out[MW_TRACEPARENT_BYTES];
    assert_true(mw_traceparent_parse(MW_STR(" \t00-" TRACE "-" SPAN "-03 "), &c));
    mw_traceparent_format(&c, out);
    assert_string_equal(out, "00-" TRACE "-" SPAN "-03");
}

static void later_versions_are_read_by_their_front(void **state)
{
    mw_tracectx c;
    assert_true(mw_traceparent_parse(MW_STR("cc-" TRACE "-" SPAN "-01-what-the-future"), &c));
    assert_true(mw_traceparent_parse(MW_STR("cc-" TRACE "-" SPAN "-01"), &c));
    assert_false(mw_traceparent_parse(MW_STR("cc-" TRACE "-" SPAN "-01.what"), &c));
}

static void what_is_not_valid_starts_a_new_trace(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN "-1",
        "00-" TRACE "-" SPAN "-01-more",
        "ff-" TRACE "-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "0x-" TRACE "-" SPAN "-01",
        "00." TRACE "-" SPAN "-01",
        "00-" TRACE "-" SPAN "-xy",
        "00-" TRACE "-b7ad6b716920333-01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mw_tracectx c;
        assert_false(mw_traceparent_parse(mw_str_of(bad[i]), &c));
    }
}

static mw_tracectx with_state(const char *first, const char *second)
{
    mw_tracectx c;
    assert_true(mw_traceparent_parse(MW_STR("00-" TRACE "-" SPAN "-01"), &c));
    mw_tracestate_add(&c, mw_str_of(first));
    if (second) mw_tracestate_add(&c, mw_str_of(second));
    return c;
}

static void states_are_joined_in_order_without_empty_members(void **state)
{
    assert_string_equal(with_state("a=1 , ,b=2,", " c=3").state, "a=1,b=2,c=3");
    assert_string_equal(with_state("", "k@v=x y").state, "k@v=x y");
}

static void one_wrong_member_drops_the_whole_state(void **state)
{
    static const char *const bad[] = {"a", "=1", "A=1", "@a=1", "a=", "a=b=c", "a=1\x7f", "a b=1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_string_equal(with_state(bad[i], "good=1").state, "");
        assert_string_equal(with_state("good=1", bad[i]).state, "");
    }
}

static void thirty_two_members_pass_and_one_more_drops_them(void **state)
{
    mw_buf b;
    mw_buf_init(&b);
    for (int i = 0; i < 32; i++) mw_buf_printf(&b, "k%d=%d,", i, i);
    assert_int_equal(strlen(with_state(b.p, NULL).state), b.n - 1);
    assert_string_equal(with_state(b.p, "one=more").state, "");
    mw_buf_deinit(&b);
}

static void the_longest_state_fits(void **state)
{
    mw_buf b;
    mw_buf_init(&b);
    for (int i = 0; i < 32; i++) {
        for (int k = 0; k < 256; k++) mw_buf_byte(&b, 'k');
        mw_buf_byte(&b, '=');
        for (int k = 0; k < 256; k++) mw_buf_byte(&b, 'v');
        mw_buf_byte(&b, ',');
    }
    assert_int_equal(strlen(with_state(b.p, NULL).state), b.n - 1);
    mw_buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_header_reads_back),
        cmocka_unit_test(later_versions_are_read_by_their_front),
        cmocka_unit_test(what_is_not_valid_starts_a_new_trace),
        cmocka_unit_test(states_are_joined_in_order_without_empty_members),
        cmocka_unit_test(one_wrong_member_drops_the_whole_state),
        cmocka_unit_test(thirty_two_members_pass_and_one_more_drops_them),
        cmocka_unit_test(the_longest_state_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
