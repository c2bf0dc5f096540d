/* test_guest.c - promises of guests: declarations, calls, ctx, messages.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "lua.h"
#include "script/cross.h"

/* load(source, opts) -> guest | nil, problems; run(guest, fn, args, ctx) -> result */
static const char helpers[] =
    "local host = require 'moonwatch.host' "
    "function load(source, with) with = with or {} return (with.host or host).guest{ "
    "name='rules/x.lua',"
    "  source=source, words={alert='named', settings='table', include='text', every='call'},"
    "  kinds={'slack', 'webhook'}, module=with.module, budget=with.budget} end "
    "function run(g, fn, args, ctx) local r g:call(fn, args, ctx, function(a) r = a end) return r "
    "end "
    "function one(source, ctx, with) local g = assert(load('every(1, ' .. source .. ')', with)) "
    "  return run(g, g:declarations()[1].args[2]['@fn'], {}, ctx or {kind='when', now=100, "
    "state={}}), g end "
    "function want(text, part) if not tostring(text):find(part, 1, true) then "
    "  error(tostring(text) .. ' does not say: ' .. part, 2) end end";

static int setup(void **state)
{
    static mw_host host;
    host = (mw_host){.clock = &mw_clock_system, .data_dir = "/tmp"};
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

static void declarations_come_out_in_order_with_their_lines(void **state)
{
    run_lua(*state,
            "local g = assert(load [[settings { a=1 }\n"
            "include \"y.lua\"\n"
            "alert \"Up\" {\n  when=function() end, labels={x=\"y\"}, slack{url=secret \"URL\"}, "
            "[5]=6 }\n"
            "every(\"1m\", function() end)\n"
            "alert \"Fn\" (function() end)\n]]) "
            "local d = g:declarations() assert(#d == 5) "
            "assert(d[5].name == 'Fn' and d[5].line == 6 and d[5].fields[1]['@fn']) "
            "assert(d[1].word == 'settings' and d[1].fields.a == 1 and d[1].line == 1 and not "
            "d[1].name) "
            "assert(d[2].word == 'include' and d[2].name == 'y.lua') "
            "assert(d[3].name == 'Up' and d[3].line == 3 and d[3].fields.labels.x == 'y') "
            "assert(d[3].fields.when['@fn'] and d[3].fields[5] == 6) "
            "assert(d[3].fields[1]['@kind'] == 'slack' and d[3].fields[1].url['@secret'] == 'URL') "
            "assert(d[4].args[1] == '1m' and d[4].args[2]['@fn'] ~= d[3].fields.when['@fn']) "
            "g:close() assert(not pcall(g.declarations, g))");
}

static void unknown_words_are_all_named_with_line_and_nearest(void **state)
{
    run_lua(*state, "local g, e = load [[local a = 1\nalrt \"x\" {}\n"
                    "alert \"y\" { when=function(ctx)\n    return printt(a)\n  end }\nfoo = 3]] "
                    "assert(not g and #e == 3, #e) "
                    "assert(e[1].line == 4 or e[1].line == 2) "
                    "local by = {} for _, p in ipairs(e) do by[p.line] = p end "
                    "want(by[2].message, 'unknown word \"alrt\" (did you mean \"alert\"?)') "
                    "assert(by[2].col == 1) "
                    "want(by[4].message, 'printt') assert(by[4].col == 12, by[4].col) "
                    "want(by[6].message, 'local foo') assert(e.message and e.line)");
}

static void syntax_errors_name_line_column_and_what(void **state)
{
    run_lua(
        *state,
        "local g, e = load 'local x = 1\\nlocal y = = 2' "
        "assert(not g and #e == 1 and e[1].line == 2 and e[1].col == 11, e[1].col) "
        "want(e[1].message, 'unexpected symbol') "
        "g, e = load '\\27LJ\\2' assert(not g) "
        "g, e = load(('x'):rep(300000)) want(e[1].message, 'KB') "
        "g, e = load 'alert \"x\"' want(e[1].message, 'alert \"x\" has no { ... }') "
        "g, e = load '\\n\\nalert { }' want(e[1].message, 'wants a name') assert(e[1].line == 3) "
        "g, e = load '\\nerror(\"no\")' want(e[1].message, 'no') assert(e[1].line == 2) "
        "g, e = load 'local t = {} t.x.y = 1' want(e[1].message, 'index') "
        "g, e = load 'slack \"x\"' want(e[1].message, 'slack wants a table')");
}

static void modules_come_through_the_finder_once(void **state)
{
    run_lua(
        *state,
        "local n = 0 "
        "local function module(name) n = n + 1 "
        "  if name == 'lib.a' then return 'return {v=7}', 'rules/lib/a.lua' end "
        "  if name == 'lib.bad' then return 'local x\\nreturn prnt(x)', 'rules/lib/bad.lua' end "
        "  if name == 'lib.syntax' then return '\\nlocal = 1', 'rules/lib/syntax.lua' end "
        "  if name == 'lib.loop' then return 'return require \"lib.loop\"', 'rules/lib/loop.lua' "
        "end end "
        "local g = assert(load('local a = require \"lib.a\" settings { v=a.v, "
        "w=require(\"lib.a\").v }', {module=module})) "
        "assert(n == 1 and g:declarations()[1].fields.w == 7) "
        "local e g, e = load('\\nrequire \"lib.none\"', {module=module}) want(e[1].message, "
        "'lib.none') assert(e[1].line == 2) "
        "g, e = load('require \"lib.bad\"', {module=module}) "
        "want(e[1].message, 'prnt') assert(e[1].file == 'rules/lib/bad.lua' and e[1].line == 2) "
        "g, e = load('require \"lib.syntax\"', {module=module}) "
        "assert(e[1].file == 'rules/lib/syntax.lua' and e[1].line == 2) "
        "g, e = load('require \"lib.loop\"', {module=module}) want(e[1].message, 'requires "
        "itself')");
}

static void functions_get_values_and_give_values(void **state)
{
    run_lua(*state,
            "local g = assert(load 'every(1, function(a, b, c) return c, nil, {a, b} end)') "
            "local r = run(g, 1, {1, nil, 'x'}, {kind='text'}) "
            "assert(r.ok and r.values[1] == 'x' and r.values[2] == nil and r.values[3][1] == 1, "
            "r.error) "
            "r = run(g, 99, {}, nil) assert(not r.ok) want(r.error, 'no function number 99') "
            "r = one 'function(ctx) local function f() error(\"boom\") end f() end' "
            "assert(not r.ok) want(r.error, 'rules/x.lua:1: boom') want(r.traceback, 'traceback') "
            "r = one 'function(ctx) return function() end end' assert(not r.ok) want(r.error, "
            "'function') "
            "r = one 'function(ctx) error({}) end' assert(not r.ok and r.error)");
}

static void state_is_kept_only_by_success(void **state)
{
    run_lua(*state,
            "local r = one('function(ctx) ctx.state.n = (ctx.state.n or 0) + 1 ctx.state[404] = "
            "true end', "
            "  {kind='when', now=1, state={n=4}}) "
            "assert(r.ok and r.state.n == 5 and r.state[404] == true) "
            "r = one('function(ctx) ctx.state.n = 1 error(\"x\") end') assert(r.state == nil) "
            "r = one('function(ctx) ctx.state = 5 end') assert(not r.ok) "
            "r = one('function(ctx) ctx.state.f = ctx.fire end') assert(not r.ok) want(r.error, "
            "'state')");
}

static void ctx_answers_as_of_now(void **state)
{
    run_lua(*state,
            "local w = host.world() w.set_clock(1000) "
            "w.append{{labels={__name__='up', job='a'}, t=100, value=1}, {labels={__name__='up', "
            "job='a'}, t=200, value=2}} "
            "w.logs_append{{stream={job='a'}, message='one', time=90, level='error'}, "
            "{stream={job='a'}, message='two', time=150}} "
            "w.traces_append{{service='s', name='slow', start=80, duration=2}, {service='s', "
            "name='late', start=180, duration=9}} "
            "local function at(t, source) local r = one(source, {kind='when', now=t, state={}}, "
            "{host=w}) "
            "  assert(r.ok, r.error) return r.values[1], r end "
            "assert(at(100, 'function(ctx) return ctx:value(\"up\") end') == 1) "
            "assert(at(200, 'function(ctx) return ctx:query(\"up\")[1].value end') == 2) "
            "assert(at(50, 'function(ctx) return ctx:value(\"up\") == nil end') == true) "
            "assert(at(200, 'function(ctx) return #ctx:range(\"up\", \"2m\", nil, "
            "\"20s\")[1].points end') == 6) "
            "assert(at(200, 'function(ctx) return #ctx:range(\"up\", 0, 9e9, 100)[1].points end') "
            "== 2) "
            "assert(at(100, 'function(ctx) return ctx.logs:count{} end') == 1) "
            "assert(at(100, 'function(ctx) return ctx.logs:search{level=\"error\"}[1].message "
            "end') == 'one') "
            "assert(at(200, 'function(ctx) return ctx.logs:count{since=\"1m\"} end') == 1) "
            "assert(at(100, 'function(ctx) return ctx.traces:slowest{service=\"s\"}[1].name end') "
            "== 'slow') "
            "local _, r = at(160, 'function(ctx) ctx.logs:search{} ctx.traces:search{} end') "
            "assert(#r.found.logs == 2 and r.found.logs[1].message == 'two') "
            "assert(#r.found.traces == 1 and r.found.traces[1].name == 'slow') "
            "_, r = at(160, 'function(ctx) ctx.logs:count{} end') assert(not r.found) "
            "_, r = at(5, 'function(ctx) ctx:fire{labels={a=\"b\"}, value=3} "
            "  ctx.metrics.counter(\"seen_total\", {k=\"v\"}):inc(2) "
            "ctx.metrics.gauge(\"g\"):set(4) end') "
            "assert(r.fired[1].value == 3 and r.fired[1].labels.a == 'b') "
            "assert(w.instruments()['seen_total{k=\"v\"}'] == 2 and w.instruments().g == 4) "
            "r = one('function(ctx) return ctx:query(\"up{\") end', nil, {host=w}) want(r.error, "
            "'up{') "
            "r = one('function(ctx) return ctx.query(\"up\") end', nil, {host=w}) want(r.error, "
            "'colon')");
}

static void waiting_is_for_checks_and_answers_come_back(void **state)
{
    run_lua(*state,
            "local w = host.world() "
            "local r = one('function(ctx) return ctx.http.get(\"http://x/\") end') want(r.error, "
            "'when') "
            "local c = {kind='check', now=1, state={}, rule='r'} "
            "local done local g = assert(load('every(1, function(ctx) "
            "  ctx.share:set(\"k\", {a=1}) local ok, v = pcall(function() return "
            "ctx.share:get(\"k\").a end) "
            "  local h = ctx.http.get(\"http://x/\") ctx.state.n = 1 "
            "  return v, ctx.share:incr(\"n\", 3), h.error end)', {host=w})) "
            "g:call(1, {}, c, function(a) done = a end) "
            "while not done do w.call('cluster.incr', {key='other'}) "
            "  local asked = w.take_call() if asked then asked.done{error='no http here'} end end "
            "assert(done.ok, done.error) assert(done.values[1] == 1 and done.values[2] == 3) "
            "want(done.values[3], 'http') assert(done.state.n == 1) "
            "r = one('function(ctx) return coroutine.wrap(function() return "
            "ctx.http.get(\"http://x/\") end)() end', c) "
            "want(r.error, 'coroutine') "
            "r = one('function(ctx) coroutine.yield(1) end', c) want(r.error, 'coroutine.yield') "
            "r = one('function(ctx) return ctx.http.get(\"file:///etc/passwd\") end', c) "
            "want(r.error, 'http://')");
}

static void closing_answers_what_waits(void **state)
{
    run_lua(
        *state,
        "local g = assert(load('every(1, function(ctx) return ctx.http.get(\"http://x/\") end)')) "
        "local done g:call(1, {}, {kind='check', now=1}, function(a) done = a end) assert(not "
        "done) "
        "g:close() assert(done and not done.ok) want(done.error, 'closed') "
        "g = assert(load('every(1, function(ctx) return ctx.http.get(\"http://x/\") end)')) "
        "g:call(1, {}, {kind='check', now=1}, function(a) error('never') end) g = nil "
        "collectgarbage() collectgarbage() ");
}

static void a_budget_stops_a_call_and_not_the_next(void **state)
{
    run_lua(*state,
            "local b = {instructions=100000, cpu=5} "
            "local g = assert(load('every(1, function() while true do end end) every(1, function() "
            "return 1 end)', {budget=b})) "
            "local r = run(g, 1, {}, {kind='when', now=1}) assert(not r.ok) want(r.error, "
            "'instructions') "
            "r = run(g, 2, {}, {kind='when', now=1}) assert(r.ok and r.values[1] == 1, r.error) "
            "local none, e = load('while true do end', {budget=b}) assert(not none) "
            "want(e[1].message, 'instructions')");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declarations_come_out_in_order_with_their_lines),
        cmocka_unit_test(unknown_words_are_all_named_with_line_and_nearest),
        cmocka_unit_test(syntax_errors_name_line_column_and_what),
        cmocka_unit_test(modules_come_through_the_finder_once),
        cmocka_unit_test(functions_get_values_and_give_values),
        cmocka_unit_test(state_is_kept_only_by_success),
        cmocka_unit_test(ctx_answers_as_of_now),
        cmocka_unit_test(waiting_is_for_checks_and_answers_come_back),
        cmocka_unit_test(closing_answers_what_waits),
        cmocka_unit_test(a_budget_stops_a_call_and_not_the_next),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
