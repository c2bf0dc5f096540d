/* test_host.c - promises of docs/host.md, asked from Lua.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

#include "lua.h"
#include "script/run.h"

static int setup(void **state)
{
    static mw_host host;
    host = (mw_host){.clock = &mw_clock_system, .data_dir = "/tmp"};
    *state = mw_lua_new(&host, true, NULL);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    mw_lua_free(*state);
    return 0;
}

static void files_are_written_whole_and_read_back(void **state)
{
    run_lua(*state,
            "local dir = os.tmpname() os.remove(dir) "
            "assert(host.mkdir(dir .. '/a/b')) assert(host.mkdir(dir .. '/a/b')) "
            "local p = dir .. '/a/b/x.txt' "
            "assert(host.write_file(p, 'one\\0two')) assert(host.read_file(p) == 'one\\0two') "
            "assert(host.stat(p).size == 7 and host.stat(dir).dir) "
            "assert(#host.glob(dir .. '/a/*/*') == 1) "
            "assert(host.rename(dir .. '/a', dir .. '/c') and host.stat(dir .. '/c/b/x.txt')) "
            "assert(host.rename(dir .. '/c', dir .. '/a')) "
            "local moved, no = host.rename(dir .. '/c', dir .. '/d') "
            "assert(not moved and no:find(dir .. '/c', 1, true)) "
            "assert(host.remove(p)) assert(not host.stat(p)) "
            "local t, why = host.read_file(p) assert(not t and why:find(p, 1, true)) "
            "local ok, no = host.mkdir('/proc/x/y') assert(not ok and no) "
            "os.execute('rm -r ' .. dir)");
}

static void a_journal_is_read_back_by_whoever_opens_it_next(void **state)
{
    run_lua(
        *state,
        "local dir = os.tmpname() os.remove(dir) "
        "local function all(j) local t = {} local n, bad = assert(j:replay(function(f) t[#t + 1] = "
        "f "
        "end)) assert(n == #t and bad == 0) return table.concat(t, '|') end "
        "local j = assert(host.journal(dir)) assert(all(j) == '') "
        "assert(j:append('one') and j:append('two\\0') and j:append('')) assert(j:bytes() > 0) "
        "local other = assert(host.journal(dir, 'read')) assert(all(other) == 'one|two\\0|') "
        "other:close() "
        "local segment = assert(j:cut()) assert(j:append('three')) assert(j:sync()) "
        "j:drop(segment) "
        "j:close() j = assert(host.journal(dir)) assert(all(j) == 'three') "
        "local n, why = j:replay(function() error('no more', 0) end) "
        "assert(n == nil and why == 'no more', why) j:close() "
        "assert(not pcall(j.append, j, 'x')) "
        "local p = assert(io.popen('stat -c %a ' .. dir)) assert(p:read('*l') == '700') p:close() "
        "local none, no = host.journal(dir .. '/a/b') assert(none == nil and no:find(dir, 1, "
        "true)) "
        "none, no = host.journal(dir .. '/a', 'read') assert(none == nil and no:find(dir, 1, "
        "true)) "
        "os.execute('rm -r ' .. dir)");
}

static void texts_have_their_helpers(void **state)
{
    run_lua(
        *state,
        "assert(host.sha256('abc'):sub(1, 8) == 'ba7816bf') assert(host.base64('ab') == 'YWI=') "
        "assert(host.hmac_sha256('Jefe', 'what do ya want for nothing?') == "
        "'5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843') "
        "assert(host.hmac_sha256('k', 'a\\0b', true) ~= host.hmac_sha256('k', 'a', true) and "
        "#host.hmac_sha256('', '', true) == 32) "
        "assert(host.same('ab', 'ab') and not host.same('ab', 'ac') and not host.same('a', 'ab')) "
        "assert(#host.random_hex(8) == 16 and host.random_hex(8) ~= host.random_hex(8)) "
        "assert(host.duration('1h30m') == 5400 and host.duration(2.5) == 2.5) "
        "assert(host.duration('soon') == nil and host.duration_text(5400) == '1h30m') "
        "assert(host.rfc3339(0) == '1970-01-01T00:00:00.000Z') "
        "assert(host.parse_time('1970-01-01T01:00:00.5+01:00') == 0.5) "
        "assert(host.parse_time('12.5') == 12.5 and not host.parse_time('2026-02-31T00:00:00Z')) "
        "assert(host.nearest('alrt', {'alert', 'slo'}) == 'alert' and not host.nearest('zzz', "
        "{'alert'})) "
        "local re = host.regex('a.*c') assert(re:match('abc') and not re:match('xabc')) "
        "assert(host.regex('a.c'):match('a\\nc') and not host.regex('a.c', true):match('a\\nc')) "
        "local any = host.regex('(?<n>b)(c)?', 'search') local found = any:find('abc', 1) "
        "assert(found.at == 2 and found[0] == 'bc' and found[1] == 'b' and found[2] == 'c') "
        "assert(any:group('n') == 1 and not any:group('x') and not any:find('abc', 3)) "
        "assert(not any:find('abc', 9) and not any:find('abc', 0)) "
        "local no, why = host.regex('(') assert(not no and why) "
        "assert(#host.fingerprint{alertname='x'} == 16 and host.hostname() ~= '') ");
}

static void json_that_is_no_text_can_be_mended(void **state)
{
    run_lua(
        *state,
        "local m, bad = host.json.mended, '\\239\\191\\189' "
        "for _, same in ipairs{'', 'a\\0b', 'ü', [[\\]], [[\\u]], [[\\ud80]], [[\\ud83d\\ude00]], "
        "[[\\\\ud800]], [[\\\"\\n\\u0041]], [[\\uzzzz]]} do assert(m(same) == same, same) end "
        "assert(m('a\\255b') == 'a' .. bad .. 'b') assert(m('\\195') == bad) "
        "assert(m('\\\\\\255') == [[\\]] .. bad) assert(m('\\192\\128') == bad .. bad) "
        "assert(m([[\\uD800x]]) == [[\\ufffdx]]) assert(m([[\\udc00\\ud800]]) == "
        "[[\\ufffd\\ufffd]]) "
        "assert(m([[\\ud800\\ud83d\\ude00]]) == [[\\ufffd\\ud83d\\ude00]]) "
        "local v, why = host.json.decode('[1,[2],{}]', 4) assert(not v and why == 'more than 4 "
        "values', why) assert(host.json.decode('[1,[2],{}]', 5)) "
        "assert(host.json.decode('[\",,[[{{\\\\\",\"]', 1))");
}

static void without_a_store_the_host_says_so(void **state)
{
    run_lua(*state,
            "local r, why = host.query('up', 0) assert(r == nil and why == 'no store here', why) "
            "r, why = host.logs_count{} assert(r == nil and why == 'no store here') "
            "r, why = host.append{} assert(r == nil and why == 'no store here')");
}

static void a_world_answers_as_of_its_own_time(void **state)
{
    run_lua(
        *state,
        "local w = host.world() w.set_clock(1000) assert(w.now() == 1000) "
        "local n = w.append{{labels={__name__='up', job='a'}, t=990, value=1},"
        "  {labels={__name__='up', job='b'}, t=990, value=0},"
        "  {labels={__name__='up', job='b'}, t=1000, value='stale'}} assert(n == 3, n) "
        "local rows = assert(w.query('up', 1000)) "
        "assert(#rows == 1 and rows[1].labels.job == 'a' and rows[1].value == 1) "
        "assert(#w.query('up', 995) == 2) assert(w.query('1+1', 5)[1].value == 2) "
        "local r = assert(w.range('up{job=\"a\"}', 990, 1000, 5)) "
        "assert(#r == 1 and #r[1].points == 3 and r[1].points[1][1] == 990) "
        "local ok, why, line, col = w.query('up{', 0) assert(not ok and why and line == 1 and col) "
        "assert(w.check_expr('rate(up[5m])')) assert(#w.selector('{a=~\"b\"}') == 1) ");
}

static void a_world_keeps_logs_and_traces(void **state)
{
    run_lua(*state,
            "local w = host.world() w.set_clock(1000) "
            "w.logs_append{stream={job='a'}, message='boom', level='error', time=999, "
            "fields={code=500}} "
            "w.logs_append{{stream={job='b'}, message='fine', time=999}} "
            "assert(w.logs_count{level='error'} == 1) assert(w.logs_count{to=998} == 0) "
            "local r = w.logs_search{selector='{job=\"a\"}', contains='oo'} "
            "assert(#r == 1 and r[1].fields.code == 500 and r[1].stream.job == 'a' and r[1].level "
            "== 'error') "
            "w.traces_append{service='shop', name='buy', start=990, duration=0.5, error=true, "
            "tags={a='b'}} "
            "local t = assert(w.traces_search{service='shop', min=0.1, errors=true, tags={a='b'}}) "
            "assert(#t == 1 and t[1].duration == 0.5 and t[1].spans == 1 and #t[1].trace == 32) "
            "local none, why = w.logs_search{level='loud'} assert(not none and why:find('loud')) ");
}

static void two_worlds_do_not_meet_and_outlive_their_tables(void **state)
{
    run_lua(*state, "local a, b = host.world(), host.world() "
                    "a.append{{labels={__name__='x'}, t=1, value=1}} "
                    "assert(#a.query('x', 1) == 1 and #b.query('x', 1) == 0) "
                    "local q = a.query a = nil b = nil collectgarbage() collectgarbage() "
                    "assert(#q('x', 1) == 1)");
}

static void a_world_holds_histograms(void **state)
{
    run_lua(
        *state,
        "local w = host.world() w.set_clock(1000) "
        "local h = assert(w.histogram{schema=1, count=3, sum=5, buckets={1, 2}, offset=1}) "
        "local labels = {__name__='x'} "
        "assert(w.series_append(labels, 900, 10, {h, h + h, false, 1, 'stale'}, 1, 4) == 3) "
        "local row = w.samples('x', 915)[1] "
        "assert(row.histogram == h + h and not row.value and row.histogram ~= h) "
        "assert(row.histogram:fields().buckets[2] == 4 and (h + h - h) == h) "
        "assert(w.samples('x', 935)[1].value == 1) "
        "assert(not pcall(w.series_append, labels, 0, 10, {{}}, 1, 1)) "
        "assert(not pcall(w.series_append, {['']=1}, 0, 10, {1}, 1, 1)) "
        "local no, why = w.samples('x[5m]', 935) assert(not no and why) "
        "no, why = w.samples('x +', 935) assert(not no and why) "
        "no, why = w.histogram{schema=20} assert(not no and why) "
        "assert(not pcall(w.histogram, {counter_reset_hint='maybe'})) "
        "local c = w.histogram{schema=-53, custom_values={5, 10}, buckets={1, 2}, count=3, sum=7} "
        "assert(not pcall(function() return h + c end) and (c + c):fields().custom_values[2] == "
        "10) "
        "h, c = nil, nil collectgarbage() assert(w.samples('x', 905)[1].histogram)");
}

static void what_functions_ask_of_a_world_is_answered_by_whoever_made_it(void **state)
{
    run_lua(
        *state,
        "local w = host.world() w.set_clock(1000) "
        "local g = assert(w.guest{name='g', source='every(\"1m\", function(ctx) "
        "return ctx.http.get(\"http://a/\").status end)', words={every='call'}}) "
        "local fn, got = g:declarations()[1].args[2]['@fn'], {} "
        "local function ask() g:call(fn, {}, {kind='every', now=1000}, function(r) got[#got + 1] = "
        "r end) end "
        "ask() assert(w.settle() == 1 and got[1].ok and not got[1].values[1]) " /* nobody is there
                                                                                 */
        "got = {} assert(not w.take_call()) "
        "ask() ask() assert(#got == 0 and w.settle() == 0) "
        "local call = w.take_call() assert(call.op == 'http' and call.arg.url == 'http://a/') "
        "call.done{status=204} call.done{status=500} "
        "assert(w.settle() == 1 and got[1].values[1] == 204) "
        "call = w.take_call() call = nil collectgarbage() assert(w.settle() == 1) " /* nobody can
                                                                                       answer it */
        "assert(got[2].ok and not w.take_call()) "
        "ask() w, g, fn = nil, nil, nil collectgarbage() collectgarbage()");
}

static void own_instruments_are_recorded(void **state)
{
    run_lua(*state, "local w = host.world() "
                    "assert(w.metric('add', 'x_total', {a='b'}, 2, 'help')) "
                    "assert(w.metric('add', 'x_total', {a='b'}, 1)) "
                    "assert(w.instruments()['x_total{a=\"b\"}'] == 3) "
                    "local ok, why = w.metric('set', 'x_total', {}, 1) assert(not ok and why) "
                    "ok, why = w.metric('add', 'bad name', {}, 1) assert(not ok and why)");
}

static void calls_wait_and_unknown_operations_say_so(void **state)
{
    run_lua(*state, "local a = host.call('nothing', {}) assert(a.error:find('nothing')) "
                    "local got host.call('nothing', {}, function(r) got = r end) assert(got.error) "
                    "local w = host.world() "
                    "assert(w.call('cluster.incr', {key='k', by=2}).value == 2) "
                    "assert(w.call('cluster.incr', {key='k'}).value == 3) "
                    "w.call('cluster.put', {kind='s', id='1', value={x=1}}) "
                    "assert(w.call('cluster.get', {kind='s', id='1'}).value.x == 1) "
                    "local ok, why = host.send('rules', {}) assert(not ok and why) "
                    "host.ask('rules', {}, function(r) got = r end)");
}

static void a_module_is_run_for_its_exit_status(void **state)
{
    char dir[] = "/tmp/mw-run-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64], pattern[64];
    snprintf(path, sizeof path, "%s/prog.lua", dir);
    snprintf(pattern, sizeof pattern, "%s/?.lua", dir);
    FILE *f = fopen(path, "w");
    fputs("return {main=function(a) assert(jit and ffi == nil and require 'ffi' and io and os) "
          "if a[1] == 'err' then error('boom') end return a[1] and tonumber(a[1]) end}",
          f);
    fclose(f);
    mw_host host = {.clock = &mw_clock_system, .lua_path = pattern};
    char *seven[] = {(char *)"7"}, *err[] = {(char *)"err"};
    assert_int_equal(mw_script_run(&host, "prog", 1, seven), 7);
    assert_int_equal(mw_script_run(&host, "prog", 0, NULL), 0);
    assert_int_equal(mw_script_run(&host, "prog", 1, err), 1);
    assert_int_equal(mw_script_run(&host, "missing", 0, NULL), 1);
    unlink(path);
    rmdir(dir);
}

static void an_actors_state_has_no_way_out(void **state)
{
    mw_host host = {.clock = &mw_clock_system};
    mw_lua *l = mw_lua_new(&host, false, NULL);
    run_lua(l, "assert(not io and not os and not debug and not jit and not ffi and not dofile) "
               "assert(not pcall(require, 'ffi') and not pcall(require, 'jit') and not "
               "pcall(require, 'io')) "
               "assert(package.path == '' and package.cpath == '' and not host.world)");
    mw_lua_free(l);
}

static void the_command_line_interprets_as_the_server_does(void **state)
{
    run_lua(*state, "assert(jit.status() == false)");
    run_lua(*state, "jit.on() assert(jit.status() == true) jit.off()");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_written_whole_and_read_back),
        cmocka_unit_test(a_journal_is_read_back_by_whoever_opens_it_next),
        cmocka_unit_test(texts_have_their_helpers),
        cmocka_unit_test(json_that_is_no_text_can_be_mended),
        cmocka_unit_test(without_a_store_the_host_says_so),
        cmocka_unit_test(a_world_answers_as_of_its_own_time),
        cmocka_unit_test(a_world_keeps_logs_and_traces),
        cmocka_unit_test(two_worlds_do_not_meet_and_outlive_their_tables),
        cmocka_unit_test(a_world_holds_histograms),
        cmocka_unit_test(what_functions_ask_of_a_world_is_answered_by_whoever_made_it),
        cmocka_unit_test(own_instruments_are_recorded),
        cmocka_unit_test(calls_wait_and_unknown_operations_say_so),
        cmocka_unit_test(a_module_is_run_for_its_exit_status),
        cmocka_unit_test(an_actors_state_has_no_way_out),
        cmocka_unit_test(the_command_line_interprets_as_the_server_does),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
