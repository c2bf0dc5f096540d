/* test_groups.c - promises of reading lists of targets.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "mutate.h"
#include "net/groups.h"

static mw_value *read_json(const char *text, mw_err *err)
{
    mw_err_init(err);
    return mw_groups_json(mw_str_of(text), err);
}

static mw_value *read_yaml(const char *text, mw_err *err)
{
    mw_err_init(err);
    return mw_groups_yaml(mw_str_of(text), err);
}

static void assert_value(mw_value *groups, const char *json)
{
    mw_buf out = {0};
    assert_non_null(groups);
    mw_value_to_json(groups, &out);
    assert_string_equal(out.p, json);
    mw_buf_deinit(&out);
    mw_value_free(groups);
}

static void json_and_yaml_say_the_same(void **state)
{
    mw_err err;
    const char *both = "[{\"targets\":[\"a:1\",\"b:2\"],\"labels\":{\"zone\":\"7\"}},"
                       "{\"targets\":[],\"labels\":{}}]";
    assert_value(read_json("[{\"targets\":[\"a:1\",\"b:2\"],\"labels\":{\"zone\":\"7\"}},"
                           "{\"targets\":[],\"labels\":null}]",
                           &err),
                 both);
    assert_value(read_yaml("- targets: [a:1, 'b:2']\n  labels: {zone: 7}\n- targets: []\n", &err),
                 both);
    assert_value(read_yaml("", &err), "[]");
    assert_value(read_json("[]", &err), "[]");
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        bool yaml;
        const char *text, *words;
    } rows[] = {
        {false, "", "not JSON"},
        {false, "{}", "not a JSON list"},
        {false, "[1]", "entry 1 has no list \"targets\""},
        {false, "[null]", "entry 1 has no list \"targets\""},
        {false, "[{\"targets\":[]},{\"targets\":[7]}]", "entry 2: target 1 is not a text"},
        {false, "[{\"targets\":[],\"labels\":{\"a b\":\"\"}}]", "label \"a b\" is not valid"},
        {false, "[{\"targets\":[],\"labels\":{\"a\":1}}]", "label \"a\" is not valid"},
        {false, "[{\"targets\":[],\"labels\":[]}]", "not an object"},
        {true, "targets: []", "not a YAML list"},
        {true, "a\n---\nb", "more than one document"},
        {true, "- targets: [[x]]", "entry 1: target 1 is not a text"},
        {true, "- targets: []\n  targets: []", "comes twice"},
        {true, "- targets: [", "parsing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_err err;
        assert_null((rows[i].yaml ? read_yaml : read_json)(rows[i].text, &err));
        if (!strstr(err.msg, rows[i].words)) fail_msg("%s: %s", rows[i].text, err.msg);
    }
}

/* A text of N times PIECE with a comma between, in BEFORE and BEHIND. */
static mw_buf many(const char *before, size_t n, const char *piece, const char *behind)
{
    mw_buf b = {0};
    mw_buf_text(&b, before);
    for (size_t i = 0; i < n; i++) mw_buf_printf(&b, piece, i ? "," : "", i);
    mw_buf_text(&b, behind);
    mw_buf_byte(&b, 0);
    return b;
}

static void size_is_bounded(void **state)
{
    mw_err err;
    mw_buf b = many("[{\"targets\":[", MW_GROUPS_TARGETS + 1, "%s\"h%zu:1\"", "]}]");
    assert_null(read_json(b.p, &err));
    assert_non_null(strstr(err.msg, "more than 100000 targets"));
    mw_buf_deinit(&b);
    b = many("[{\"targets\":[],\"labels\":{", MW_GROUPS_LABELS + 1, "%s\"l%zu\":\"v\"", "}}]");
    assert_null(read_json(b.p, &err));
    assert_non_null(strstr(err.msg, "more than 256 labels"));
    mw_buf_deinit(&b);
    b = many("- targets: []\n  labels: {", MW_GROUPS_LABELS + 1, "%s l%zu: v", "}");
    assert_null(read_yaml(b.p, &err));
    assert_non_null(strstr(err.msg, "more than 256 keys"));
    mw_buf_deinit(&b);
    b = many("[{\"labels\":{\"a\":\"", 16000, "%.0sx", "\"},\"targets\":[");
    b.n--;
    for (int i = 0; i < 10000; i++) mw_buf_printf(&b, "%s\"h:1\"", i ? "," : "");
    mw_buf_text(&b, "]}]");
    mw_buf_byte(&b, 0);
    assert_null(read_json(b.p, &err));
    assert_non_null(strstr(err.msg, "its labels on its targets"));
    mw_buf_deinit(&b);
    assert_null(mw_groups_json((mw_str){"[", MW_GROUPS_BYTES + 1}, (mw_err_init(&err), &err)));
    assert_int_equal(err.code, MW_ETOOBIG);
}

static void damage_is_refused_or_read(void **state)
{
    static const char json[] = "[{\"targets\":[\"a:1\",\"b:2\"],\"labels\":{\"zone\":\"a\"}}]";
    static const char yaml[] = "- &x\n  targets: ['a:1', b:2]\n  labels:\n    zone: a\n- *x\n";
    mutator m = {7};
    for (int i = 0; i < 20000; i++) {
        mw_err err;
        size_t n;
        bool y = i % 2;
        char *bad = mutate(&m, y ? yaml : json, (y ? sizeof yaml : sizeof json) - 1, &n);
        mw_err_init(&err);
        mw_value *groups = (y ? mw_groups_yaml : mw_groups_json)((mw_str){bad, n}, &err);
        assert_true((groups != NULL) == (err.code == MW_OK));
        mw_value_free(groups);
        free(bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_and_yaml_say_the_same),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(damage_is_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
