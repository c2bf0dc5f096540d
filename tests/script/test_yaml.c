/* test_yaml.c - YAML as a tree with places, and what is refused.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "script/yaml.h"

static mw_value *read_text(const char *text)
{
    mw_err err;
    mw_value *docs = mw_yaml_read(mw_str_of(text), &err);
    if (!docs) fail_msg("%d:%d: %s", err.line, err.col, err.msg);
    return docs;
}

static void refused(mw_str text, int line, int col, const char *what)
{
    mw_err err;
    mw_value *docs = mw_yaml_read(text, &err);
    assert_null(docs);
    if (!strstr(err.msg, what)) fail_msg("%s", err.msg);
    assert_int_equal(err.line, line);
    assert_int_equal(err.col, col);
}

static const mw_value *list_of(const mw_value *node, const char *key)
{
    const mw_value *list = mw_map_find(node, key);
    assert_non_null(list);
    return list;
}

static void every_node_knows_where_it_stands(void **state)
{
    mw_value *docs = read_text("# rules\nname: |\n  one\n  two\nlist: [1, '2']\n---\n- end\n");
    assert_int_equal(docs->list.n, 2);
    const mw_value *map = docs->list.item[0];
    const mw_value *values = list_of(map, "values");
    assert_int_equal(values->list.n, 2);
    const mw_value *name = values->list.item[0], *list = list_of(values->list.item[1], "items");
    assert_string_equal(mw_map_text(name, "text").p, "one\ntwo\n");
    assert_int_equal(mw_map_number(name, "line", 0), 2);
    assert_int_equal(mw_map_number(name, "last", 0), 4);
    assert_true(mw_map_bool(list->list.item[0], "plain", false));
    assert_false(mw_map_bool(list->list.item[1], "plain", false));
    assert_int_equal(mw_map_number(list->list.item[1], "col", 0), 11);
    assert_string_equal(mw_map_text(docs->list.item[1], "kind").p, "list");
    mw_value_free(docs);
}

static void scalars_are_never_interpreted(void **state)
{
    mw_value *docs = read_text("a: !!int 010\nb: yes\nc:\n");
    const mw_value *values = list_of(docs->list.item[0], "values");
    assert_string_equal(mw_map_text(values->list.item[0], "text").p, "010");
    assert_string_equal(mw_map_text(values->list.item[0], "tag").p, "tag:yaml.org,2002:int");
    assert_string_equal(mw_map_text(values->list.item[1], "text").p, "yes");
    assert_string_equal(mw_map_text(values->list.item[2], "text").p, "");
    mw_value_free(docs);
}

static void an_alias_is_a_copy_of_its_anchor(void **state)
{
    mw_value *docs = read_text("a: &x [7]\nb: *x\n");
    const mw_value *values = list_of(docs->list.item[0], "values");
    const mw_value *items = list_of(values->list.item[1], "items");
    assert_string_equal(mw_map_text(items->list.item[0], "text").p, "7");
    mw_value_free(docs);
}

static void nothing_at_all_is_no_document(void **state)
{
    mw_value *docs = read_text("# only a comment\n");
    assert_int_equal(docs->list.n, 0);
    mw_value_free(docs);
}

static void bad_texts_are_refused_with_their_place(void **state)
{
    refused(mw_str_of("a: [1\n"), 2, 1, "did not find");
    refused(mw_str_of("a: 1\n\x01"), 2, 1, "control characters");
    refused(mw_str_of("a: \xff\n"), 1, 4, "UTF-8");
    refused(mw_str_of("a: *nobody\n"), 1, 4, "alias");
    refused(mw_str_of("a: &x [*x]\n"), 1, 4, "anchor");
}

static void bombs_are_refused(void **state)
{
    mw_buf b = {0};
    mw_buf_printf(&b, "a0: &a0 [x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++)
        mw_buf_printf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
                      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    mw_err err;
    assert_null(mw_yaml_read((mw_str){b.p, b.n}, &err));
    assert_int_equal(err.code, MW_ELIMIT);
    b.n = 0;
    for (int i = 0; i < 60; i++) mw_buf_printf(&b, "%*s- \n", i, "");
    for (int i = 0; i < 60; i++) mw_buf_printf(&b, "[");
    for (int i = 0; i < 60; i++) mw_buf_printf(&b, "]");
    assert_null(mw_yaml_read((mw_str){b.p, b.n}, &err));
    mw_buf_deinit(&b);

    mw_str large = {calloc(MW_YAML_BYTES + 1, 1), MW_YAML_BYTES + 1};
    refused(large, 1, 1, "larger than 16 MB");
    free((char *)large.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_where_it_stands),
        cmocka_unit_test(scalars_are_never_interpreted),
        cmocka_unit_test(an_alias_is_a_copy_of_its_anchor),
        cmocka_unit_test(nothing_at_all_is_no_document),
        cmocka_unit_test(bad_texts_are_refused_with_their_place),
        cmocka_unit_test(bombs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
