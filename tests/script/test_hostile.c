/* test_hostile.c - promises about files that mean harm: those of spec/hostile, and some that are
 * made here because they are large.  An attack that ends without an error has won; the second line
 * of its file says what it must be told.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "lua.h"
#include "script/guest.h"

#define FOLDER "spec/hostile"

/* attack(name, source) runs an attack and then a good file in the same thread. */
static const char helpers[] =
    "local host = require 'moonwatch.host'\n"
    "local world = host.world()\n"
    "function load(source, budget)\n"
    "  return world.guest{name='rules/x.lua', source=source, kinds={'slack'},\n"
    "    words={alert='named', settings='table', include='text', every='call'},\n"
    "    budget=budget or {instructions=2e6, cpu=3, memory=16e6}}\n"
    "end\n"
    "function run(g)\n"
    "  local r\n"
    "  g:call(g:declarations()[1].fields.when['@fn'], {},\n"
    "    {kind='when', now=100, rule='Hostile', state={}}, function(a) r = a end)\n"
    "  return assert(r, 'no answer')\n"
    "end\n"
    "local good = [[alert \"Good\" { when = function(ctx)\n"
    "  ctx.state.n = 1\n"
    "  assert((\"x\"):rep(3) == \"xxx\" and string.format(\"%d\", 7) == \"7\")\n"
    "  return (\"a-b\"):gsub(\"-\", \"+\")\n"
    "end }]]\n"
    "local text = getmetatable('')\n"
    "function good_still_works()\n"
    "  local g = assert(load(good))\n"
    "  local r = run(g)\n"
    "  g:close()\n"
    "  assert(r.ok and r.values[1] == 'a+b' and r.state.n == 1, r.error)\n"
    "  assert(getmetatable('') == text and text.__index == string and ('%d'):format(7) == '7')\n"
    "  assert(shared == nil and rawget(_G, 'shared') == nil)\n"
    "end\n"
    "function attack(source, says)\n"
    "  says = says or source:match('^%-%- [^\\n]+\\n%-%- says: ?([^\\n]*)\\n')\n"
    "  assert(says, 'the first lines are -- what it tries, -- says: the reason')\n"
    "  local g, problems = load(source)\n"
    "  local reason\n"
    "  if g then\n"
    "    local r = run(g)\n"
    "    assert(not r.ok, 'it ended as if nothing had happened')\n"
    "    assert(not r.state, 'it left a state behind')\n"
    "    assert(r.instructions <= 2e6, 'more than its instructions')\n"
    "    reason = r.error\n"
    "    g:close()\n"
    "  else\n"
    "    assert(#problems <= 200, 'a flood of problems')\n"
    "    reason = problems.message\n"
    "  end\n"
    "  assert(type(reason) == 'string' and reason ~= '', 'no reason')\n"
    "  if not reason:find(says, 1, true) then error('says \"' .. reason .. '\", not: ' .. says) "
    "end\n"
    "  good_still_works()\n"
    "end\n";

static int setup(void **state)
{
    static mw_host host;
    host = (mw_host){.clock = &mw_clock_system, .data_dir = "/tmp"};
    alarm(240); /* what hangs must not hang the suite */
    mw_lua *l = mw_lua_new(&host, true, NULL);
    if (luaL_dostring(l->L, helpers)) fail_msg("%s", lua_tostring(l->L, -1));
    *state = l;
    return 0;
}

static int teardown(void **state)
{
    mw_lua_free(*state);
    return 0;
}

/* False with a message when the attack NAME was not refused as it should be. */
static bool attack(mw_lua *l, const char *name, const char *source, size_t n, const char *says)
{
    mw_err err;
    mw_err_init(&err);
    alarm(60);
    lua_getglobal(l->L, "attack");
    lua_pushlstring(l->L, source, n);
    lua_pushstring(l->L, says);
    if (mw_lua_run(l, 2, 0, &err) == MW_OK) return true;
    print_error("%s: %s\n", name, err.msg);
    return false;
}

static char *read_whole(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot open %s", path);
    mw_buf b;
    mw_buf_init(&b);
    size_t got;
    while ((got = fread(mw_buf_room(&b, 4096), 1, 4096, f))) b.n += got;
    fclose(f);
    *n = b.n;
    mw_buf_byte(&b, 0);
    return mw_buf_take(&b);
}

static int is_lua(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');
    return dot && !strcmp(dot, ".lua");
}

static void every_attack_is_stopped_with_a_reason_and_hurts_nobody_else(void **state)
{
    struct dirent **files;
    int n = scandir(FOLDER, &files, is_lua, alphasort), bad = 0;
    const char *only = getenv("HOSTILE");
    assert_true(n >= 40);
    for (int i = 0; i < n; i++) {
        char path[600];
        size_t len;
        snprintf(path, sizeof path, FOLDER "/%s", files[i]->d_name);
        char *source = read_whole(path, &len);
        if (only) print_message("%s\n", path);
        if (!only || strstr(path, only)) bad += !attack(*state, path, source, len, NULL);
        mw_free(source);
        free(files[i]);
    }
    free(files);
    assert_int_equal(bad, 0);
}

/* -- too large for a file here ----------------------------------------------------------------- */

/* "return" HEAD MIDDLE*N TAIL */
static void attack_repeated(mw_lua *l, const char *head, const char *middle, size_t n,
                            const char *tail, const char *says)
{
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_text(&b, head);
    for (size_t i = 0; i < n; i++) mw_buf_text(&b, middle);
    mw_buf_text(&b, tail);
    bool ok = attack(l, middle, b.p, b.n, says);
    mw_buf_deinit(&b);
    assert_true(ok);
}

static void large_sources_are_refused(void **state)
{
    attack_repeated(*state, "return ", "(", 100000, "1", "too many syntax levels");
    attack_repeated(*state, "local t = {", "{", 100000, "", "too many");
    attack_repeated(*state, "return {", "\"constant\",", 500000, "}", "larger than");
    attack_repeated(*state, "return 1", "..1", 80000, "", "");
    attack_repeated(*state, "", "local x;", 30000, "", "local variables");
    attack_repeated(*state, "--", "x", 262144, "", "larger than");
}

static void a_flood_of_unknown_words_costs_no_more_than_a_few(void **state)
{
    attack_repeated(*state, "", "x=1 ", 65000, "", "global");
    attack_repeated(*state, "", "\nx=1", 65000, "", "global");
    attack_repeated(*state, "", "\nalrt{}", 37000, "", "unknown word");
}

static int write_dump(lua_State *L, const void *p, size_t n, void *arg)
{
    mw_buf_add(arg, p, n);
    return 0;
}

static void bytecode_is_no_rule_file(void **state)
{
    mw_buf b;
    mw_buf_init(&b);
    lua_State *L = luaL_newstate();
    assert_int_equal(luaL_loadstring(L, "local a = 1 return a"), 0);
    assert_int_equal(lua_dump(L, write_dump, &b), 0);
    lua_close(L);
    bool ok = attack(*state, "bytecode", b.p, b.n, "");
    for (size_t i = 0; i < b.n; i++) /* without the bytes that give it away */
        if (!b.p[i]) b.p[i] = 1;
    ok = attack(*state, "bytecode", b.p, b.n, "") && ok;
    mw_buf_deinit(&b);
    assert_true(ok);
}

/* -- memory that ends anywhere ----------------------------------------------------------------- */

static const char sample[] =
    "local names = {'a', 'b'}\n"
    "settings { labels = { x = ('y'):rep(10) } }\n"
    "alert 'Sample' {\n"
    "  labels = { team = 'core' }, slack { url = secret 'URL' },\n"
    "  when = function(ctx)\n"
    "    for i, n in ipairs(names) do\n"
    "      ctx:fire { labels = { n = n .. i }, value = i }\n"
    "    end\n"
    "    ctx.state.seen = (ctx.state.seen or 0) + 1\n"
    "    ctx.state.list = { (('a,b'):gsub(',', ';')), ('x=1'):match('(%w)=(%d)') }\n"
    "    local co = coroutine.wrap(function() return pcall(error, 'no') end)\n"
    "    co()\n"
    "    return true, string.format('%d', #names)\n"
    "  end,\n"
    "}\n";

static mw_word *sample_words(void)
{
    static const struct {
        const char *name;
        mw_word_shape shape;
    } words[] = {{"alert", MW_WORD_NAMED}, {"settings", MW_WORD_TABLE}};
    mw_word *out = mw_array(2, sizeof *out);
    for (int i = 0; i < 2; i++) out[i] = (mw_word){mw_strdup(words[i].name), words[i].shape};
    return out;
}

static bool never(mw_lua *l, void *arg, mw_value *result, mw_err *err)
{
    fail_msg("a call that does not wait was answered late");
    return true;
}

/* Loads and calls the sample; the allocation with number FAIL_AT fails.  True: it all went well. */
static bool play_sample(mw_lua *l, size_t fail_at)
{
    char **kinds = mw_array(1, sizeof *kinds);
    kinds[0] = mw_strdup("slack");
    mw_guest_options o = {.face = &l->face,
                          .name = mw_str_of("rules/sample.lua"),
                          .source = mw_str_of(sample),
                          .words = sample_words(),
                          .n_words = 2,
                          .kinds = kinds,
                          .n_kinds = 1,
                          .budget = {.cpu = 10, .fail_at = fail_at}};
    mw_value *problems = NULL;
    mw_guest *g = mw_guest_open(&o, &problems);
    if (!g) {
        assert_true(problems->list.n > 0);
        mw_value_free(problems);
        return false;
    }
    const mw_value *d = mw_guest_declarations(g);
    assert_int_equal(d->list.n, 2);
    int fn =
        (int)mw_map_number(mw_map_find(mw_map_find(d->list.item[1], "fields"), "when"), "@fn", 0);
    bool ok = true;
    for (int i = 0; i < 3; i++) {
        mw_value *ctx = mw_map_new();
        mw_map_set_text(ctx, "kind", "when");
        mw_map_set_number(ctx, "now", 100);
        mw_map_set(ctx, "state", mw_map_new());
        mw_value *r = mw_guest_call(g, fn, mw_list_new(), ctx, never, NULL);
        assert_non_null(r);
        if (!mw_map_bool(r, "ok", false)) {
            assert_true(mw_map_text(r, "error").n > 0);
            assert_null(mw_map_find(r, "state"));
            ok = false;
        }
        mw_value_free(r);
    }
    mw_guest_close(g, true);
    return ok;
}

static void memory_may_end_at_any_allocation(void **state)
{
    size_t failed = 0, n = 1;
    alarm(200);
    for (size_t well = 0; well < 30 && n < 20000; n++) { /* well: it is past the last one */
        bool ok = play_sample(*state, n);
        failed += !ok;
        well = ok ? well + 1 : 0;
    }
    assert_true(n < 20000);
    assert_true(failed > 200);
    assert_true(play_sample(*state, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_attack_is_stopped_with_a_reason_and_hurts_nobody_else),
        cmocka_unit_test(large_sources_are_refused),
        cmocka_unit_test(a_flood_of_unknown_words_costs_no_more_than_a_few),
        cmocka_unit_test(bytecode_is_no_rule_file),
        cmocka_unit_test(memory_may_end_at_any_allocation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
