/* test_json.c - promises of the pull reader.  SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/buf.h"
#include "base/json.h"
#include "mutate.h"

/* Read the whole value and write it back, so that one comparison sees every token. */
static void echo(mw_json *j, mw_buf *out, unsigned depth)
{
    mw_str s;
    bool b, first = true;
    switch (mw_json_peek(j)) {
    case MW_JSON_NONE: return;
    case MW_JSON_NULL:
        mw_json_skip(j);
        mw_buf_text(out, "null");
        return;
    case MW_JSON_BOOL:
        if (mw_json_bool(j, &b)) mw_buf_text(out, b ? "true" : "false");
        return;
    case MW_JSON_NUMBER:
        if (mw_json_number(j, &s)) mw_buf_str(out, s);
        return;
    case MW_JSON_STRING:
        if (mw_json_string(j, &s)) mw_buf_json(out, s);
        return;
    case MW_JSON_ARRAY:
        mw_buf_byte(out, '[');
        mw_json_array(j);
        while (mw_json_item(j)) {
            if (!first) mw_buf_byte(out, ',');
            first = false;
            echo(j, out, depth + 1);
        }
        mw_buf_byte(out, ']');
        return;
    case MW_JSON_OBJECT:
        mw_buf_byte(out, '{');
        mw_json_object(j);
        while (mw_json_key(j, &s)) {
            if (!first) mw_buf_byte(out, ',');
            first = false;
            mw_buf_json(out, s);
            mw_buf_byte(out, ':');
            echo(j, out, depth + 1);
        }
        mw_buf_byte(out, '}');
    }
}

static int read_all(mw_str text, mw_buf *out, mw_err *err)
{
    mw_json j;
    mw_arena *a = mw_arena_new(1 << 20);
    mw_err_init(err);
    mw_json_init(&j, text, a, err);
    echo(&j, out, 0);
    int code = mw_json_end(&j);
    mw_arena_free(a);
    return code;
}

static void every_kind_of_value_reads_back(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"null", "null"},
        {" true ", "true"},
        {"false", "false"},
        {"0", "0"},
        {"-12.5e+3", "-12.5e+3"},
        {"\"\"", "\"\""},
        {"[]", "[]"},
        {"[ ]", "[]"},
        {"{}", "{}"},
        {"[1,[2,[]],{\"a\":{}}]", "[1,[2,[]],{\"a\":{}}]"},
        {"{\"a\" : 1 ,\n\"b\":[true,null]}", "{\"a\":1,\"b\":[true,null]}"},
        {"\"a long run of plain bytes and then \\n one escape\"",
         "\"a long run of plain bytes and then \\n one escape\""},
        {"\"\\u0041\\u00e9\\u65e5\\ud83d\\ude00\"", "\"A\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\""},
        {"\"\\/\\b\\f\\r\\t\\\\\\\"\"", "\"/\\b\\f\\r\\t\\\\\\\"\""},
        {"\"\xc3\xa9t\xc3\xa9\"", "\"\xc3\xa9t\xc3\xa9\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_buf out;
        mw_err err;
        mw_buf_init(&out);
        assert_int_equal(read_all(mw_str_of(rows[i].in), &out, &err), MW_OK);
        assert_string_equal(out.p, rows[i].out);
        mw_buf_deinit(&out);
    }
}

static void text_that_is_not_unicode_becomes_the_replacement_character(void **state)
{
    static const char *const rows[] = {
        "\"\\ud83d\"", "\"\\ude00\"", "\"\xff\"", "\"\xed\xa0\x80", "\"\xc0\x80\"",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_buf out, text;
        mw_err err;
        mw_buf_init(&out);
        mw_buf_init(&text);
        mw_buf_text(&text, rows[i]);
        if (text.p[text.n - 1] != '"') mw_buf_byte(&text, '"');
        assert_int_equal(read_all((mw_str){text.p, text.n}, &out, &err), MW_OK);
        assert_non_null(strstr(out.p, "\xef\xbf\xbd"));
        assert_true(mw_utf8_valid((mw_str){out.p, out.n}));
        mw_buf_deinit(&text);
        mw_buf_deinit(&out);
    }
}

static void mistakes_are_refused_with_their_place_read_or_skipped(void **state)
{
    static const struct {
        const char *in, *says;
        int line, col;
    } rows[] = {
        {"", "the text ends where a value is due at byte 0", 1, 1},
        {"nul", "expected a value", 1, 1},
        {"tru", "expected a value", 1, 1},
        {"01", "not a number", 1, 3},
        {"-", "not a number", 1, 2},
        {"1.", "not a number", 1, 3},
        {"1e", "not a number", 1, 3},
        {"+1", "expected a value", 1, 1},
        {"1 2", "unexpected text behind the value at byte 2", 1, 3},
        {"[1,]", "expected a value", 1, 4},
        {"[1 2]", "expected ',' or ']'", 1, 4},
        {"[,1]", "expected a value", 1, 2},
        {"{\"a\":1,}", "expected a key in quotes", 1, 8},
        {"{\"a\"}", "expected ':'", 1, 5},
        {"{a:1}", "expected a key in quotes", 1, 2},
        {"{\n \"a\": x}", "expected a value", 2, 7},
        {"[", "the text ends where a value is due", 1, 2},
        {"\"abc", "without its closing quote", 1, 2},
        {"\"a\nb\"", "control character", 1, 3},
        {"\"\\x\"", "unknown escape", 1, 3},
        {"\"\\u12g4\"", "unknown escape", 1, 3},
        {"]", "expected a value", 1, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_buf out;
        mw_err err;
        mw_buf_init(&out);
        assert_int_equal(read_all(mw_str_of(rows[i].in), &out, &err), MW_EPARSE);
        if (!strstr(err.msg, rows[i].says)) fail_msg("%s gave %s", rows[i].in, err.msg);
        if (err.line != rows[i].line || err.col != rows[i].col)
            fail_msg("%s: %d:%d instead of %d:%d", rows[i].in, err.line, err.col, rows[i].line,
                     rows[i].col);
        mw_buf_deinit(&out);

        mw_json j;
        mw_err skipped;
        mw_err_init(&skipped);
        mw_json_init(&j, mw_str_of(rows[i].in), NULL, &skipped);
        mw_json_skip(&j);
        assert_int_equal(mw_json_end(&j), MW_EPARSE);
        assert_string_equal(skipped.msg, err.msg);
    }
}

static void nesting_stops_at_one_hundred(void **state)
{
    for (int depth = 99; depth <= 102; depth++) {
        for (int skipping = 0; skipping < 2; skipping++) {
            mw_buf text;
            mw_json j;
            mw_err err;
            mw_err_init(&err);
            mw_buf_init(&text);
            for (int i = 0; i < depth; i++) mw_buf_text(&text, i % 2 ? "{\"k\":" : "[");
            if (depth % 2 == 0) mw_buf_byte(&text, '1');
            for (int i = depth - 1; i >= 0; i--) mw_buf_byte(&text, i % 2 ? '}' : ']');
            mw_buf out;
            mw_buf_init(&out);
            int code;
            if (skipping) {
                mw_json_init(&j, (mw_str){text.p, text.n}, NULL, &err);
                mw_json_skip(&j);
                code = mw_json_end(&j);
            } else {
                code = read_all((mw_str){text.p, text.n}, &out, &err);
            }
            assert_int_equal(code, depth <= MW_JSON_DEPTH ? MW_OK : MW_EPARSE);
            mw_buf_deinit(&out);
            mw_buf_deinit(&text);
        }
    }
}

static void a_walk_takes_what_it_knows_and_skips_the_rest(void **state)
{
    static const char text[] =
        "{\"x\":[1,{\"y\":[]},\"]\"],\"name\":\"n\",\"none\":null,\"v\":2.5}";
    mw_json j;
    mw_err err;
    mw_str key, name = {0};
    double v = 0;
    bool entered = true;
    mw_err_init(&err);
    mw_json_init(&j, mw_str_of(text), NULL, &err);
    assert_true(mw_json_object(&j));
    while (mw_json_key(&j, &key)) {
        if (mw_str_is(key, "name"))
            mw_json_string(&j, &name);
        else if (mw_str_is(key, "none"))
            entered = mw_json_array(&j);
        else if (mw_str_is(key, "v"))
            mw_json_double(&j, &v);
        else
            mw_json_skip(&j);
    }
    assert_int_equal(mw_json_end(&j), MW_OK);
    assert_true(mw_str_is(name, "n"));
    assert_false(entered);
    assert_true(v == 2.5);
}

static void a_full_arena_is_a_limit_and_not_a_crash(void **state)
{
    mw_arena *a = mw_arena_new(64);
    mw_buf text;
    mw_json j;
    mw_err err;
    mw_str s;
    mw_err_init(&err);
    mw_buf_init(&text);
    mw_buf_text(&text, "\"\\n");
    for (int i = 0; i < 1000; i++) mw_buf_byte(&text, 'x');
    mw_buf_byte(&text, '"');
    mw_json_init(&j, (mw_str){text.p, text.n}, a, &err);
    assert_false(mw_json_string(&j, &s));
    assert_int_equal(mw_json_end(&j), MW_ELIMIT);
    mw_buf_deinit(&text);
    mw_arena_free(a);
}

static const char sample[] =
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
    "{\"stringValue\":\"caf\xc3\xa9 \\u00e9\\ud83d\\ude00 \\\"x\\\"\"}}]},\"n\":[1,-2.5e3,true,"
    "false,null,[],{}]}]}";

static void damage_anywhere_is_refused_or_read_but_never_more(void **state)
{
    mutator m = {42};
    for (int i = 0; i < 20000; i++) {
        size_t n;
        char *bad = mutate(&m, sample, sizeof sample - 1, &n);
        mw_buf out;
        mw_err err, err2;
        mw_buf_init(&out);
        int code = read_all((mw_str){bad, n}, &out, &err);
        mw_json j;
        mw_err_init(&err2);
        mw_json_init(&j, (mw_str){bad, n}, NULL, &err2);
        mw_json_skip(&j);
        /* Skipping sees everything but the inside of escapes. */
        if (code == MW_OK) assert_int_equal(mw_json_end(&j), MW_OK);
        mw_buf_deinit(&out);
        free(bad);
    }
}

static void a_text_cut_at_any_byte_is_refused(void **state)
{
    for (size_t n = 0; n < sizeof sample - 1; n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, sample, n);
        mw_buf out;
        mw_err err;
        mw_buf_init(&out);
        assert_int_equal(read_all((mw_str){cut, n}, &out, &err), MW_EPARSE);
        mw_buf_deinit(&out);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_reads_back),
        cmocka_unit_test(text_that_is_not_unicode_becomes_the_replacement_character),
        cmocka_unit_test(mistakes_are_refused_with_their_place_read_or_skipped),
        cmocka_unit_test(nesting_stops_at_one_hundred),
        cmocka_unit_test(a_walk_takes_what_it_knows_and_skips_the_rest),
        cmocka_unit_test(a_full_arena_is_a_limit_and_not_a_crash),
        cmocka_unit_test(damage_anywhere_is_refused_or_read_but_never_more),
        cmocka_unit_test(a_text_cut_at_any_byte_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
