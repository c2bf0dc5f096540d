/* test_value.c - promises of plain values: Lua, JSON and back.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <lualib.h>

#include "lua.h"
#include "script/cross.h"

static char *through_json(const char *text)
{
    mw_err err;
    mw_err_init(&err);
    mw_value *v = mw_value_from_json(mw_str_of(text), &err);
    if (!v) return NULL;
    mw_value *copy = mw_value_copy(v);
    mw_value_free(v);
    mw_buf out;
    mw_buf_init(&out);
    mw_value_to_json(copy, &out);
    mw_value_free(copy);
    return mw_buf_take(&out);
}

static void json_reads_back(void **state)
{
    static const char *const rows[] = {
        "{\"a\":1,\"b\":[true,false,null],\"c\":\"x\\ny\"}", "[]", "{}", "1.5", "\"\"", "[[[]]]"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *again = through_json(rows[i]);
        assert_string_equal(again, rows[i]);
        free(again);
    }
}

static void null_in_a_map_means_absent(void **state)
{
    char *again = through_json("{\"a\":null,\"b\":1}");
    assert_string_equal(again, "{\"b\":1}");
    free(again);
}

static void damaged_and_too_deep_json_is_refused(void **state)
{
    static const char *const rows[] = {"", "{", "[1,", "{\"a\":}", "nul", "\"\xff\"", "[1]x"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_null(through_json(rows[i]));
    char deep[401];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    deep[400] = 0;
    assert_null(through_json(deep));
}

static void mutated_json_never_harms(void **state)
{
    static const char seed[] = "{\"a\":[1,2.5,\"x\\u00e9\",null,{\"b\":true}],\"c\":-1e3}";
    unsigned rnd = 12345;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof seed];
        memcpy(text, seed, sizeof seed);
        for (int k = 0; k < 3; k++) {
            rnd = rnd * 1103515245u + 12345u;
            text[(rnd >> 8) % (sizeof seed - 1)] = (char)(rnd >> 16);
        }
        mw_value *v = mw_value_from_json((mw_str){text, sizeof seed - 1}, NULL);
        mw_value_free(v);
    }
}

static void lua_tables_cross_and_keep_their_shape(void **state)
{
    mw_host host = {.clock = &mw_clock_system};
    mw_lua *l = mw_lua_new(&host, false, NULL);
    run_lua(l, "function check(v, want) local j = host.json.encode(v);"
               "  if j ~= want then error(tostring(j) .. ' is not ' .. want) end end "
               "check({1,2,'x'}, '[1,2,\"x\"]') check({}, '{}') check(host.json.array{}, '[]') "
               "check({a={b=1}}, '{\"a\":{\"b\":1}}') check(host.json.null, 'null') "
               "check({1,nil,3}, '{\"1\":1,\"3\":3}') check(0/0, '\"NaN\"') "
               "check(host.json.decode('[]'), '[]') check({host.json.null}, '[null]')");
    mw_lua_free(l);
}

static void number_keys_stay_numbers(void **state)
{
    mw_host host = {.clock = &mw_clock_system};
    mw_lua *l = mw_lua_new(&host, false, NULL);
    mw_err err;
    mw_err_init(&err);
    assert_int_equal(luaL_dostring(l->L, "return {[404]=1, [0.5]=2, x=3, ['7']=4}"), 0);
    mw_value *v = mw_cross_get(l->L, -1, &mw_cross_trusted, &err);
    assert_non_null(v);
    mw_cross_push(l->L, v);
    mw_value_free(v);
    lua_setglobal(l->L, "t");
    run_lua(l, "assert(t[404] == 1 and t[0.5] == 2 and t.x == 3 and t['7'] == 4 and not t[7])");
    mw_lua_free(l);
}

static void what_cannot_cross_is_named_with_its_place(void **state)
{
    mw_host host = {.clock = &mw_clock_system};
    mw_lua *l = mw_lua_new(&host, false, NULL);
    run_lua(l, "local ok, why = host.json.encode{labels={job=print}} "
               "assert(not ok and why:find('labels.job', 1, true), why) "
               "local loop = {} loop.x = loop "
               "ok, why = host.json.encode(loop) assert(not ok and why:find('deep'), why)");
    mw_lua_free(l);
}

/* Pushes what RND says: tables of all shapes, and now and then what cannot cross. */
static unsigned draw(unsigned *rnd, unsigned n)
{
    *rnd = *rnd * 1103515245u + 12345u;
    return (*rnd >> 12) % n;
}

static void push_any(lua_State *L, unsigned *rnd, int depth)
{
    luaL_checkstack(L, 8, NULL);
    switch (draw(rnd, depth ? 14 : 7)) {
    case 0: lua_pushboolean(L, (int)draw(rnd, 2)); return;
    case 1: lua_pushnumber(L, (double)draw(rnd, 1000) / 8 - 20); return;
    case 2: lua_pushnumber(L, 1e9 + (double)draw(rnd, 100000) / 1000); return;
    case 3: lua_pushlstring(L, "a \"text\"\n \xff \xc3\xa9\0z", draw(rnd, 17)); return;
    case 4: lua_pushlightuserdata(L, NULL); return;
    case 5: lua_pushnumber(L, 1.0 / draw(rnd, 3)); return;
    case 6:
        if (draw(rnd, 40) == 0)
            lua_pushcfunction(L, luaopen_base);
        else
            lua_pushliteral(L, "text");
        return;
    default: break;
    }
    lua_newtable(L);
    int n = (int)draw(rnd, 6), kind = (int)draw(rnd, 3);
    for (int i = n; i >= 1; i--) { /* backwards: lists whose places do not lie in order */
        if (kind == 0 || (kind == 1 && draw(rnd, 4)))
            lua_pushnumber(L, i + (draw(rnd, 20) == 0) * 0.5);
        else
            lua_pushfstring(L, "k%d", (int)draw(rnd, 9));
        push_any(L, rnd, depth - 1);
        lua_rawset(L, -3);
    }
    if (draw(rnd, 3) == 0) {
        luaL_getmetatable(L, MW_ARRAY_MARK);
        lua_setmetatable(L, -2);
    }
}

static void a_value_is_written_as_its_copy_would_be(void **state)
{
    mw_host host = {.clock = &mw_clock_system};
    mw_lua *l = mw_lua_new(&host, false, NULL);
    unsigned rnd = 7, refused = 0;
    for (int round = 0; round < 20000; round++) {
        mw_buf straight, copied;
        mw_buf_init(&straight);
        mw_buf_init(&copied);
        push_any(l->L, &rnd, 5);
        mw_value *copy = mw_cross_get(l->L, -1, &mw_cross_trusted, NULL);
        bool ok = mw_cross_json(l->L, -1, &mw_cross_trusted, &straight);
        assert_int_equal(ok, copy != NULL);
        assert_int_equal(lua_gettop(l->L), 1);
        if (ok) {
            mw_value_to_json(copy, &copied);
            assert_string_equal(straight.p, copied.p);
        }
        refused += !ok;
        mw_value_free(copy);
        mw_buf_deinit(&straight);
        mw_buf_deinit(&copied);
        lua_settop(l->L, 0);
    }
    assert_in_range(refused, 1, 10000);
    mw_lua_free(l);
}

static void so_much_and_no_more_is_written(void **state)
{
    mw_host host = {.clock = &mw_clock_system};
    mw_lua *l = mw_lua_new(&host, false, NULL);
    mw_buf out;
    mw_buf_init(&out);
    mw_cross_limits few = {.depth = 2, .items = 5, .bytes = 6};
    assert_int_equal(luaL_dostring(l->L, "return {{1,2,3}}, {{1,2,3,4}}, {{{}}}, {abc='def'}, "
                                         "{abc='defg'}"),
                     0);
    bool want[] = {true, false, false, true, false};
    for (int i = 0; i < 5; i++) assert_int_equal(mw_cross_json(l->L, i + 1, &few, &out), want[i]);
    mw_buf_deinit(&out);
    mw_lua_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_reads_back),
        cmocka_unit_test(null_in_a_map_means_absent),
        cmocka_unit_test(damaged_and_too_deep_json_is_refused),
        cmocka_unit_test(mutated_json_never_harms),
        cmocka_unit_test(lua_tables_cross_and_keep_their_shape),
        cmocka_unit_test(number_keys_stay_numbers),
        cmocka_unit_test(what_cannot_cross_is_named_with_its_place),
        cmocka_unit_test(a_value_is_written_as_its_copy_would_be),
        cmocka_unit_test(so_much_and_no_more_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
