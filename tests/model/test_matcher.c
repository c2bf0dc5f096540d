/* test_matcher.c - promises of matchers and regular expressions.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "model/matcher.h"
#include "mutate.h"

static void every_operator_decides_as_prometheus_does(void **state)
{
    static const struct {
        mw_match_op op;
        const char *pattern, *value;
        bool matches;
    } rows[] = {
        {MW_MATCH_EQ, "a", "a", true},
        {MW_MATCH_EQ, "a", "ab", false},
        {MW_MATCH_EQ, "", "", true},
        {MW_MATCH_NE, "a", "b", true},
        {MW_MATCH_NE, "a", "a", false},
        {MW_MATCH_NE, "", "", false},
        {MW_MATCH_RE, "a.c", "abc", true},
        {MW_MATCH_RE, "a.c", "xabc", false}, /* anchored at both ends */
        {MW_MATCH_RE, "a.c", "abcx", false},
        {MW_MATCH_RE, "a.c", "a\nc", true}, /* a dot is any character */
        {MW_MATCH_RE, "a", "a\n", false},
        {MW_MATCH_RE, "a|b|cd", "cd", true},
        {MW_MATCH_RE, "a|b|cd", "abcd", false},
        {MW_MATCH_RE, "a|", "", true},
        {MW_MATCH_RE, "(?i)ERR", "err", true},
        {MW_MATCH_RE, "5..", "503", true},
        {MW_MATCH_RE, ".*", "", true},
        {MW_MATCH_RE, ".+", "", false},
        {MW_MATCH_RE, "\xc3\xa9.", "\xc3\xa9\xe6\x97\xa5", true}, /* one character, three bytes */
        {MW_MATCH_RE, "\\D*", "\xe6\x97\xa5", true}, /* what is no digit need not be ASCII */
        {MW_MATCH_RE, "\\S+x", "\xc3\xa9x", true},
        {MW_MATCH_RE, "a\\W", "a\xc3\xa9", true},
        {MW_MATCH_RE, "\\D", "7", false},
        {MW_MATCH_RE, "[\\D]\\D", "\xc3\xa9\xc3\xa9", true},
        {MW_MATCH_RE, "[]\\D]+[^]\\S]", "]\xc3\xa9 ", true},
        {MW_MATCH_RE, "[[:digit:]\\D]{2}", "7\xc3\xa9", true},
        {MW_MATCH_RE, "\\Q\\D\\E", "\\D", true},
        {MW_MATCH_RE, "\\\\D", "\\D", true},
        {MW_MATCH_RE, "\\[\\D]", "[\xc3\xa9]", true},
        {MW_MATCH_NRE, "a.*", "abc", false},
        {MW_MATCH_NRE, "a.*", "b", true},
        {MW_MATCH_NRE, "a", "", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_matcher m;
        mw_err err;
        mw_err_init(&err);
        assert_int_equal(
            mw_matcher_init(&m, rows[i].op, MW_STR("l"), mw_str_of(rows[i].pattern), &err), MW_OK);
        if (mw_matcher_matches(&m, mw_str_of(rows[i].value)) != rows[i].matches)
            fail_msg("l%s\"%s\" on \"%s\"", mw_match_op_text(rows[i].op), rows[i].pattern,
                     rows[i].value);
        mw_matcher_deinit(&m);
    }
}

static void an_absent_label_is_the_empty_text(void **state)
{
    static const mw_label pairs[] = {{MW_STR("a"), MW_STR("1")}};
    mw_labels *ls = mw_labels_new(pairs, 1, NULL);
    mw_matcher m[2];
    assert_int_equal(mw_matcher_init(&m[0], MW_MATCH_EQ, MW_STR("a"), MW_STR("1"), NULL), MW_OK);
    assert_int_equal(mw_matcher_init(&m[1], MW_MATCH_EQ, MW_STR("b"), MW_STR(""), NULL), MW_OK);
    assert_true(mw_matchers_match(m, 2, ls));
    mw_matcher_deinit(&m[1]);
    assert_int_equal(mw_matcher_init(&m[1], MW_MATCH_RE, MW_STR("b"), MW_STR(".+"), NULL), MW_OK);
    assert_false(mw_matchers_match(m, 2, ls));
    mw_matcher_deinit(&m[0]);
    mw_matcher_deinit(&m[1]);
    mw_free(ls);
}

static void a_wrong_pattern_is_refused_in_words(void **state)
{
    static const char *const bad[] = {"a)|(?:.*", "(", "[", "*a", "a{2,1}", "\\", "(?<n>a)(?<n>b)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mw_err err;
        mw_err_init(&err);
        assert_null(mw_regex_new(mw_str_of(bad[i]), &err));
        assert_int_equal(err.code, MW_EPARSE);
        assert_non_null(strstr(err.msg, "regular expression"));
    }
    char *huge = mw_alloc(20000);
    mw_err err;
    mw_err_init(&err);
    memset(huge, 'a', 20000);
    assert_null(mw_regex_new((mw_str){huge, 20000}, &err));
    assert_int_equal(err.code, MW_ETOOBIG);
    mw_free(huge);
}

static void a_pattern_that_explodes_is_no_match_and_no_hang(void **state)
{
    char text[60];
    memset(text, 'a', sizeof text);
    text[59] = 'b';
    mw_regex *re = mw_regex_new(MW_STR("(a|aa)+(a|aa)+(a|aa)+c"), NULL);
    assert_non_null(re);
    assert_false(mw_regex_matches(re, (mw_str){text, sizeof text}));
    mw_regex_free(re);
}

static void captures_give_the_pieces(void **state)
{
    mw_regex *re = mw_regex_new(MW_STR("(?<host>[^:]+):([0-9]+)(x)?"), NULL);
    mw_str out[4];
    assert_true(mw_regex_capture(re, MW_STR("db:5432"), out, 4) > 0);
    assert_true(mw_str_is(out[0], "db:5432"));
    assert_true(mw_str_is(out[1], "db"));
    assert_true(mw_str_is(out[2], "5432"));
    assert_null(out[3].p);
    assert_int_equal(mw_regex_group(re, MW_STR("host")), 1);
    assert_int_equal(mw_regex_group(re, MW_STR("nobody")), -1);
    assert_int_equal(mw_regex_capture(re, MW_STR("db"), out, 4), 0);
    mw_regex_free(re);
}

static void a_search_finds_each_place(void **state)
{
    (void)state;
    mw_regex *re = mw_regex_new_search(MW_STR("(b)(c)?|^a"), NULL);
    mw_str s = MW_STR("abxbca"), out[3];
    assert_int_equal(mw_regex_groups(re), 2);
    assert_true(mw_regex_find(re, s, 0, out, 3) > 0);
    assert_true(out[0].p == s.p && out[0].n == 1 && !out[1].p);
    assert_true(mw_regex_find(re, s, 1, out, 3) > 0);
    assert_true(out[0].p == s.p + 1 && out[0].n == 1 && !out[2].p);
    assert_true(mw_regex_find(re, s, 2, out, 3) > 0);
    assert_true(out[0].p == s.p + 3 && out[0].n == 2 && out[2].n == 1);
    assert_int_equal(mw_regex_find(re, s, 5, out, 3), 0); /* "^" is the beginning of all of it */
    assert_int_equal(mw_regex_find(re, s, 6, out, 3), 0);
    mw_regex_free(re);
    re = mw_regex_new_search(MW_STR("plain"), NULL);
    assert_int_equal(mw_regex_find(re, MW_STR("very plain"), 0, out, 3), 1);
    mw_regex_free(re);
    mw_err err;
    mw_err_init(&err);
    assert_null(mw_regex_new_search(MW_STR("("), &err));
}

static void plain_alternatives_decide_like_the_engine(void **state)
{
    mutator m = {8};
    for (int round = 0; round < 4000; round++) {
        char pattern[8], wrapped[16], value[3];
        size_t n = mutator_below(&m, 8), k = mutator_below(&m, 4);
        for (size_t i = 0; i < n; i++) pattern[i] = "ab|"[mutator_below(&m, 3)];
        for (size_t i = 0; i < k; i++) value[i] = "ab"[mutator_below(&m, 2)];
        memcpy(wrapped, "(?:", 3); /* parentheses send it to the engine */
        memcpy(wrapped + 3, pattern, n);
        wrapped[n + 3] = ')';
        mw_regex *plain = mw_regex_new((mw_str){pattern, n}, NULL);
        mw_regex *engine = mw_regex_new((mw_str){wrapped, n + 4}, NULL);
        mw_str v = {value, k};
        assert_int_equal(mw_regex_matches(plain, v), mw_regex_matches(engine, v));
        mw_regex_free(plain);
        mw_regex_free(engine);
    }
}

static void random_patterns_and_texts_do_no_harm(void **state)
{
    mutator m = {12};
    static const char seed[] = "(?i)[a-z]+|x{1,3}(y|z)*\\d\\.\xc3\xa9?$";
    for (int round = 0; round < 5000; round++) {
        size_t n, k;
        char *pattern = mutate(&m, seed, sizeof seed - 1, &n);
        char *value = mutate(&m, "some text \xc3\xa9 123", 16, &k);
        mw_regex *re = mw_regex_new((mw_str){pattern, n}, NULL);
        if (re) mw_regex_matches(re, (mw_str){value, k});
        mw_regex_free(re);
        free(pattern);
        free(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_decides_as_prometheus_does),
        cmocka_unit_test(an_absent_label_is_the_empty_text),
        cmocka_unit_test(a_wrong_pattern_is_refused_in_words),
        cmocka_unit_test(a_pattern_that_explodes_is_no_match_and_no_hang),
        cmocka_unit_test(captures_give_the_pieces),
        cmocka_unit_test(a_search_finds_each_place),
        cmocka_unit_test(plain_alternatives_decide_like_the_engine),
        cmocka_unit_test(random_patterns_and_texts_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
