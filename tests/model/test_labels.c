/* test_labels.c - promises of label sets.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/mem.h"
#include "model/labels.h"
#include "mutate.h"

#define L(name, value)              \
    {                               \
        MW_STR(name), MW_STR(value) \
    }

static void a_set_is_sorted_and_without_empty_values(void **state)
{
    static const mw_label pairs[] = {L("z", "1"), L("__name__", "up"), L("gone", ""), L("a", "2")};
    mw_labels *ls = mw_labels_new(pairs, 4, NULL);
    mw_buf text;
    mw_buf_init(&text);
    mw_labels_text(ls, &text);
    assert_string_equal(text.p, "up{a=\"2\", z=\"1\"}");
    mw_buf_reset(&text);
    mw_labels_json(ls, &text);
    assert_string_equal(text.p, "{\"__name__\":\"up\",\"a\":\"2\",\"z\":\"1\"}");
    assert_string_equal(mw_labels_find(ls, "a").p, "2");
    assert_null(mw_labels_find(ls, "gone").p);
    mw_buf_deinit(&text);
    mw_free(ls);
}

static void a_name_given_twice_or_empty_is_refused(void **state)
{
    static const mw_label twice[] = {L("a", "1"), L("b", "2"), L("a", "1")};
    static const mw_label nameless[] = {L("a", "1"), L("", "2")};
    mw_err err;
    mw_err_init(&err);
    assert_null(mw_labels_new(twice, 3, &err));
    assert_int_equal(err.code, MW_EARG);
    assert_non_null(strstr(err.msg, "\"a\" given twice"));
    mw_err_init(&err);
    assert_null(mw_labels_new(nameless, 2, &err));
    assert_int_equal(err.code, MW_EARG);
}

static void a_full_arena_is_a_limit(void **state)
{
    static const mw_label pairs[] = {L("name", "a value that does not fit")};
    mw_arena *a = mw_arena_new(32);
    mw_err err;
    mw_err_init(&err);
    assert_null(mw_labels_new_in(a, pairs, 1, &err));
    assert_int_equal(err.code, MW_ELIMIT);
    mw_arena_free(a);
}

static void equal_sets_are_equal_in_every_way(void **state)
{
    mutator m = {17};
    for (int round = 0; round < 3000; round++) {
        mw_label pairs[6] = {0}, shuffled[6];
        char text[6][8];
        size_t n = mutator_below(&m, 6);
        for (size_t i = 0; i < n; i++) {
            text[i][0] = (char)('a' + i);
            for (int k = 1; k < 8; k++) text[i][k] = (char)('0' + mutator_below(&m, 3));
            pairs[i] = (mw_label){{text[i], 2}, {text[i] + 2, 1 + mutator_below(&m, 5)}};
        }
        memcpy(shuffled, pairs, sizeof pairs);
        for (size_t i = n; i > 1; i--) {
            size_t k = mutator_below(&m, i);
            mw_label keep = shuffled[i - 1];
            shuffled[i - 1] = shuffled[k], shuffled[k] = keep;
        }
        mw_labels *a = mw_labels_new(pairs, n, NULL), *b = mw_labels_new(shuffled, n, NULL);
        mw_labels *c = mw_labels_copy(a);
        assert_true(mw_labels_eq(a, b) && mw_labels_eq(a, c));
        assert_true(a->hash == b->hash && a->hash == c->hash);
        assert_int_equal(mw_labels_cmp(a, b), 0);
        assert_true(mw_labels_fingerprint(a) == mw_labels_fingerprint(b));
        assert_int_equal(mw_labels_bytes(a), mw_labels_bytes(b));
        mw_free(a);
        mw_free(b);
        mw_free(c);
    }
}

static void where_a_name_ends_matters_to_the_hash(void **state)
{
    static const mw_label x[] = {L("ab", "c")}, y[] = {L("a", "bc")};
    mw_labels *a = mw_labels_new(x, 1, NULL), *b = mw_labels_new(y, 1, NULL);
    assert_true(a->hash != b->hash);
    assert_false(mw_labels_eq(a, b));
    mw_free(a);
    mw_free(b);
}

static void sets_sort_by_name_then_value_then_length(void **state)
{
    static const mw_label rows[][2] = {{L("a", "1"), L("", "")},
                                       {L("a", "1"), L("b", "1")},
                                       {L("a", "2"), L("", "")},
                                       {L("b", "0"), L("", "")}};
    mw_labels *ls[4];
    for (size_t i = 0; i < 4; i++) ls[i] = mw_labels_new(rows[i], 2, NULL);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            int c = mw_labels_cmp(ls[i], ls[k]);
            assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
        }
    for (size_t i = 0; i < 4; i++) mw_free(ls[i]);
}

static void the_fingerprint_is_fnv_over_names_and_values(void **state)
{
    mw_labels *none = mw_labels_new(NULL, 0, NULL);
    assert_true(mw_labels_fingerprint(none) == 0xcbf29ce484222325ULL);
    mw_free(none);
    static const mw_label pairs[] = {L("a", "b")};
    static const unsigned char bytes[] = {'a', 0xff, 'b', 0xff};
    uint64_t expected = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < sizeof bytes; i++) expected = (expected ^ bytes[i]) * 0x100000001b3ULL;
    mw_labels *ls = mw_labels_new(pairs, 1, NULL);
    assert_true(mw_labels_fingerprint(ls) == expected);
    mw_free(ls);
}

static void names_are_letters_digits_and_underscores(void **state)
{
    static const struct {
        const char *name;
        bool label, metric;
    } rows[] = {
        {"a", true, true},          {"_9", true, true},    {"aB_1", true, true},
        {"a:b", false, true},       {":", false, true},    {"", false, false},
        {"9a", false, false},       {"a-b", false, false}, {"a.b", false, false},
        {"\xc3\xa9", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(mw_label_name_valid(mw_str_of(rows[i].name)), rows[i].label);
        assert_int_equal(mw_metric_name_valid(mw_str_of(rows[i].name)), rows[i].metric);
    }
}

static void more_labels_than_the_stack_holds_are_fine(void **state)
{
    enum { N = 500 };
    static char names[N][8];
    static mw_label pairs[N];
    for (size_t i = 0; i < N; i++) {
        for (int k = 0; k < 6; k++) names[i][k] = (char)('a' + (i * 7919 >> (2 * k)) % 4);
        names[i][6] = (char)('a' + i % 26), names[i][7] = (char)('a' + i / 26);
        pairs[i] = (mw_label){{names[i], 8}, MW_STR("v")};
    }
    mw_labels *ls = mw_labels_new(pairs, N, NULL);
    assert_non_null(ls);
    assert_int_equal(ls->n, N);
    for (size_t i = 1; i < N; i++) assert_true(mw_str_cmp(ls->l[i - 1].name, ls->l[i].name) < 0);
    mw_free(ls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_sorted_and_without_empty_values),
        cmocka_unit_test(a_name_given_twice_or_empty_is_refused),
        cmocka_unit_test(a_full_arena_is_a_limit),
        cmocka_unit_test(equal_sets_are_equal_in_every_way),
        cmocka_unit_test(where_a_name_ends_matters_to_the_hash),
        cmocka_unit_test(sets_sort_by_name_then_value_then_length),
        cmocka_unit_test(the_fingerprint_is_fnv_over_names_and_values),
        cmocka_unit_test(names_are_letters_digits_and_underscores),
        cmocka_unit_test(more_labels_than_the_stack_holds_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
